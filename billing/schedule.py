"""Granting a month of a yearly plan when it comes (R11)."""

from __future__ import annotations

from sqlalchemy import select

from billing import freezing, grace
from billing.db import db
from billing.ledger.book import Book
from billing.ledger.grants import Terms, open_grant
from billing.ledger.posting import Note
from billing.models import ScheduledGrant
from billing.months import is_rolled_over, reschedule


def grant_next(book: Book) -> None:
    """Grant the account's next waiting month at the time it was due; one that money given back took is skipped."""
    month = db.session.scalars(
        select(ScheduledGrant)
        .where(ScheduledGrant.account_id == book.account_id, ScheduledGrant.status == "waiting")
        .order_by(ScheduledGrant.due_at, ScheduledGrant.lot, ScheduledGrant.n)
        .limit(1)
    ).one()
    grant_month(book, month)


def grant_month(book: Book, month: ScheduledGrant) -> None:
    """Open the grant of one month, ``(line, n)`` being its business key (R6)."""
    amount = month.credits - month.cancelled
    if not amount:
        month.status = "skipped"
    else:
        month.status = "granted"
        db.session.flush()
        ends_at = month.ends_at
        if not is_rolled_over(month):
            grace.close_older_cycles(book, month.chain, month.ends_at)
            ends_at = grace.end_of(book, month.chain, month.ends_at, subscription_id=month.subscription_id)
        grant = open_grant(
            book,
            "CREDIT",
            "cycle",
            amount,
            at=month.due_at,
            terms=Terms(
                effective_at=month.due_at,
                expires_at=month.ends_at,
                ends_at=ends_at,
                priority=month.priority,
                payment_id=month.payment_id,
                lot=month.lot,
                chain=month.chain,
                label=month.label,
            ),
            note=Note(actor="stripe"),
            source=f"{month.lot}:{month.n}",
            freeze=freezing.arrives_frozen(book, month.payment_id, month.lot, amount),
        )
        month.entry_seq = grant.seq
        freezing.refresh_freezes(book, month.payment_id, month.due_at)
    reschedule(book)
