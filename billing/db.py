"""The database: engine settings for both engines, the session, and the one way to write.

Only this module knows which engine runs underneath. Everything else says ``with transaction():`` and
``lock_row(...)``; on PostgreSQL that is a row lock, on SQLite ``BEGIN IMMEDIATE`` (one writer at a time).
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any, cast

from flask_sqlalchemy import SQLAlchemy
from flask_sqlalchemy.session import Session
from psycopg.types.numeric import Int8Dumper
from sqlalchemy import (
    BigInteger,
    ColumnElement,
    DateTime,
    Dialect,
    Engine,
    Integer,
    MetaData,
    String,
    Table,
    event,
    func,
    literal_column,
    type_coerce,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Connection
from sqlalchemy.exc import DBAPIError, DisconnectionError
from sqlalchemy.orm import DeclarativeBase
from sqlalchemy.pool import Pool
from sqlalchemy.types import TypeDecorator

from billing.statements import drop_pending, write_pending

REST_SECONDS = 1.0
"""After how long without use a connection is asked whether it still lives."""

BUSY_TIMEOUT_SECONDS = 10
"""How long a SQLite writer waits for the one before it; afterwards the caller sees 503, never a half write."""

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}


class Base(DeclarativeBase):
    """Base of every table; constraints carry names so that migrations work on SQLite too."""

    metadata = MetaData(naming_convention=NAMING)


_instead: ContextVar[Engine | None] = ContextVar("instead", default=None)
"""The database that `using` has put in place of the configured one."""

_running: ContextVar[Connection | None] = ContextVar("running", default=None)
"""The connection of the `transaction()` that runs."""


class RedirectableSession(Session):
    """The session of the configured database, or of the one that `using` has put in its place.

    While a `transaction()` runs, it takes part in that one.
    """

    def get_bind(self, *args: Any, **kwargs: Any) -> Any:
        return _running.get() or _instead.get() or super().get_bind(*args, **kwargs)

    def close(self) -> None:
        """Give the connection back; one that breaks at this is dropped, for what was committed stands."""
        try:
            super().close()
        except DBAPIError:
            self.invalidate()


db = SQLAlchemy(model_class=Base, session_options={"class_": RedirectableSession})

BigId = BigInteger().with_variant(Integer, "sqlite")
"""64-bit integer that SQLite may also use as an auto-incrementing primary key."""


class UtcDateTime(TypeDecorator[datetime]):
    """An aware UTC time: ``timestamptz`` on PostgreSQL, fixed-width sortable text on SQLite."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> Any:
        if dialect.name == "sqlite":
            return dialect.type_descriptor(String(27))
        return dialect.type_descriptor(DateTime(timezone=True))

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> Any:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("times carry a zone")
        value = value.astimezone(UTC)
        if dialect.name == "sqlite":
            return value.strftime("%Y-%m-%dT%H:%M:%S.%fZ").rjust(27, "0")
        return value

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if isinstance(value, str):
            return datetime.fromisoformat(value)
        return value.astimezone(UTC)  # type: ignore[no-any-return]


def _is_sqlite(dbapi_connection: Any) -> bool:
    return type(dbapi_connection).__module__.startswith("sqlite3")


@event.listens_for(Engine, "connect")
def _prepare_connection(dbapi_connection: Any, _record: Any) -> None:
    if _is_sqlite(dbapi_connection):
        # SQLAlchemy, not the driver, begins transactions: the driver's own BEGIN is deferred, and a
        # deferred reader that turns writer fails at once instead of waiting.
        dbapi_connection.isolation_level = None
        cursor = dbapi_connection.cursor()
        cursor.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_SECONDS * 1000}")
        cursor.execute("PRAGMA journal_mode = WAL")
        cursor.execute("PRAGMA synchronous = FULL")
        cursor.execute("PRAGMA foreign_keys = ON")
        cursor.close()


@event.listens_for(Engine, "connect")
def _prepare_driver(dbapi_connection: Any, _record: Any) -> None:
    if not _is_sqlite(dbapi_connection):
        # Each whole number is 64 bits wide: by its size, one statement would be prepared anew for each width.
        dbapi_connection.adapters.register_dumper(int, Int8Dumper)
        # What `trips` prepares stays: the driver would throw away all that is prepared at every rollback.
        dbapi_connection.prepare_threshold = None


@event.listens_for(Engine, "begin")
def _begin(connection: Connection) -> None:
    if connection.dialect.name == "sqlite":
        writes = connection.get_execution_options().get("saldo_writes")
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN DEFERRED")


@event.listens_for(db.session, "after_begin")
def _begin_for_writes_only(_session: Any, _transaction: Any, connection: Connection) -> None:
    """Let PostgreSQL run reads without BEGIN and ROLLBACK, a trip each.

    Where each statement sees what was committed before it, as here, they would add nothing.
    """
    if connection.dialect.name == "postgresql" and _running.get() is None:
        cast(Any, connection.connection.driver_connection).autocommit = True


@event.listens_for(Pool, "checkin")
def _put_by(dbapi_connection: Any, record: Any) -> None:
    record.info["saldo_rests_since"] = time.monotonic()
    if dbapi_connection is not None and not _is_sqlite(dbapi_connection) and not dbapi_connection.closed:
        dbapi_connection.autocommit = False


@event.listens_for(Pool, "checkout")
def _try_after_rest(dbapi_connection: Any, record: Any, _proxy: Any) -> None:
    """Ask a connection that has rested whether it still lives; asking each time would cost a trip per request."""
    since = record.info.get("saldo_rests_since")
    if since is None or time.monotonic() - since < REST_SECONDS or _is_sqlite(dbapi_connection):
        return
    try:
        dbapi_connection.execute("SELECT 1")
        dbapi_connection.rollback()
    except dbapi_connection.Error as error:
        raise DisconnectionError() from error


@contextmanager
def transaction() -> Iterator[Connection]:
    """Everything inside is written together or not at all; the outermost block commits.

    Nested blocks join the outermost one. Never hold one open across a network call.
    """
    running = _running.get()
    if running is not None:
        yield running
        return
    session = db.session()
    # A read may have begun a snapshot; what is written must be decided on what is true now.
    if session.in_transaction():
        session.rollback()
    # The connection's own transaction, which the session joins if it is used at all: most of what the session does
    # to begin and end one by itself is lost on statements of Core.
    connection = cast(Engine, session.get_bind()).connect().execution_options(saldo_writes=True)
    before = _running.set(connection)
    try:
        connection.begin()
        yield connection
        if session.in_transaction():
            session.commit()  # writes what it has, and forgets what it knows; the connection's transaction goes on
        write_pending(connection, commit=True)
        connection.commit()
    except BaseException:
        drop_pending(connection)
        session.rollback()
        connection.rollback()
        raise
    finally:
        _running.reset(before)
        connection.close()


@contextmanager
def snapshot(like: Connection | None = None) -> Iterator[Connection]:
    """One unchanging view of the database, apart from the session and read-only: what an audit or export reads.

    With ``like``, the very view of that snapshot, for another thread; PostgreSQL only.
    """
    name = None if like is None else like.exec_driver_sql("SELECT pg_export_snapshot()").scalar_one()
    with (db.engine if like is None else like.engine).connect() as connection:
        if connection.dialect.name == "postgresql":
            connection.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
        with connection.begin():
            if name is not None:
                connection.exec_driver_sql(f"SET TRANSACTION SNAPSHOT '{name}'")
            if connection.dialect.name == "postgresql":
                connection.exec_driver_sql(_FOR_FEW_LARGE_QUERIES)
            yield connection


_FOR_FEW_LARGE_QUERIES = "SELECT set_config('work_mem', '64MB', true), set_config('jit', 'off', true)"
"""Joins in memory rather than on disk; and compiling would take longer than what it makes quicker."""


@contextmanager
def using(engine: Engine) -> Iterator[None]:
    """Let all rules inside work on another database, such as a copy; this thread's session begins anew."""
    assert not in_transaction(), "what is open here is the other database's"
    db.session.remove()
    before = _instead.set(engine)
    try:
        yield
    finally:
        db.session.remove()
        _instead.reset(before)


def is_elsewhere() -> bool:
    """Whether this thread works on another database than the server's own (see ``using``)."""
    return _instead.get() is not None


def in_transaction() -> bool:
    """Whether a ``transaction()`` is open: ledger functions assert it, network calls assert the opposite."""
    return _running.get() is not None


@event.listens_for(db.session, "before_flush")
def _refuse_stray_writes(_session: Any, _context: Any, _instances: Any) -> None:
    if _running.get() is None:
        raise RuntimeError("writes happen inside `with transaction():` only")


def connection() -> Connection:
    """The current connection, for Core statements; joins the open transaction or begins a read."""
    return _running.get() or db.session.connection()


def is_postgresql() -> bool:
    """Whether this process talks to PostgreSQL."""
    return connection().dialect.name == "postgresql"


def utc_day(column: Any) -> ColumnElement[str]:
    """The UTC day of a column's time as `2026-11-24`, to group by; without parameters, which may not differ there."""
    if is_postgresql():
        return func.to_char(func.timezone(literal_column("'UTC'"), column), literal_column("'YYYY-MM-DD'"))
    return func.substr(type_coerce(column, String), literal_column("1"), literal_column("10"))


def insert_if_new(model: type[Base]) -> postgresql.Insert | sqlite.Insert:
    """An INSERT that leaves a row with the same key alone.

    On PostgreSQL it waits for a twin whose transaction is open, on SQLite there is none.
    """
    table = cast(Table, model.__table__)
    insert = postgresql.insert(table) if is_postgresql() else sqlite.insert(table)
    return insert.on_conflict_do_nothing()
