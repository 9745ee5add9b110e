"""What an account has spent in the running calendar month, in UTC."""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import aliased

from billing.db import connection
from billing.models import Entry

SPENDING_REASONS = ("action", "amount")
"""Debits that are spending; an expiry is none, and what staff take is none."""


def month_start(at: datetime) -> datetime:
    """The first moment of the calendar month."""
    return at.astimezone(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)


def spent_this_month(account_id: int, now: datetime) -> int:
    """Micro-credits debited since the month began, less what of these debits was given back."""
    debit = aliased(Entry)
    spent = select(func.coalesce(func.sum(-debit.amount), 0)).where(*_spending_of(debit, account_id, now))
    given_back = (
        select(func.coalesce(func.sum(Entry.amount), 0))
        .join(debit, (debit.account_id == Entry.account_id) & (debit.seq == Entry.reverses))
        .where(Entry.account_id == account_id, Entry.reason == "debit_refunded")
        .where(*_spending_of(debit, account_id, now))
    )
    return int(connection().scalar(spent) or 0) - int(connection().scalar(given_back) or 0)


def _spending_of(debit: type[Entry], account_id: int, now: datetime) -> tuple[ColumnElement[bool], ...]:
    return (
        debit.account_id == account_id,
        debit.kind == "DEBIT",
        debit.reason.in_(SPENDING_REASONS),
        debit.at >= month_start(now),
    )
