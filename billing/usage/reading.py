"""What was used: single jobs, sums by a trait, and what enforcing would have refused."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Literal, get_args

from sqlalchemy import ColumnElement, func, select

from billing import clock
from billing.db import connection, utc_day
from billing.errors import InvalidCursor
from billing.ids import ledger_id
from billing.ledger.history import MAX_PAGE
from billing.models import Usage
from billing.orders import NANO
from billing.usage_sums import counted, read_sums, sum_columns

GroupBy = Literal["day", "action", "model", "agent", "thread", "execution", "influencer"]
GROUPS: tuple[GroupBy, ...] = get_args(GroupBy)


@dataclass(frozen=True, slots=True)
class UsageLine:
    """Sums of jobs that were done: micro-credits net of what was given back, and what models' makers ask."""

    key: str | None
    calls: int
    input_tokens: int
    output_tokens: int
    credits: int
    cost_usd: Decimal


@dataclass(frozen=True, slots=True)
class UsageRow:
    """One job. ``amount`` is its price, ``credits`` what was taken and not given back; micro-credits."""

    id: str
    number: int
    state: str
    occurred_at: datetime
    action: str | None
    quantity: int
    units: int | None
    model: str | None
    input_tokens: int | None
    output_tokens: int | None
    influencer: str | None
    agent: str | None
    thread: str | None
    execution: str | None
    reference: str | None
    amount: int
    credits: int
    cost_usd: Decimal | None
    would_refuse: str | None
    failure: str | None
    debit: str | None


@dataclass(frozen=True, slots=True)
class UsagePage:
    """Jobs, newest first, and the cursor that continues after them when there are older ones."""

    rows: list[UsageRow]
    next_cursor: str | None


@dataclass(frozen=True, slots=True)
class Refusal:
    """What enforcing would have refused: how many jobs of an action, of how many customers, and their price."""

    action: str | None
    reason: str
    calls: int
    customers: int
    amount: int


def summarize(
    account_id: int | None, from_: datetime, to: datetime, group_by: GroupBy
) -> tuple[list[UsageLine], UsageLine]:
    """What was used from ``from_`` to before ``to``, by one trait (days are UTC's), and in all; of all without account.

    Which jobs count is `billing.usage_sums`'s to say.
    """
    key: ColumnElement[Any] = utc_day(Usage.occurred_at) if group_by == "day" else getattr(Usage, group_by)
    within = counted(account_id, from_, to)
    lines = connection().execute(select(key, *sum_columns()).where(*within).group_by(key).order_by(key))
    total = connection().execute(select(*sum_columns()).where(*within)).one()
    return [_line(row[0], row[1:]) for row in lines], _line(None, total)


def row_view(row: Any) -> UsageRow:
    """A row of ``usage`` as it is now: a hold out of time has expired whether or not that was noted (R5)."""
    is_over = row.state == "held" and row.expires_at <= clock.now()
    return UsageRow(
        id=ledger_id("us", row.account_id, row.number),
        number=row.number,
        state="expired" if is_over else row.state,
        occurred_at=row.occurred_at,
        action=row.action,
        quantity=row.quantity,
        units=row.units,
        model=row.model,
        input_tokens=row.input_tokens,
        output_tokens=row.output_tokens,
        influencer=row.influencer,
        agent=row.agent,
        thread=row.thread,
        execution=row.execution,
        reference=row.reference,
        amount=row.amount,
        credits=row.charged - row.given_back,
        cost_usd=None if row.cost_nano_usd is None else _usd(row.cost_nano_usd),
        would_refuse=row.would_refuse,
        failure=row.failure,
        debit=ledger_id("en", row.account_id, row.entry_seq) if row.entry_seq is not None else None,
    )


def list_events(
    account_id: int,
    *,
    from_: datetime | None = None,
    to: datetime | None = None,
    limit: int = 50,
    cursor: str | None = None,
) -> UsagePage:
    """The account's jobs, newest first; raises ``InvalidCursor`` for a cursor that is not this account's."""
    limit = max(1, min(limit, MAX_PAGE))
    query = select(Usage.__table__).where(Usage.account_id == account_id)
    if from_ is not None:
        query = query.where(Usage.occurred_at >= from_)
    if to is not None:
        query = query.where(Usage.occurred_at < to)
    if cursor is not None:
        query = query.where(Usage.number < _read_cursor(account_id, cursor))
    rows = connection().execute(query.order_by(Usage.number.desc()).limit(limit + 1)).all()
    next_cursor = f"{account_id}.{rows[limit - 1].number}" if len(rows) > limit else None
    return UsagePage([row_view(row) for row in rows[:limit]], next_cursor)


def list_refusals(from_: datetime, to: datetime, account_id: int | None = None) -> list[Refusal]:
    """What observing let through that enforcing would have refused, the most frequent first."""
    limits = [Usage.would_refuse.is_not(None), Usage.recorded_at >= from_, Usage.recorded_at < to]
    if account_id is not None:
        limits.append(Usage.account_id == account_id)
    calls = func.count()
    query = (
        select(
            Usage.action,
            Usage.would_refuse,
            calls,
            func.count(Usage.account_id.distinct()),
            func.sum(Usage.amount),
        )
        .where(*limits)
        .group_by(Usage.action, Usage.would_refuse)
        .order_by(calls.desc(), Usage.action, Usage.would_refuse)
    )
    return [Refusal(row[0], str(row[1]), row[2], row[3], int(row[4])) for row in connection().execute(query)]


def _line(key: str | None, values: Any) -> UsageLine:
    sums = read_sums(values)
    return UsageLine(key, sums.calls, sums.input_tokens, sums.output_tokens, sums.credits, _usd(sums.cost_nano_usd))


def _usd(nano: int) -> Decimal:
    """Billionths of a dollar as dollars, exactly and without trailing zeros."""
    whole, rest = divmod(nano, NANO)
    return Decimal(f"{whole}.{rest:09d}".rstrip("0").rstrip("."))


def _read_cursor(account_id: int, cursor: str) -> int:
    owner, _, number = cursor.partition(".")
    if owner != str(account_id) or not (number.isascii() and number.isdigit() and len(number) <= 18):
        raise InvalidCursor()
    return int(number)
