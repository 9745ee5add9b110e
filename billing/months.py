"""The months of a yearly plan (R11): planned when the year is paid, cancelled or restored as its money moves (R7)."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import func, select

from billing.db import connection, db
from billing.ledger.book import Book
from billing.ledger.grants import REVIVAL
from billing.models import ScheduledGrant

ROLLED_OVER = ":rollover"
"""How the name of a lot ends that holds what rolls over; without it, the name of the lot it is a part of."""


@dataclass(frozen=True, slots=True)
class Months:
    """What of a lot's months is not granted, in micro-credits."""

    to_come: int
    cancelled: int
    stopped: int


def read_months(account_id: int, lot: str) -> Months:
    """The months of a lot that are to come, taken by money given back, or stopped by the subscription's end."""
    rows = _months(account_id, lot)
    return Months(
        to_come=sum(m.credits - m.cancelled for m in rows if m.status == "waiting"),
        cancelled=sum(m.cancelled for m in rows),
        stopped=sum(m.credits - m.cancelled for m in rows if m.status == "stopped"),
    )


def cancel_months(book: Book, lot: str, amount: int) -> int:
    """Take ``amount`` micro-credits of the months to come, the last month first; answers what was taken."""
    left = amount
    for month in reversed(_months(book.account_id, lot)):
        if month.status == "waiting":
            part = min(left, month.credits - month.cancelled)
            month.cancelled += part
            left -= part
    db.session.flush()
    return amount - left


def restore_months(book: Book, lot: str, amount: int) -> None:
    """Undo cancelling, the earliest month first; what should have come meanwhile comes now, for seven days."""
    rows = _months(book.account_id, lot)
    for month in rows:
        part = min(amount, month.cancelled)
        if not part or month.status == "stopped":
            continue
        amount -= part
        month.cancelled -= part
        if month.status == "granted":
            # The month came without this part: the part follows as a month of its own.
            month.credits -= part
            rest = max(m.n for m in rows) + 100
            db.session.add(
                ScheduledGrant(
                    account_id=month.account_id,
                    lot=lot,
                    n=rest,
                    payment_id=month.payment_id,
                    subscription_id=month.subscription_id,
                    chain=month.chain,
                    due_at=book.now,
                    ends_at=max(month.ends_at, book.now + REVIVAL) if month.ends_at <= book.now else month.ends_at,
                    credits=part,
                    cancelled=0,
                    priority=month.priority,
                    label=month.label,
                    status="waiting",
                )
            )
        elif month.due_at <= book.now:
            month.status = "waiting"
            month.due_at = book.now
            if month.ends_at <= book.now:
                month.ends_at = book.now + REVIVAL
    reschedule(book)


def is_rolled_over(month: ScheduledGrant) -> bool:
    """Whether it is the part of a month that lives for one more (R10); it is planned in a lot of its own."""
    return month.lot.endswith(ROLLED_OVER)


def reschedule(book: Book) -> None:
    """Note on the account when its next month comes."""
    db.session.flush()
    book.next_scheduled_at = connection().scalar(
        select(func.min(ScheduledGrant.due_at)).where(
            ScheduledGrant.account_id == book.account_id, ScheduledGrant.status == "waiting"
        )
    )


def _months(account_id: int, lot: str) -> list[ScheduledGrant]:
    return list(
        db.session.scalars(
            select(ScheduledGrant)
            .where(ScheduledGrant.account_id == account_id, ScheduledGrant.lot == lot)
            .order_by(ScheduledGrant.n)
        )
    )
