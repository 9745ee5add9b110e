"""What an account has spent in the running calendar month, in UTC, and the most that it may."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select, update

from billing.clock import month_start
from billing.db import connection, transaction
from billing.errors import InvalidAmount, NotFound
from billing.models import Account
from billing.money import MAX_BALANCE


def spent_this_month(account_id: int, now: datetime) -> int:
    """Micro-credits debited since the month began, less what of these debits was given back."""
    row = (
        connection()
        .execute(select(Account.month_at, Account.month_spent).where(Account.account_id == account_id))
        .first()
    )
    if row is None or row.month_at is None or row.month_at < month_start(now):
        return 0
    return int(row.month_spent)


def set_monthly_limit(account_id: int, limit: int | None) -> None:
    """Let nothing spend more than ``limit`` micro-credits a month; None lifts it.

    It is a quota named ``spending``, checked with the others; what has been spent already stays spent. Raises
    ``InvalidAmount`` and ``NotFound``.
    """
    if limit is not None and not 0 <= limit <= MAX_BALANCE:
        raise InvalidAmount("monthly_limit: from 0 to 1000000000000 credits")
    with transaction():
        changed = connection().execute(
            update(Account).where(Account.account_id == account_id).values(monthly_limit=limit)
        )
        if not changed.rowcount:
            raise NotFound()
