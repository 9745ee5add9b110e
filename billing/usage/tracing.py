"""A job's record: quote → hold → capture, void or expiry → debit → what was given back, under one reference."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, select

from billing.db import connection
from billing.errors import NotFound
from billing.ids import ledger_id, parse_ledger_id
from billing.ledger.history import EntryView, views_of
from billing.models import Entry, Hold, Quote, Usage
from billing.origins import Part, parts_of, views_by_seq
from billing.usage.reading import UsageRow, row_view

MOST = 50
"""How many jobs of one reference a record shows; the rest is in the list of all jobs."""
MOST_REFUNDS = 200


@dataclass(frozen=True, slots=True)
class Quoted:
    """The price that was promised, in micro-credits, and how long."""

    amount: int
    at: datetime
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Reserved:
    """A hold: ``amount`` micro-credits, 0 where nothing had to be reserved; ``ended_at`` where that is known."""

    amount: int
    at: datetime
    expires_at: datetime
    ended_at: datetime | None


@dataclass(frozen=True, slots=True)
class Trace:
    """One job from its quote to what was given back; what did not happen is None or empty.

    ``price_version`` is the price list it was priced by, ``unlimited`` that its plan made it cost nothing.
    """

    job: UsageRow
    recorded_at: datetime
    price_version: str | None
    unlimited: bool
    description: str | None
    quoted: Quoted | None
    reserved: Reserved | None
    debit: EntryView | None
    paid_by: list[Part]
    given_back: list[EntryView]


@dataclass(frozen=True, slots=True)
class JobRecord:
    """All jobs under one reference, oldest first; without a reference a job is alone. ``is_cut``: there are more."""

    reference: str | None
    traces: list[Trace]
    is_cut: bool

    @property
    def credits(self) -> int:
        """What all of it has cost and was not given back, in micro-credits."""
        return sum(trace.job.credits for trace in self.traces)


def trace_job(account_id: int, job_id: str) -> JobRecord:
    """The record that a job of the account belongs to; raises ``NotFound``, also for another account's (R14)."""
    owner, number = parse_ledger_id("us", job_id)
    jobs = select(Usage.__table__).where(Usage.account_id == account_id).order_by(Usage.number)
    named = connection().execute(jobs.where(Usage.number == number)).first() if owner == account_id else None
    if named is None:
        raise NotFound()
    if named.reference is None:
        return JobRecord(None, _traces(account_id, [named]), is_cut=False)
    together = jobs.where(Usage.reference == named.reference).limit(MOST + 1)
    rows = connection().execute(together).all()
    is_cut = len(rows) > MOST
    if is_cut and number >= rows[MOST].number:
        rows = connection().execute(together.where(Usage.number >= number)).all()
    return JobRecord(named.reference, _traces(account_id, rows[:MOST]), is_cut)


def find_job(account_id: int, reference: str) -> str:
    """The id of the account's first job with that reference; raises ``NotFound``."""
    query = select(func.min(Usage.number)).where(Usage.account_id == account_id, Usage.reference == reference)
    number = connection().scalar(query)
    if number is None:
        raise NotFound()
    return ledger_id("us", account_id, number)


def find_jobs_of(account_id: int, entries: Iterable[EntryView]) -> dict[str, str]:
    """Which of the account's entries charged a job, or gave one back: the entry's id → the job's."""
    seqs = {
        entry.id: parse_ledger_id("en", entry.reverses)[1] if entry.reverses else entry.seq
        for entry in entries
        if entry.kind in ("DEBIT", "REFUND")
    }
    if not seqs:
        return {}
    query = select(Usage.entry_seq, Usage.number)
    found = connection().execute(query.where(Usage.account_id == account_id, Usage.entry_seq.in_({*seqs.values()})))
    numbers = {row.entry_seq: row.number for row in found}
    return {entry: ledger_id("us", account_id, numbers[seq]) for entry, seq in seqs.items() if seq in numbers}


def _traces(account_id: int, rows: Collection[Any]) -> list[Trace]:
    quotes = _by(Quote, Quote.id, [row.quote_id for row in rows if row.quote_id], account_id)
    holds = _by(Hold, Hold.number, [row.hold for row in rows if row.hold is not None], account_id)
    seqs = [row.entry_seq for row in rows if row.entry_seq is not None]
    debits, parts = views_by_seq(account_id, seqs), parts_of(account_id, seqs)
    given_back = _given_back(account_id, seqs)
    return [
        Trace(
            job=row_view(row),
            recorded_at=row.recorded_at,
            price_version=row.price_version,
            unlimited=row.unlimited,
            description=_description(row, debits.get(row.entry_seq), holds.get(row.hold)),
            quoted=_quoted(quotes.get(row.quote_id)),
            reserved=_reserved(row, holds.get(row.hold)),
            debit=debits.get(row.entry_seq),
            paid_by=parts.get(row.entry_seq, []),
            given_back=given_back.get(row.entry_seq, []),
        )
        for row in rows
    ]


def _by(table: Any, column: Any, values: list[Any], account_id: int) -> dict[Any, Any]:
    query = select(table.__table__).where(table.account_id == account_id, column.in_(values))
    return {getattr(row, column.key): row for row in connection().execute(query)} if values else {}


def _given_back(account_id: int, seqs: list[int]) -> dict[int, list[EntryView]]:
    query = select(Entry.__table__).where(Entry.account_id == account_id, Entry.reverses.in_(seqs))
    rows = connection().execute(query.order_by(Entry.seq).limit(MOST_REFUNDS)).all()
    found: dict[int, list[EntryView]] = {}
    for row, view in zip(rows, views_of(account_id, rows), strict=True):
        found.setdefault(row.reverses, []).append(view)
    return found


def _quoted(quote: Any) -> Quoted | None:
    """None also for a quote that was forgotten since: they are kept for a month."""
    return Quoted(quote.amount, quote.created_at, quote.expires_at) if quote is not None else None


def _reserved(row: Any, hold: Any) -> Reserved | None:
    if row.expires_at is None:
        return None
    if hold is None:
        return Reserved(0, row.recorded_at, row.expires_at, None)
    return Reserved(hold.amount, hold.created_at, hold.expires_at, hold.resolved_at)


def _description(row: Any, debit: EntryView | None, hold: Any) -> str | None:
    """Said by the app, and kept where the job is first told of."""
    return row.description or (debit.description if debit else None) or (hold.description if hold else None)
