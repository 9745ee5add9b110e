"""The free plan's monthly refill: one a month from sign-up on, ending at the next, without a live paid plan (R13)."""

from __future__ import annotations

from sqlalchemy import select

from billing import catalog
from billing.clock import add_months
from billing.db import db
from billing.ledger.book import Book
from billing.ledger.grants import Terms, open_grant
from billing.ledger.posting import Note, is_posted
from billing.models import Customer, Subscription

LIVE_STATUSES = ("trialing", "active", "past_due")
"""A subscription that stands in the way of free credits; ``past_due`` may still be paid."""


def book_refill(book: Book) -> None:
    """Grant the refill that is due, if the customer has no live paid plan, and note when the next one is.

    ``(customer, period)`` is its business key (R6); the period is named by the day on which it began.
    """
    due_at = book.next_refill_at
    assert due_at is not None
    anchor = db.session.get_one(Customer, book.account_id).created_at
    months = (due_at.year - anchor.year) * 12 + due_at.month - anchor.month
    next_at = add_months(anchor, months + 1)
    book.next_refill_at = next_at
    amount = catalog.current().free_plan.monthly_refill
    source = f"refill:{book.account_id}:{due_at:%Y-%m-%d}"
    if not amount or _has_live_plan(book.account_id) or is_posted(source):
        return
    open_grant(
        book,
        "CREDIT",
        "refill",
        amount,
        at=due_at,
        terms=Terms(effective_at=due_at, expires_at=next_at, label="free"),
        note=Note(actor="system"),
        source=source,
    )


def _has_live_plan(account_id: int) -> bool:
    live = select(Subscription.id).where(
        Subscription.account_id == account_id,
        Subscription.kind == "plan",
        Subscription.ended_at.is_(None),
        Subscription.status.in_(LIVE_STATUSES),
    )
    return db.session.scalar(live.limit(1)) is not None
