"""Statements for the hot path: compiled once for each engine, then run on the driver's own cursor.

SQLAlchemy builds, hashes and looks up a statement anew at every call, which costs several times what the database
needs for it. Here that happens once; values are converted by the same column types. Writes may be put off
(`write_later`): they go out before anything else is asked of the connection, at the latest with the COMMIT, and on
PostgreSQL in one trip with it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache, lru_cache
from itertools import groupby
from operator import itemgetter
from typing import Any, cast

from sqlalchemy import Dialect, Executable, Insert, Select, Table, Update, bindparam, event, insert, update
from sqlalchemy.engine import Connection, Engine
from sqlalchemy.exc import DBAPIError
from sqlalchemy.sql.compiler import SQLCompiler

from billing.trips import Prepared, Sent, run

Parameters = Mapping[str, Any]
Row = dict[str, Any]
_Convert = Callable[[Any], Any]

_PENDING = "saldo_pending"
_PREPARED = "saldo_prepared"

ROWS_AT_ONCE = 50
"""How many rows one INSERT takes at most; PostgreSQL counts its parameters in 16 bits."""


class Statement:
    """One statement of Core with named `bindparam`s, none of them a list of unknown length.

    `columns` are those that an INSERT without VALUES fills, by parameters of their names.
    """

    def __init__(self, clause: Executable, columns: Sequence[str] | None = None) -> None:
        self._clause = clause
        self._columns = columns
        self._forms: dict[str, _Form] = {}

    def form(self, dialect: Dialect) -> _Form:
        """The statement in the words of one engine."""
        found = self._forms.get(dialect.name)
        if found is None:
            found = self._forms[dialect.name] = _Form(self._clause, dialect, self._columns)
        return found


class Change(Statement):
    """An INSERT or UPDATE of one row of a table."""

    def __init__(self, table: Table, clause: Insert | Update, columns: Sequence[str] | None = None) -> None:
        super().__init__(clause, columns)
        self.table = table
        self.inserts = isinstance(clause, Insert)


@cache
def insert_into(table: Table) -> Change:
    """A whole row of a table, by parameters of its columns' names."""
    return Change(table, insert(table).inline(), [column.name for column in table.columns])


@cache
def update_of(table: Table, names: tuple[str, ...]) -> Change:
    """These columns of the row whose primary key the other parameters name."""
    by_key = [column == bindparam(f"key_{column.name}") for column in table.primary_key]
    return Change(table, update(table).where(*by_key).values({name: bindparam(f"new_{name}") for name in names}))


def update_parameters(table: Table, row: Parameters, names: Iterable[str]) -> Parameters:
    """The parameters of `update_of` out of a whole row."""
    keys = {f"key_{column.name}": row[column.name] for column in table.primary_key}
    return keys | {f"new_{name}": row[name] for name in names}


Asked = tuple[Statement, Parameters]
"""A SELECT and its parameters."""

Write = tuple[Change, Parameters]
"""A change and its parameters."""


class _Form:
    """A statement compiled for one engine, its parameters told by their order, with what converts values."""

    def __init__(self, clause: Executable, dialect: Dialect, columns: Sequence[str] | None) -> None:
        if dialect.name == "postgresql":
            # `$1`, as PostgreSQL itself has it: the driver would look for `%(name)s` in every text that it gets.
            dialect = cast(Any, type(dialect))(paramstyle="numeric_dollar")
        compiled = cast(SQLCompiler, cast(Any, clause).compile(dialect=dialect, column_keys=columns))
        self.text = str(compiled)
        binds = compiled.binds
        in_order = [(name, binds[name]) for name in compiled.positiontup or ()]
        self._values = [
            (name, bind.type.dialect_impl(dialect).bind_processor(dialect), bind.required, bind.value)
            for name, bind in in_order
        ]
        self._names: list[str] = []
        self._from: list[tuple[str, _Convert]] = []
        for column in clause.selected_columns if isinstance(clause, Select) else ():
            name = cast(str, column.key)
            self._names.append(name)
            convert = column.type.dialect_impl(dialect).result_processor(dialect, None)
            if convert is not None:
                self._from.append((name, convert))

    def bind(self, parameters: Parameters) -> list[Any]:
        """The values as the driver takes them, in their order."""
        values = []
        for name, convert, is_asked, fixed in self._values:
            value = parameters[name] if is_asked else fixed
            values.append(value if convert is None else convert(value))
        return values

    def of_rows(self, number: int, before: int) -> str:
        """The statement for so many rows (more than one where it inserts), after so many parameters of others."""
        head, values, row = self.text.rpartition(" VALUES ")
        if not values:
            return _renumbered(self.text, before)
        width = len(self._values)
        return head + values + ", ".join(_renumbered(row, before + width * n) for n in range(number))

    def width(self) -> int:
        """How many parameters one row has."""
        return len(self._values)

    def row(self, values: Sequence[Any]) -> Row:
        """One row of a SELECT by column name."""
        row = dict(zip(self._names, values, strict=True))
        for name, convert in self._from:
            row[name] = convert(row[name])
        return row


def read(connection: Connection, statement: Statement, **parameters: Any) -> list[Row]:
    """The rows of a SELECT."""
    return read_together(connection, [(statement, parameters)])[0]


def read_together(connection: Connection, asked: Sequence[Asked]) -> list[list[Row]]:
    """The rows of several SELECTs, run one after the other, in one trip to PostgreSQL.

    Each sees what was committed before it runs, so the second sees what the first has waited for with its lock.
    """
    write_pending(connection)
    forms = [(statement.form(connection.dialect), parameters) for statement, parameters in asked]
    found = _run(connection, [(form.text, form.bind(parameters)) for form, parameters in forms])
    return [[form.row(values) for values in rows] for (form, _), rows in zip(forms, found, strict=True)]


def write_later(connection: Connection, change: Change, rows: Iterable[Parameters]) -> None:
    """Write these rows before anything else is asked of this connection, at the latest when it commits.

    What the database refuses is therefore raised only then.
    """
    connection.info.setdefault(_PENDING, []).extend((change, row) for row in rows)


def write_pending(connection: Connection, *, commit: bool = False) -> None:
    """Send what was put off; on PostgreSQL a COMMIT may travel with it, so that nothing is left for whoever commits."""
    pending = connection.info.pop(_PENDING, None)
    if not pending:
        return
    if connection.dialect.name == "postgresql":
        _run(connection, [_as_one(connection.dialect, group) for group in _apart(pending)], commit=commit)
        return
    driver = _driver(connection)
    with _explained(connection):
        for statement, writes in groupby(pending, key=itemgetter(0)):
            form = statement.form(connection.dialect)
            driver.executemany(form.text, [form.bind(parameters) for _, parameters in writes])


def drop_pending(connection: Connection) -> None:
    """Forget what was put off: the transaction is rolled back."""
    if not (connection.closed or connection.invalidated):  # what is lost has nothing pending
        connection.info.pop(_PENDING, None)


def _run(connection: Connection, statements: Sequence[Sent], *, commit: bool = False) -> list[list[Any]]:
    """The rows of each of these statements, on PostgreSQL in one trip."""
    driver = _driver(connection)
    with _explained(connection):
        if connection.dialect.name == "postgresql":
            return run(driver, connection.info.setdefault(_PREPARED, Prepared()), statements, commit=commit)
        return [driver.execute(text, values).fetchall() for text, values in statements]


_Part = tuple[Change, list[Parameters]]


def _apart(pending: Sequence[Write]) -> Iterator[list[_Part]]:
    """Writes as groups of which each may be one statement: no part of it sees what another does.

    So a table is written by one part of a group only: rows that are new, or one that changes.
    """
    group: dict[Table, _Part] = {}
    for statement, row in pending:
        known = group.get(statement.table)
        if known is not None and known[0] is statement and statement.inserts and len(known[1]) < ROWS_AT_ONCE:
            known[1].append(row)
            continue
        if known is not None:
            yield list(group.values())
            group = {}
        group[statement.table] = (statement, [row])
    yield list(group.values())


def _as_one(dialect: Dialect, group: Sequence[_Part]) -> tuple[str, list[Any]]:
    """One statement that does what the group's do, and its values: each but the last is a `WITH` of it."""
    parts = [(statement.form(dialect), rows) for statement, rows in group]
    text = _text_of_all(tuple((form, len(rows)) for form, rows in parts))
    return text, [value for form, rows in parts for row in rows for value in form.bind(row)]


@lru_cache(maxsize=1024)
def _text_of_all(parts: tuple[tuple[_Form, int], ...]) -> str:
    texts, before = [], 0
    for form, number in parts:
        texts.append(form.of_rows(number, before))
        before += form.width() * number
    *first, last = texts
    return f"WITH {', '.join(f'w{n} AS ({text})' for n, text in enumerate(first))} {last}" if first else last


def _renumbered(text: str, by: int) -> str:
    return re.sub(r"\$(\d+)", lambda found: f"${int(found[1]) + by}", text) if by else text


def _driver(connection: Connection) -> Any:
    return connection.connection.driver_connection


@contextmanager
def _explained(connection: Connection) -> Iterator[None]:
    """Let the driver's errors be SQLAlchemy's, as everybody expects them."""
    dialect, driver = connection.dialect, _driver(connection)
    driver_error = cast(Any, dialect).loaded_dbapi.Error
    try:
        yield
    except driver_error as error:
        lost = dialect.is_disconnect(error, driver, None)
        if lost:
            connection.invalidate(error)
        raise DBAPIError.instance(
            None, None, error, driver_error, dialect=dialect, connection_invalidated=lost
        ) from error


@event.listens_for(Engine, "before_cursor_execute")
def _write_first(connection: Connection, *_: Any) -> None:
    """Whoever asks the connection by another way sees what was put off."""
    if _PENDING in connection.info:
        write_pending(connection)
