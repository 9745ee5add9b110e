"""Yearly plans that grant by the month (R11): planning the months of a paid year, and changing those to come."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import func, select

from billing.clock import add_months
from billing.cycle_sums import units
from billing.db import db
from billing.ledger.book import Book
from billing.ledger.grants import REVIVAL
from billing.models import Payment, PaymentLot, Price, ScheduledGrant
from billing.months import reschedule
from billing.payments import add_lot
from billing.stripe_facts import LineFacts

MONTHS = 12


def grants_by_month(price: Price) -> bool:
    """Whether a paid year of this price is granted month by month."""
    return price.interval == "year" and price.yearly_grant == "monthly" and price.credits > 0


def plan_months(book: Book, payment: Payment, line: LineFacts, price: Price, chain: str) -> None:
    """Plan the twelve months that a paid year grants, each from one monthly anchor to the next.

    A month whose end has passed when its year is booked comes now and lives seven days (R10).
    """
    credits = price.credits * units(line, price)
    if not credits:
        return
    lot = f"line:{line.id}"
    add_lot(payment, lot, credits * MONTHS)
    for n in range(1, MONTHS + 1):
        starts_at = add_months(line.period_start, n - 1)
        ends_at = line.period_end if n == MONTHS else add_months(line.period_start, n)
        is_late = ends_at <= book.now
        db.session.add(
            ScheduledGrant(
                account_id=book.account_id,
                lot=lot,
                n=n,
                payment_id=payment.id,
                subscription_id=line.subscription or "",
                chain=chain,
                due_at=book.now if is_late else starts_at,
                ends_at=book.now + REVIVAL if is_late else ends_at,
                credits=credits,
                cancelled=0,
                priority=price.priority,
                label=price.item,
                status="waiting",
            )
        )
    reschedule(book)


def running_month(book: Book, chain: str, at: datetime) -> tuple[datetime, datetime] | None:
    """Start and end of the planned month of this chain that ``at`` falls into."""
    month = db.session.scalars(
        select(ScheduledGrant)
        .where(
            ScheduledGrant.account_id == book.account_id,
            ScheduledGrant.chain == chain,
            ScheduledGrant.due_at <= at,
            ScheduledGrant.ends_at > at,
        )
        .order_by(ScheduledGrant.due_at.desc())
        .limit(1)
    ).first()
    return (month.due_at, month.ends_at) if month is not None else None


def month_credits(book: Book, chain: str, ends_at: datetime) -> int:
    """Micro-credits that the planned month of this chain ending at ``ends_at`` grants by itself; 0 if none."""
    return int(
        db.session.scalar(
            select(func.max(ScheduledGrant.credits)).where(
                ScheduledGrant.account_id == book.account_id,
                ScheduledGrant.chain == chain,
                ScheduledGrant.ends_at == ends_at,
            )
        )
        or 0
    )


def change_months(book: Book, chain: str, line: LineFacts, price: Price) -> None:
    """The plan changed within a year: months still to come give the new plan's N (R9)."""
    lots = set()
    for month in db.session.scalars(
        select(ScheduledGrant).where(
            ScheduledGrant.account_id == book.account_id,
            ScheduledGrant.chain == chain,
            ScheduledGrant.status == "waiting",
            ScheduledGrant.due_at > line.period_start,
        )
    ):
        month.credits = price.credits * units(line, price)
        month.cancelled = min(month.cancelled, month.credits)
        month.label = price.item
        lots.add((month.payment_id, month.lot))
    db.session.flush()
    for payment_id, name in lots:
        lot = db.session.get_one(PaymentLot, (book.account_id, payment_id, name))
        lot.granted = int(
            db.session.scalar(
                select(func.sum(ScheduledGrant.credits)).where(
                    ScheduledGrant.account_id == book.account_id, ScheduledGrant.lot == name
                )
            )
            or lot.granted
        )
