"""Every credit explained: from an entry to the grants it ate and the payment behind them, and back to its debits."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select

from billing.db import connection
from billing.errors import NotFound
from billing.ids import parse_ledger_id
from billing.ledger.history import EntryView, read_entry, views_of
from billing.models import Entry, Grant, Use
from billing.origins import Part, parts_of, views_by_seq

MOST = 200
"""How many entries of one grant are listed; the sums are of all."""


@dataclass(frozen=True, slots=True)
class GrantLine:
    """How the grant that an entry opened stands; credits in micro-credits."""

    granted: int
    remaining: int
    held: int
    ends_at: datetime | None
    payment_id: str | None
    uses: list[tuple[EntryView, int, int]]
    """Each entry that used it, how much, and what was left of it afterwards; oldest first."""
    is_cut: bool


@dataclass(frozen=True, slots=True)
class Explanation:
    """One entry with all that it hangs together with."""

    entry: EntryView
    parts: list[Part]
    grant: GrantLine | None
    reverses: EntryView | None
    reversed_by: list[EntryView]


def explain(account_id: int, entry_id: str) -> Explanation:
    """What an entry of the account is made of, and what came of it. Raises `NotFound`, also for another account's."""
    owner, seq = parse_ledger_id("en", entry_id)
    entry = read_entry(account_id, seq) if owner == account_id else None
    if entry is None:
        raise NotFound()
    undoing = select(Entry.__table__).where(Entry.account_id == account_id, Entry.reverses == seq)
    reversed_by = connection().execute(undoing.order_by(Entry.seq).limit(MOST)).all()
    return Explanation(
        entry=entry,
        parts=parts_of(account_id, [seq])[seq],
        grant=_grant(account_id, seq),
        reverses=read_entry(account_id, parse_ledger_id("en", entry.reverses)[1]) if entry.reverses else None,
        reversed_by=views_of(account_id, reversed_by),
    )


def _grant(account_id: int, seq: int) -> GrantLine | None:
    grant = (
        connection().execute(select(Grant.__table__).where(Grant.account_id == account_id, Grant.seq == seq)).first()
    )
    if grant is None:
        return None
    rows = (
        connection()
        .execute(
            select(Use.entry_seq, Use.amount)
            .where(Use.account_id == account_id, Use.grant_seq == seq)
            .order_by(func.coalesce(Use.booked_seq, Use.entry_seq), Use.entry_seq, Use.n)
            .limit(MOST + 1)
        )
        .all()
    )
    entries = views_by_seq(account_id, [row.entry_seq for row in rows[:MOST]])
    uses, left = [], int(grant.granted)
    for row in rows[:MOST]:
        left -= row.amount
        uses.append((entries[row.entry_seq], int(row.amount), left))
    return GrantLine(
        granted=grant.granted,
        remaining=grant.remaining,
        held=grant.held,
        ends_at=grant.ends_at,
        payment_id=grant.payment_id,
        uses=uses,
        is_cut=len(rows) > MOST,
    )
