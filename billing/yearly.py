"""Yearly plans that grant by the month (R11): planning the months of a paid year, and changing those to come."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import func, select

from billing.clock import add_months
from billing.cycle_sums import rolled_over, units
from billing.db import db
from billing.ledger.book import Book
from billing.ledger.grants import REVIVAL
from billing.models import Payment, PaymentLot, Price, ScheduledGrant, Subscription
from billing.months import ROLLED_OVER, is_rolled_over, reschedule
from billing.payments import add_lot
from billing.stripe_facts import LineFacts

MONTHS = 12

_IS_ROLLED_OVER = ScheduledGrant.lot.endswith(ROLLED_OVER, autoescape=True)


def grants_by_month(price: Price) -> bool:
    """Whether a paid year of this price is granted month by month."""
    return price.interval == "year" and price.yearly_grant == "monthly" and price.credits > 0


def plan_months(book: Book, payment: Payment, line: LineFacts, price: Price, chain: str) -> None:
    """Plan the twelve months that a paid year grants, each from one monthly anchor to the next.

    A month whose end has passed when its year is booked comes now and lives seven days (R10).
    """
    credits = price.credits * units(line, price)
    rolled = rolled_over(credits, price)
    over_at = db.session.scalar(select(Subscription.ended_at).where(Subscription.stripe_id == line.subscription))
    for part, amount, longer in (("", credits - rolled, 0), (ROLLED_OVER, rolled, 1)):
        if not amount:
            continue
        lot = f"line:{line.id}{part}"
        add_lot(payment, lot, amount * MONTHS)
        for n in range(1, MONTHS + 1):
            starts_at = add_months(line.period_start, n - 1)
            ends_at = _month_end(line, n + longer)
            is_late = ends_at <= book.now
            # The end of the subscription may have been heard of before its invoice.
            is_stopped = n > 1 and over_at is not None and starts_at >= over_at
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
                    credits=amount,
                    cancelled=0,
                    priority=price.priority,
                    label=price.item,
                    status="stopped" if is_stopped else "waiting",
                )
            )
    reschedule(book)


def _month_end(line: LineFacts, n: int) -> datetime:
    """When the year's month ``n`` ends; the twelfth with the year, wherever Stripe has put that."""
    return line.period_end if n == MONTHS else add_months(line.period_start, n)


def is_whole_year(line: LineFacts) -> bool:
    """Whether the line charges for a whole year, as one that begins it does."""
    return line.amount > 0 and add_months(line.period_start, MONTHS) <= line.period_end


def running_month(book: Book, chain: str, at: datetime) -> tuple[datetime, datetime] | None:
    """Start and end of the planned month of this chain that ``at`` falls into."""
    month = db.session.scalars(
        select(ScheduledGrant)
        .where(
            ScheduledGrant.account_id == book.account_id,
            ScheduledGrant.chain == chain,
            ~_IS_ROLLED_OVER,
            ScheduledGrant.due_at <= at,
            ScheduledGrant.ends_at > at,
        )
        .order_by(ScheduledGrant.due_at.desc())
        .limit(1)
    ).first()
    return (month.due_at, month.ends_at) if month is not None else None


def is_month(book: Book, chain: str, ends_at: datetime) -> bool:
    """Whether a cycle of this chain that ends at ``ends_at`` is a planned month of a year."""
    months = select(ScheduledGrant.n).where(
        ScheduledGrant.account_id == book.account_id,
        ScheduledGrant.chain == chain,
        ~_IS_ROLLED_OVER,
        ScheduledGrant.ends_at == ends_at,
    )
    return db.session.scalar(months.limit(1)) is not None


def change_months(book: Book, chain: str, line: LineFacts, price: Price) -> None:
    """The plan changed within a year: months still to come give the new plan's N (R9).

    What money given back has taken of them before is for the caller to bring in line (``clawback.catch_up``).
    """
    credits = price.credits * units(line, price)
    rolled = rolled_over(credits, price)
    lots = set()
    for month in db.session.scalars(
        select(ScheduledGrant).where(
            ScheduledGrant.account_id == book.account_id,
            ScheduledGrant.chain == chain,
            ScheduledGrant.status == "waiting",
            ScheduledGrant.due_at > line.period_start,
        )
    ):
        month.credits = rolled if is_rolled_over(month) else credits - rolled
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
        lot.target = min(lot.target, lot.granted)
