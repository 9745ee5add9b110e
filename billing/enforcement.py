"""Whether rules refuse, or only note what they would have refused: `ENFORCEMENT`, and each action's own word."""

from __future__ import annotations

from billing.catalog import Action, Enforcement

_mode: Enforcement = "enforce"


def configure(mode: Enforcement) -> None:
    """Set what holds for every action that says nothing of its own (`ENFORCEMENT`)."""
    global _mode
    _mode = mode


def is_observed(action: Action | None) -> bool:
    """Whether what stops this action is only noted: the action's own `enforcement`, else the server's."""
    own = action.enforcement if action is not None else None
    return (own or _mode) == "observe"
