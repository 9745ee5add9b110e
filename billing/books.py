"""One account's books as a file that proves itself: every entry with what its hash is made of (I03, I35).

Read in one snapshot, entry by entry, so a file is never half of before and half of after, however long it takes.
`docs/operations.md` has the script that checks the chain.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from sqlalchemy import select
from sqlalchemy.engine import Connection

from billing import accounts
from billing.clock import to_rfc3339
from billing.db import snapshot
from billing.models import Customer, Entry, Use
from billing.spreadsheet import Cell, csv_lines

COLUMNS = (
    *("seq", "kind", "reason", "amount_micro", "balance_after_micro", "at"),
    *("action", "scope", "source", "reverses", "hold", "hash"),
    *("actor", "description", "reference", "grants"),
)
"""What stands of each entry; up to `hold` it is what the hash is made of, after the hash of the entry before."""

BATCH = 500


def export_json(account_id: int, up_to: int | None = None) -> Iterator[str]:
    """The books as one JSON document, an entry a line, oldest first; with `up_to` as they stood after that entry.

    Amounts are integer micro-credits. Raises `NotFound`.
    """
    accounts.ensure_up_to_date(account_id)
    return _json_lines(account_id, up_to)


def export_csv(account_id: int, up_to: int | None = None) -> Iterator[str]:
    """The same as a table, its cells neutral to spreadsheets (F141); the chain is checked on the JSON."""
    accounts.ensure_up_to_date(account_id)
    return csv_lines(_rows(account_id, up_to), "en")


def _json_lines(account_id: int, up_to: int | None) -> Iterator[str]:
    last_seq = balance = 0
    with snapshot() as connection:
        name = connection.scalar(select(Customer.public_id).where(Customer.account_id == account_id))
        yield f'{{"customer": {json.dumps(name)}, "account": {account_id}, "entries": [\n'
        for entry in _entries(connection, account_id, up_to):
            yield f"{',' if last_seq else ''}{json.dumps(entry, ensure_ascii=False)}\n"
            last_seq, balance = entry["seq"], entry["balance_after_micro"]
    yield f'], "last_seq": {last_seq}, "balance_micro": {balance}}}\n'


def _rows(account_id: int, up_to: int | None) -> Iterator[list[Cell]]:
    yield list(COLUMNS)
    with snapshot() as connection:
        for entry in _entries(connection, account_id, up_to):
            grants = "; ".join(f"{grant}: {amount}" for grant, amount in entry["grants"])
            yield [*(entry[column] for column in COLUMNS[:-1]), grants]


def _entries(connection: Connection, account_id: int, up_to: int | None) -> Iterator[dict[str, Any]]:
    query = select(Entry.__table__).where(Entry.account_id == account_id).order_by(Entry.seq).limit(BATCH)
    after = 0
    while True:
        page = query.where(Entry.seq > after, *([Entry.seq <= up_to] if up_to is not None else []))
        rows = connection.execute(page).all()
        if not rows:
            return
        uses = _uses(connection, account_id, rows[0].seq, rows[-1].seq)
        for row in rows:
            yield {
                "seq": row.seq,
                "kind": row.kind,
                "reason": row.reason,
                "amount_micro": row.amount,
                "balance_after_micro": row.balance_after,
                "at": to_rfc3339(row.at),
                "action": row.action,
                "scope": row.scope,
                "source": row.source,
                "reverses": row.reverses,
                "hold": row.hold,
                "hash": row.hash.hex(),
                "actor": row.actor,
                "description": row.description,
                "reference": row.reference,
                "grants": uses.get(row.seq, []),
            }
        after = rows[-1].seq


def _uses(connection: Connection, account_id: int, first: int, last: int) -> dict[int, list[list[int]]]:
    """By entry, each grant (its entry's seq) that it ate from, or (below zero) brought credits back to."""
    query = (
        select(Use.entry_seq, Use.grant_seq, Use.amount)
        .where(Use.account_id == account_id, Use.entry_seq.between(first, last))
        .order_by(Use.entry_seq, Use.n)
    )
    found: dict[int, list[list[int]]] = {}
    for use in connection.execute(query):
        found.setdefault(use.entry_seq, []).append([use.grant_seq, use.amount])
    return found
