"""What became of an event: the words of the door's answer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Outcome:
    """`done`, `ignored` (none of our business) or `parked` (kept until staff have helped), and a note for staff."""

    status: Literal["done", "ignored", "parked"]
    note: str | None = None
    account_id: int | None = None


Effect = Callable[[], Outcome]
"""What a handler prepared: it only writes, inside the inbox's transaction, and calls nobody."""


def outcome_of(word: str) -> Outcome:
    """The outcome that a verb's word stands for: `foreign`, `parked: why`, or what it did."""
    if word == "foreign":
        return Outcome("ignored", "not ours")
    if word.startswith("parked"):
        return Outcome("parked", word.removeprefix("parked").lstrip(": ") or None)
    return Outcome("done", word)
