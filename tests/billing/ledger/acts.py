"""Short words for what tests of the books do again and again, in whole credits."""

from __future__ import annotations

from billing import accounts, audit, spending
from billing.ledger.history import EntryView, list_entries
from billing.money import MICRO

ACTOR = "app:test"


def debit(account: int, credits: int, **fields: str) -> str:
    """Spend; answers the entry's id."""
    return spending.debit(account, spending.Order(amount=credits * MICRO, **fields), actor=ACTOR).entry.id  # type: ignore


def hold(account: int, credits: int, seconds: int = 900, **fields: str) -> str:
    """Place a hold; answers its id."""
    order = spending.Order(amount=credits * MICRO, **fields)  # type: ignore[arg-type]
    return spending.place_hold(account, order, seconds, actor=ACTOR).id


def capture(hold_id: str, credits: int | None = None) -> None:
    """Capture a hold."""
    spending.capture_hold(hold_id, None if credits is None else credits * MICRO)


def give_back(entry_id: str, credits: int | None = None) -> None:
    """Refund a debit."""
    spending.refund_debit(entry_id, None if credits is None else credits * MICRO, actor=ACTOR)


def standing(account: int) -> tuple[int, int, int, int, int]:
    """Balance, available, held, frozen and debt in whole credits; the books are right when this answers."""
    view = accounts.read_balance(account)
    assert [violation.line for violation in audit.audit()] == []
    balance, available, held, frozen, debt = (
        amount // MICRO for amount in (view.balance, view.available, view.held, view.frozen, view.debt)
    )
    return balance, available, held, frozen, debt


def remaining(account: int) -> dict[int, int]:
    """What is left of each grant that has something left, in whole credits by seq."""
    return {grant.seq: grant.remaining // MICRO for grant in accounts.read_balance(account).grants}


def entries(account: int, **filters: str) -> list[EntryView]:
    """The account's entries, oldest first."""
    return list(reversed(list_entries(account, limit=100, **filters).entries))  # type: ignore[arg-type]


def told(account: int, **filters: str) -> list[tuple[str, str, int]]:
    """Kind, reason and whole credits of each entry, oldest first."""
    return [(each.kind, each.reason, each.amount // MICRO) for each in entries(account, **filters)]
