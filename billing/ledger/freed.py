"""Where credits go that come free or come back on a grant: first to debt, and to who paid it (R3, R4)."""

from __future__ import annotations

from datetime import datetime

from billing.ledger.book import Book
from billing.ledger.grants import end_grant, pay_debts
from billing.ledger.states import DebtState, GrantState
from billing.models import Entry


def settle_freed(book: Book, grant: GrantState, amount: int, at: datetime, *, pays_debt: bool) -> None:
    """``amount`` micro-credits of the grant have just become unheld, or have been given back to it.

    On a grant that was taken back meanwhile they first lower the debt this left, or go to the grant that paid it.
    What is given back (``pays_debt``) then pays other debt. What has ended expires at once, an entry of its own.

    Two grants may each have paid the other's debt: what goes to one may come back and be spent here on the way, so
    never more is handed on than what is still unheld.
    """
    for debt in book.debts_left_on(grant.seq):
        paid = min(amount, debt.open, grant.unheld)
        if paid:
            book.pay_debt(debt, grant, paid)
            amount -= paid
        for payer, part in payers_of(book, debt):
            back = min(amount, part, grant.unheld)
            if back:
                book.pay_debt(debt, grant, back, payer=payer)
                amount -= back
                settle_freed(book, payer, back, at, pays_debt=True)
    if pays_debt:
        pay_debts(book, grant)
    if grant.has_ended(at):
        end_grant(book, grant, at)


def payers_of(book: Book, debt: DebtState) -> list[tuple[GrantState, int]]:
    """Which other grants have paid this debt and how much they are still out, the last payer first."""
    reversals = book.entries_where(Entry.reverses == debt.entry_seq)
    paid: dict[int, int] = {}
    last: dict[int, int] = {}
    for order, use in enumerate(book.uses_of(debt.entry_seq, *(entry.seq for entry in reversals))):
        paid[use.grant_seq] = paid.get(use.grant_seq, 0) + use.amount
        if use.amount > 0:
            last[use.grant_seq] = order
    payers = [seq for seq, amount in paid.items() if amount > 0 and seq != debt.grant_seq]
    return [(book.grant(seq), paid[seq]) for seq in sorted(payers, key=lambda seq: last[seq], reverse=True)]
