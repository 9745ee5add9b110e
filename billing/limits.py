"""How much one person, or one app, may move in a day with nobody else's approval; exact also under parallel requests.

The row of an actor's day is its own lock: whoever counts waits for whoever counted before, until that is committed
or undone. Take it after the account's lock, never before.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select, update

from billing import clock
from billing.db import connection, in_transaction, insert_if_new
from billing.models import DailyTotal


@dataclass(frozen=True, slots=True)
class RefundLimits:
    """The limits of giving money back, in minor units of the payment's currency."""

    typed_above: int = 10_000
    """Above this, staff type the amount once more before they confirm."""
    alone: int = 50_000
    """Above this, one refund needs a second person."""
    alone_per_day: int = 500_000
    """So much may one actor give back in a day (UTC) before each further refund needs a second person."""
    times_per_day: int = 100
    """And so often."""


_refund_limits = RefundLimits()


def configure(limits: RefundLimits) -> None:
    """Use these limits from now on."""
    global _refund_limits
    _refund_limits = limits


def refund_limits() -> RefundLimits:
    """The limits of giving money back that are in force."""
    return _refund_limits


def count_refund(actor: str, currency: str, amount_minor: int, at: datetime) -> bool:
    """Count a refund towards the actor's day; false, and nothing counted, if it needs a second person."""
    limits = _refund_limits
    if amount_minor > limits.alone:
        return False
    return count(actor, currency, amount_minor, at, most=limits.alone_per_day, times=limits.times_per_day)


def is_refund_alone(actor: str, currency: str, amount_minor: int) -> bool:
    """Whether a refund would need no second person as things stand; counts nothing."""
    limits = _refund_limits
    times, so_far = counted(actor, currency)
    return (
        amount_minor <= limits.alone and times < limits.times_per_day and so_far + amount_minor <= limits.alone_per_day
    )


def count(actor: str, unit: str, amount: int, at: datetime, *, most: int, times: int | None = None) -> bool:
    """Add ``amount`` to what the actor has moved on the day of ``at``; false if that day's sum or number forbids it.

    It is undone with the transaction that it belongs to.
    """
    assert in_transaction(), "what counts is written with the act"
    key = {"actor": actor, "day": at.date(), "unit": unit}
    connection().execute(insert_if_new(DailyTotal).values(**key, times=0, amount=0))
    is_row = (DailyTotal.actor == actor, DailyTotal.day == key["day"], DailyTotal.unit == unit)
    row = connection().execute(select(DailyTotal.times, DailyTotal.amount).where(*is_row).with_for_update()).one()
    if row.amount + amount > most or (times is not None and row.times >= times):
        return False
    new = {"times": row.times + 1, "amount": row.amount + amount}
    connection().execute(update(DailyTotal).where(*is_row).values(**new))
    return True


def counted(actor: str, unit: str) -> tuple[int, int]:
    """How often, and how much in all, the actor has moved today (UTC)."""
    row = (
        connection()
        .execute(
            select(DailyTotal.times, DailyTotal.amount).where(
                DailyTotal.actor == actor, DailyTotal.day == clock.now().date(), DailyTotal.unit == unit
            )
        )
        .first()
    )
    return (row.times, row.amount) if row is not None else (0, 0)
