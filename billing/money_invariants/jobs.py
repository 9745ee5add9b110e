"""Checks that jobs, counts and the month's spending say what the entries say (I05, I29)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

from sqlalchemy import and_, func, or_, select, union_all
from sqlalchemy.engine import Connection
from sqlalchemy.orm import aliased

from billing.ledger.invariants.finding import Finding
from billing.ledger.invariants.streams import Chosen, narrowed
from billing.models import Account, Entry, QuotaUse, Usage


def month_spent(connection: Connection, chosen: Chosen) -> Iterator[Finding]:
    """I05: What an account has spent this month equals its debits since, less what of them was given back."""
    back, debit = aliased(Entry), aliased(Entry)

    def of_this_month(entry: Any) -> Any:
        spending = and_(entry.kind == "DEBIT", entry.reason.in_(("action", "amount")))
        return and_(entry.account_id == Account.account_id, entry.at >= Account.month_at, spending)

    debits = select(Account.account_id, (-debit.amount).label("amount")).join(debit, of_this_month(debit))
    given_back = (
        select(Account.account_id, (-back.amount).label("amount"))
        .join(debit, of_this_month(debit))
        .join(back, and_(back.account_id == debit.account_id, back.reverses == debit.seq))
        .where(back.reverses.is_not(None), back.reason == "debit_refunded")
    )
    moved = union_all(
        narrowed(debits, Account.account_id, chosen), narrowed(given_back, Account.account_id, chosen)
    ).subquery()
    sums = select(moved.c.account_id, func.sum(moved.c.amount).label("spent")).group_by(moved.c.account_id).subquery()
    spent = func.coalesce(sums.c.spent, 0)
    query = (
        select(Account.account_id, Account.month_spent, spent.label("derived"))
        .outerjoin(sums, sums.c.account_id == Account.account_id)
        .where(spent != Account.month_spent)
        .order_by(Account.account_id)
    )
    for row in connection.execute(narrowed(query, Account.account_id, chosen)):
        yield Finding("I05", row.account_id, "account=month_spent", int(row.derived), row.month_spent)


def paid_by_their_entries(connection: Connection, account_id: int | None) -> Iterator[Finding]:
    """I29: What a job was charged is its own DEBIT, and what was given back of it are that DEBIT's refunds."""
    back = aliased(Entry)
    given_back = (
        select(func.coalesce(func.sum(back.amount), 0))
        .where(back.account_id == Usage.account_id, back.reverses == Usage.entry_seq, back.reason == "debit_refunded")
        .scalar_subquery()
    )
    query = (
        select(Usage.account_id, Usage.number, Usage.charged, Usage.given_back, Entry.amount, given_back.label("back"))
        .outerjoin(Entry, and_(Entry.account_id == Usage.account_id, Entry.seq == Usage.entry_seq))
        .where(
            or_(
                and_(Usage.entry_seq.is_(None), Usage.charged != 0),
                and_(Usage.entry_seq.is_not(None), or_(Entry.amount.is_(None), Entry.amount != -Usage.charged)),
                and_(Usage.entry_seq.is_not(None), Usage.given_back != given_back),
            )
        )
    )
    for row in connection.execute(narrowed(query, Usage.account_id, account_id)):
        expected = f"charged {-(row.amount or 0)}, given back {int(row.back)}"
        found = f"charged {row.charged}, given back {row.given_back}"
        yield Finding("I29", row.account_id, f"usage={row.number}", expected, found)


def quota_counts(connection: Connection, account_id: int | None) -> Iterator[Finding]:
    """I05: A count is the sum of the jobs that count against it since it was last set back."""
    stored: dict[tuple[int, str, str], Any] = {
        (row.account_id, row.resource, row.period): row
        for row in connection.execute(narrowed(select(QuotaUse.__table__), QuotaUse.account_id, account_id))
    }
    counted: Counter[tuple[int, str, str]] = Counter()
    jobs = select(Usage.account_id, Usage.number, Usage.quantity, Usage.quotas).where(
        Usage.counts, Usage.quotas.is_not(None)
    )
    for job in connection.execute(narrowed(jobs, Usage.account_id, account_id).execution_options(yield_per=1000)):
        for word in job.quotas.split():
            resource, _, period = word.partition(":")
            key = (job.account_id, resource, period)
            if key not in stored or job.number > stored[key].counted_after:
                counted[key] += job.quantity
    for key in sorted(stored.keys() | counted.keys()):
        found = stored[key].used if key in stored else None
        if counted[key] != (found or 0):
            yield Finding("I05", key[0], f"quota={key[1]}:{key[2]}", counted[key], found)
