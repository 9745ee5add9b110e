"""What a record of an act says beside its name, in words: `Amount: $12.50 · Reason: Paid twice`."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from flask_babel import gettext, lazy_gettext
from markupsafe import Markup

from billing.audit_log import Detail
from billing.errors import InvalidAmount
from billing.money import parse_credits
from web.formats import credits, money
from web.staff.words import CREDIT_MODES, REFUND_REASONS, REFUND_STATES, ROLES, SCOPES, actor_name

NAMES = {
    "after": lazy_gettext("Afterwards"),
    "app": lazy_gettext("App"),
    "asked_by": lazy_gettext("Asked for by"),
    "before": lazy_gettext("Before"),
    "code": lazy_gettext("Code"),
    "credits": lazy_gettext("Credits"),
    "dry_run": lazy_gettext("Only compared"),
    "payment": lazy_gettext("Payment"),
    "reason": lazy_gettext("Reason"),
    "role": lazy_gettext("Role"),
    "scopes": lazy_gettext("May"),
    "status": lazy_gettext("State"),
    "used": lazy_gettext("Used until then"),
}
"""Names of details; another one is shown as the act wrote it."""


def detail_words(detail: Detail) -> Markup:
    """A record's details in the reader's language and way of writing numbers; what has no words stays as it is."""
    parts: list[Markup] = []
    for name, value in detail.items():
        if name == "amount_minor" and isinstance(value, int):
            parts.append(_part(gettext("Amount"), money(value, str(detail["currency"]))))
        elif name != "currency" or "amount_minor" not in detail:
            parts.append(_part(str(NAMES.get(name, name)), _in_words(name, value)))
    return Markup(" · ").join(parts)


def _part(name: str, value: str) -> Markup:
    return Markup("{}: {}").format(name, value)


def _in_words(name: str, value: str | int | bool | None) -> str:
    if isinstance(value, bool):
        return gettext("yes") if value else gettext("no")
    words = _WORDS.get(name, str)
    return words(str(value))


def _credits(value: str) -> str:
    """How a refund treats credits, or a plain number of them."""
    if value in CREDIT_MODES:
        return str(CREDIT_MODES[value])
    try:
        return credits(parse_credits(value))
    except InvalidAmount:  # what was refused may have been no amount at all
        return value


def _from(words: Mapping[str, object]) -> Callable[[str], str]:
    return lambda value: str(words.get(value, value))


_WORDS: dict[str, Callable[[str], str]] = {
    "asked_by": lambda value: actor_name(value) or value,
    "credits": _credits,
    "payment": Markup('<span class="ids">{}</span>').format,
    "reason": _from(REFUND_REASONS),
    "role": _from(ROLES),
    "scopes": lambda value: "; ".join(str(SCOPES.get(each, each)) for each in value.split()),
    "status": lambda value: str(REFUND_STATES[value][0]) if value in REFUND_STATES else value,
}
