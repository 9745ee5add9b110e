"""Reading entries, newest first, by keyset pages: a page is as quick at a million entries as at a thousand."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import select

from billing.db import connection
from billing.errors import InvalidCursor
from billing.ids import ledger_id
from billing.ledger.book import Book
from billing.ledger.states import EntryRow
from billing.models import Entry, Grant, Use

MAX_PAGE = 100


@dataclass(frozen=True, slots=True)
class EntryView:
    """One entry for people and programs; amounts in micro-credits. ``grants``: what it ate or brought back."""

    id: str
    seq: int
    kind: str
    reason: str
    amount: int
    balance_after: int
    action: str | None
    description: str | None
    reference: str | None
    reverses: str | None
    grants: list[tuple[str, int]]
    metadata: dict[str, Any]
    actor: str | None
    at: datetime
    label: str | None
    scope: str | None


@dataclass(frozen=True, slots=True)
class Page:
    """Entries and, when there are older ones, the cursor that continues after them."""

    entries: list[EntryView]
    next_cursor: str | None


def list_entries(
    account_id: int,
    *,
    kind: str | None = None,
    reason: str | None = None,
    from_: datetime | None = None,
    to: datetime | None = None,
    reference: str | None = None,
    limit: int = 50,
    cursor: str | None = None,
) -> Page:
    """The account's entries, newest first; ``from_`` inclusive, ``to`` exclusive.

    Raises ``InvalidCursor`` for a cursor that is not this account's.
    """
    limit = max(1, min(limit, MAX_PAGE))
    query = select(Entry.__table__).where(Entry.account_id == account_id)
    if kind is not None:
        query = query.where(Entry.kind == kind)
    if reason is not None:
        query = query.where(Entry.reason == reason)
    if from_ is not None:
        query = query.where(Entry.at >= from_)
    if to is not None:
        query = query.where(Entry.at < to)
    if reference is not None:
        query = query.where(Entry.reference == reference)
    if cursor is not None:
        query = query.where(Entry.seq < _read_cursor(account_id, cursor))
    rows = connection().execute(query.order_by(Entry.seq.desc()).limit(limit + 1)).all()
    more = len(rows) > limit
    rows = rows[:limit]
    return Page(views_of(account_id, rows), f"{account_id}.{rows[-1].seq}" if more else None)


def read_entry(account_id: int, seq: int) -> EntryView | None:
    """One entry of the account, if it exists."""
    rows = connection().execute(select(Entry.__table__).where(Entry.account_id == account_id, Entry.seq == seq))
    return next(iter(views_of(account_id, rows.all())), None)


def views_of(account_id: int, rows: Any) -> list[EntryView]:
    """Rows of ``entries`` with the grants they touched."""
    seqs = [row.seq for row in rows]
    uses: dict[int, dict[int, int]] = {seq: {} for seq in seqs}
    for use in connection().execute(
        select(Use.entry_seq, Use.grant_seq, Use.amount)
        .where(Use.account_id == account_id, Use.entry_seq.in_(seqs))
        .order_by(Use.entry_seq, Use.n)
    ):
        of_entry = uses[use.entry_seq]
        of_entry[use.grant_seq] = of_entry.get(use.grant_seq, 0) + use.amount
    touched = {row.reverses for row in rows if row.reverses} | {g for of in uses.values() for g in of}
    labels = {
        grant.seq: (grant.label, grant.scope)
        for grant in connection().execute(
            select(Grant.seq, Grant.label, Grant.scope).where(
                Grant.account_id == account_id, Grant.seq.in_([*seqs, *touched])
            )
        )
    }
    return [_view(row, uses[row.seq], labels) for row in rows]


def view_new_entry(book: Book, entry: EntryRow) -> EntryView:
    """An entry of an open book that has not been written yet: what ``read_entry`` will answer afterwards."""
    uses: dict[int, int] = {}
    for use in book.new_uses_of(entry.seq):
        uses[use.grant_seq] = uses.get(use.grant_seq, 0) + use.amount
    return _view(entry, uses, {seq: (grant.label, grant.scope) for seq, grant in book.grants.items()})


def _view(row: Any, uses: dict[int, int], labels: dict[int, tuple[str | None, str | None]]) -> EntryView:
    about = [row.seq, row.reverses, *uses]
    label, scope = next((labels[seq] for seq in about if seq in labels), (None, None))
    return EntryView(
        id=ledger_id("en", row.account_id, row.seq),
        seq=row.seq,
        kind=row.kind,
        reason=row.reason,
        amount=row.amount,
        balance_after=row.balance_after,
        action=row.action,
        description=row.description,
        reference=row.reference,
        reverses=ledger_id("en", row.account_id, row.reverses) if row.reverses else None,
        grants=[(ledger_id("gr", row.account_id, grant), abs(amount)) for grant, amount in uses.items() if amount],
        metadata=json.loads(row.details, parse_float=Decimal) if row.details else {},
        actor=row.actor,
        at=row.at,
        label=label,
        scope=scope,
    )


def _read_cursor(account_id: int, cursor: str) -> int:
    owner, _, seq = cursor.partition(".")
    if owner != str(account_id) or not (seq.isascii() and seq.isdigit() and len(seq) <= 18):
        raise InvalidCursor()
    return int(seq)
