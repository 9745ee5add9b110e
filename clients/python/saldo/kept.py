"""Charges that Saldo has not taken yet, kept on disk: a SQLite file that threads and processes may share."""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from saldo.exact import dumps, loads

FIRST_GAP_SECONDS = 15.0
LONGEST_GAP_SECONDS = 6 * 3600.0
BUSY_SECONDS = 30.0

Kind = Literal["usage", "debit", "capture"]
"""`usage`: certainly never arrived, so it may go in a batch. `debit` and `capture`: the call may have arrived,
and only the same call under the same key is sure to charge once."""

_SCHEMA = """
CREATE TABLE IF NOT EXISTS kept_charges (
    id TEXT PRIMARY KEY,
    kind TEXT NOT NULL,
    path TEXT NOT NULL,
    body TEXT NOT NULL,
    event TEXT,
    kept_at REAL NOT NULL,
    due_at REAL NOT NULL,
    tries INTEGER NOT NULL DEFAULT 0,
    refused_as TEXT
)
"""


@dataclass(frozen=True, slots=True)
class KeptCharge:
    """One charge that waits. `id` is the Idempotency-Key of its call and the id of its event."""

    id: str
    kind: Kind
    path: str
    body: Mapping[str, Any]
    event: Mapping[str, Any] | None
    """What to record when a capture comes too late, because its hold has ended."""
    kept_at: float
    tries: int
    refused_as: str | None
    """The code of Saldo's last no; it is tried again all the same, as somebody may buy credits."""


class KeptCharges:
    """The file. Nothing is acknowledged before it is on disk (`synchronous=FULL`); nothing stays open."""

    def __init__(self, path: str | os.PathLike[str], *, now: Callable[[], float] = time.time) -> None:
        self._path = Path(path)
        self._now = now
        # Ids of customers are nobody else's business on a shared machine.
        os.close(os.open(self._path, os.O_CREAT | os.O_RDWR, 0o600))
        with self._writing() as file:
            file.execute(_SCHEMA)

    def keep(
        self,
        charge_id: str,
        kind: Kind,
        path: str,
        body: Mapping[str, Any],
        event: Mapping[str, Any] | None = None,
    ) -> None:
        """Put a charge on disk. The same id again changes nothing."""
        now = self._now()
        with self._writing() as file:
            file.execute(
                "INSERT OR IGNORE INTO kept_charges (id, kind, path, body, event, kept_at, due_at)"
                " VALUES (?, ?, ?, ?, ?, ?, ?)",
                (charge_id, kind, path, dumps(body), None if event is None else dumps(event), now, now),
            )

    def claim(self, limit: int) -> list[KeptCharge]:
        """Up to `limit` charges that are due, oldest first.

        Claiming moves a charge's next try on: another process leaves it alone meanwhile, and when this one dies
        or is refused, it comes up again by itself, after growing gaps.
        """
        with self._writing() as file:
            now = self._now()
            rows = file.execute(
                "SELECT * FROM kept_charges WHERE due_at <= ? ORDER BY kept_at, id LIMIT ?", (now, limit)
            ).fetchall()
            for row in rows:
                gap = min(FIRST_GAP_SECONDS * 2 ** min(row["tries"], 20), LONGEST_GAP_SECONDS)
                file.execute(
                    "UPDATE kept_charges SET tries = tries + 1, due_at = ? WHERE id = ?", (now + gap, row["id"])
                )
        return [_charge(row) for row in rows]

    def forget(self, charge_id: str) -> None:
        """The charge is settled (or given up by a person)."""
        with self._writing() as file:
            file.execute("DELETE FROM kept_charges WHERE id = ?", (charge_id,))

    def refused(self, charge_id: str, code: str) -> None:
        """Note why Saldo does not take it for now."""
        with self._writing() as file:
            file.execute("UPDATE kept_charges SET refused_as = ? WHERE id = ?", (code, charge_id))

    def record_instead(self, charge: KeptCharge) -> None:
        """The hold has ended uncaptured: record the use as an event, at once."""
        with self._writing() as file:
            file.execute(
                "UPDATE kept_charges SET kind = 'usage', path = '/usage', body = event, event = NULL, due_at = ?"
                " WHERE id = ?",
                (self._now(), charge.id),
            )

    def put_back(self, charges: list[KeptCharge]) -> None:
        """Claimed but not tried, as Saldo is away: due again soon, however often that has happened."""
        due_at = self._now() + FIRST_GAP_SECONDS
        with self._writing() as file:
            for charge in charges:
                file.execute(
                    "UPDATE kept_charges SET tries = ?, due_at = ? WHERE id = ?", (charge.tries, due_at, charge.id)
                )

    def all(self) -> list[KeptCharge]:
        """Everything that waits, oldest first."""
        with self._open() as file:
            return [_charge(row) for row in file.execute("SELECT * FROM kept_charges ORDER BY kept_at, id")]

    def __len__(self) -> int:
        with self._open() as file:
            (count,) = file.execute("SELECT count(*) FROM kept_charges").fetchone()
        return int(count)

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        # Opened for each use: a connection belongs to one thread and must not live through a fork.
        with closing(sqlite3.connect(self._path, timeout=BUSY_SECONDS, isolation_level=None)) as file:
            file.row_factory = sqlite3.Row
            file.execute("PRAGMA synchronous = FULL")
            yield file

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        with self._open() as file:
            file.execute("BEGIN IMMEDIATE")
            try:
                yield file
            except BaseException:
                file.execute("ROLLBACK")
                raise
            file.execute("COMMIT")


def _charge(row: sqlite3.Row) -> KeptCharge:
    return KeptCharge(
        id=row["id"],
        kind=row["kind"],
        path=row["path"],
        body=loads(row["body"]),
        event=None if row["event"] is None else loads(row["event"]),
        kept_at=row["kept_at"],
        tries=row["tries"],
        refused_as=row["refused_as"],
    )
