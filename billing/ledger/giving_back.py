"""Giving a debit back: to the grants it ate, last eaten first (R3)."""

from __future__ import annotations

from billing.errors import RefundExceeds
from billing.ledger.book import Book
from billing.ledger.freed import settle_freed
from billing.ledger.posting import SPENDING_REASONS, Note, post_entry
from billing.ledger.states import EntryRow
from billing.ledger.taking_back import reversed_sum
from billing.models import Entry


def give_back(
    book: Book,
    debit: EntryRow,
    amount: int | None = None,
    *,
    note: Note | None = None,
    source: str | None = None,
) -> EntryRow:
    """Post a REFUND of ``amount`` micro-credits (default: all that is left) for a DEBIT.

    Raises ``RefundExceeds`` beyond the debit, and for an expiry, which can't be given back.
    """
    left = -debit.amount - reversed_sum(book, debit.seq)
    amount = left if amount is None else amount
    if debit.kind != "DEBIT" or debit.reason == "expired" or not 0 < amount <= left:
        raise RefundExceeds()
    earlier = book.entries_where(Entry.reverses == debit.seq)
    net: dict[int, int] = {}
    for use in book.uses_of(debit.seq, *(entry.seq for entry in earlier)):
        net[use.grant_seq] = net.get(use.grant_seq, 0) + use.amount
    entry = post_entry(
        book, "REFUND", "debit_refunded", amount, at=book.now, note=note, source=source, reverses=debit.seq
    )
    if debit.reason in SPENDING_REASONS:
        book.count_spent(-amount, debit.at)
    returned = []
    for grant_seq in reversed(net):
        back = min(amount, net[grant_seq])
        if back > 0:
            grant = book.grant(grant_seq)
            book.add_use(entry.seq, grant, -back)
            returned.append((grant, back))
            amount -= back
    for grant, back in returned:
        settle_freed(book, grant, back, book.now, pays_debt=True)
    return entry
