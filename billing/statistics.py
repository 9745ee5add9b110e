"""A customer's credits in a few figures, for an app's own pages."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, func, select

from billing import accounts
from billing.db import connection
from billing.models import Account, Entry, Grant

_CONSUMING = ("action", "amount", "debit_refunded")
"""What counts as consumed: debits less what was given back; expiry and what staff took are none."""


@dataclass(frozen=True, slots=True)
class Statistics:
    """Micro-credits available, ever purchased and consumed; the latest purchase and debit; how many entries."""

    available: int
    purchased: int
    consumed: int
    last_purchase_at: datetime | None
    last_debit_at: datetime | None
    entry_count: int


def read_statistics(account_id: int) -> Statistics:
    """The figures as of now; raises `NotFound`."""
    available = accounts.read_balance(account_id).available
    account = connection().execute(
        select(Account.purchased_total, Account.last_seq).where(Account.account_id == account_id)
    )
    purchased, entry_count = account.one()
    consumed = connection().scalar(
        select(func.coalesce(func.sum(-Entry.amount), 0)).where(
            Entry.account_id == account_id, Entry.reason.in_(_CONSUMING)
        )
    )
    newest_purchase = (
        select(func.max(Grant.seq)).where(Grant.account_id == account_id, Grant.purchased).scalar_subquery()
    )
    return Statistics(
        available=available,
        purchased=purchased,
        consumed=int(consumed or 0),
        last_purchase_at=_latest(account_id, Entry.seq == newest_purchase),
        last_debit_at=_latest(account_id, (Entry.kind == "DEBIT") & (Entry.reason != "expired")),
        entry_count=entry_count,
    )


def _latest(account_id: int, condition: ColumnElement[bool]) -> datetime | None:
    return connection().scalar(
        select(Entry.at).where(Entry.account_id == account_id, condition).order_by(Entry.seq.desc()).limit(1)
    )
