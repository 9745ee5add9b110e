"""Which grants an entry used, who opened them, and which payment stands behind each: where credits come from."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import func, select

from billing.db import connection
from billing.ledger.history import EntryView, views_of
from billing.models import Entry, Grant, Use


@dataclass(frozen=True, slots=True)
class Part:
    """What an entry took of one grant (below zero: brought back), in micro-credits, and where that grant came from."""

    amount: int
    opened_by: EntryView
    payment_id: str | None


def parts_of(account_id: int, seqs: Collection[int]) -> dict[int, list[Part]]:
    """What each of these entries used, oldest grant first; an entry that used nothing has an empty list."""
    rows = (
        connection()
        .execute(
            select(Use.entry_seq, Use.grant_seq, func.sum(Use.amount).label("amount"), Grant.payment_id)
            .join(Grant, (Grant.account_id == Use.account_id) & (Grant.seq == Use.grant_seq))
            .where(Use.account_id == account_id, Use.entry_seq.in_(seqs))
            .group_by(Use.entry_seq, Use.grant_seq, Grant.payment_id)
            .order_by(Use.entry_seq, Use.grant_seq)
        )
        .all()
    )
    opened = views_by_seq(account_id, {row.grant_seq for row in rows})
    parts: dict[int, list[Part]] = {seq: [] for seq in seqs}
    for row in rows:
        if row.amount:
            parts[row.entry_seq].append(Part(int(row.amount), opened[row.grant_seq], row.payment_id))
    return parts


def views_by_seq(account_id: int, seqs: Collection[int]) -> dict[int, EntryView]:
    """These entries of the account, as far as they are there."""
    query = select(Entry.__table__).where(Entry.account_id == account_id, Entry.seq.in_(seqs))
    return {view.seq: view for view in views_of(account_id, connection().execute(query).all())}
