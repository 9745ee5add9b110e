"""A copy of the database in a SQLite file of its own, to be spoiled; the original is only read.

SQLite copies itself, triggers and all, with its backup call. From PostgreSQL the rows of one snapshot are streamed
into the same tables: a second database there would need rights and a moment with nobody connected. What guards
PostgreSQL itself, its constraints and triggers, is checked on the original by the audit.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from sqlalchemy import Engine, create_engine, event, select, text
from sqlalchemy.engine import Connection

from billing.db import Base, snapshot
from billing.ledger.invariants.schema import TRIGGERS

BATCH = 1000


@contextmanager
def copied() -> Iterator[Engine]:
    """The copy, which ends with the block; nothing in it is enforced by foreign keys."""
    with TemporaryDirectory(prefix="saldo-self-test-") as folder:
        path = Path(folder) / "copy.sqlite3"
        engine = create_engine(f"sqlite:///{path}")
        event.listen(engine, "connect", _unenforced)
        try:
            with snapshot() as source:
                if source.dialect.name == "sqlite":
                    _back_up(source, path)
                else:
                    _stream(source, engine)
            yield engine
        finally:
            engine.dispose()


def _unenforced(dbapi_connection: Any, _record: Any) -> None:
    dbapi_connection.execute("PRAGMA foreign_keys = OFF")
    dbapi_connection.execute("PRAGMA synchronous = OFF")


def _back_up(source: Connection, path: Path) -> None:
    target = sqlite3.connect(path)
    source.connection.driver_connection.backup(target)  # type: ignore[union-attr]
    target.close()


def _stream(source: Connection, engine: Engine) -> None:
    Base.metadata.create_all(engine)
    with engine.begin() as target:
        for table in Base.metadata.sorted_tables:
            rows = source.execute(select(table).execution_options(yield_per=BATCH)).mappings()
            while batch := [dict(row) for row in islice(rows, BATCH)]:
                target.execute(table.insert(), batch)
        for name in sorted(TRIGGERS["sqlite"]):
            # They stand in for PostgreSQL's, so that the copy begins without a finding.
            on = name.split("_no_")[0]
            target.execute(text(f"CREATE TRIGGER {name} BEFORE DELETE ON {on} WHEN 0 BEGIN SELECT 1; END"))
