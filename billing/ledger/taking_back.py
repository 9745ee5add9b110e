"""Credits follow money (R7): taking back what a grant gave, as debt where it is gone, and putting it back."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import func, select

from billing.db import connection
from billing.ledger.book import Book
from billing.ledger.freed import payers_of, settle_freed
from billing.ledger.grants import revive
from billing.ledger.posting import Note, post_entry
from billing.ledger.states import DebtState, EntryRow, GrantState
from billing.models import Entry


def take_back(
    book: Book,
    grant: GrantState,
    amount: int,
    reason: str,
    *,
    note: Note | None = None,
    source: str | None = None,
) -> EntryRow:
    """Post a REFUND of −``amount`` micro-credits on the grant: from its unheld rest, what lacks is debt (R4)."""
    found = min(amount, grant.unheld)
    entry = post_entry(book, "REFUND", reason, -amount, at=book.now, note=note, source=source, reverses=grant.seq)
    if found:
        book.add_use(entry.seq, grant, found)
    if amount > found:
        lack = amount - found
        book.add_debt(DebtState(book.account_id, entry.seq, grant.seq, lack, lack, 0))
        book.debt += lack
    return entry


def put_back(
    book: Book,
    taken: EntryRow,
    amount: int,
    reason: str,
    *,
    at: datetime,
    note: Note | None = None,
    source: str | None = None,
) -> EntryRow:
    """Undo ``amount`` micro-credits of an earlier taking back.

    It cancels that REFUND's open debt, then goes back to the grants that paid that debt, the last payer first, then
    to its own grant; what has ended lives seven days from ``at``. A debt forgiven is un-forgiven with it.
    """
    assert taken.amount < 0
    assert taken.reverses is not None
    entry = post_entry(book, "REFUND", reason, amount, at=at, note=note, source=source, reverses=taken.seq)
    own = book.grant(taken.reverses)
    debt = book.debt_of(taken.seq)
    if debt is not None:
        payers = payers_of(book, debt)
        cancelled = min(amount, debt.open)
        debt.open -= cancelled
        debt.cancelled += cancelled
        book.debt -= cancelled
        amount -= cancelled
        for payer, paid in payers:
            back = min(amount, paid)
            if back:
                amount -= back
                _return(book, entry, payer, back, at)
                if payer.reason == "debt_forgiven":
                    take_back(book, payer, back, reason, note=note)
    if amount:
        _return(book, entry, own, amount, at)
    return entry


def _return(book: Book, entry: EntryRow, grant: GrantState, amount: int, at: datetime) -> None:
    book.add_use(entry.seq, grant, -amount)
    revive(grant, at)
    if grant.reason != "debt_forgiven":
        settle_freed(book, grant, amount, at, pays_debt=True)


def net_taken(book: Book, grant: GrantState) -> list[tuple[EntryRow, int]]:
    """The takings back of this grant and what of each still stands, oldest first."""
    takings = book.entries_where(Entry.reverses == grant.seq, Entry.kind == "REFUND", Entry.amount < 0)
    return [(entry, -entry.amount - reversed_sum(book, entry.seq)) for entry in takings]


def reversed_sum(book: Book, seq: int) -> int:
    """How much of entry ``seq`` later REFUNDs have undone, as a positive number of micro-credits."""
    book.flush()
    total = connection().scalar(
        select(func.sum(Entry.amount)).where(
            Entry.account_id == book.account_id, Entry.reverses == seq, Entry.kind == "REFUND"
        )
    )
    return abs(int(total or 0))
