"""Rows taken out of one table for one account, changed in memory, and written back where they differ."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cache
from operator import attrgetter
from typing import Any, Generic, TypeVar, cast

from sqlalchemy import ColumnElement, FromClause, Table, select

from billing.db import connection
from billing.statements import Row, insert_into, update_of, update_parameters, write_later

State = TypeVar("State")


@cache
def _reader(table: FromClause) -> tuple[tuple[str, ...], Callable[[Any], tuple[Any, ...]]]:
    names = tuple(column.name for column in table.columns)
    return names, cast(Callable[[Any], tuple[Any, ...]], attrgetter(*names))


def columns_of(state: Any, table: FromClause) -> Row:
    """The values of ``state`` for the table's columns, by column name."""
    names, values_of = _reader(table)
    return dict(zip(names, values_of(state), strict=True))


def insert_later(table: FromClause, states: Iterable[Any]) -> None:
    """Write these new rows with whatever the transaction writes next."""
    write_later(connection(), insert_into(cast(Table, table)), [columns_of(state, table) for state in states])


class Shelf(Generic[State]):
    """What a book has taken out of one table, and what it looked like when last read or written."""

    def __init__(self, account_id: int, table: FromClause, key: str, make: Callable[..., State]) -> None:
        self.states: dict[int, State] = {}
        self._account_id = account_id
        self._table = cast(Table, table)
        self._key = key
        self._make = make
        self._names, self._values_of = _reader(table)
        self._written: dict[int, tuple[Any, ...]] = {}

    def load(self, condition: ColumnElement[bool]) -> list[int]:
        """Take out the rows that meet the condition, unless already here; answers the keys that are new."""
        key_column = self._table.c[self._key]
        rows = connection().execute(
            select(self._table).where(self._table.c.account_id == self._account_id, condition).order_by(key_column)
        )
        return self.take(dict(row._mapping) for row in rows)

    def take(self, rows: Iterable[Row]) -> list[int]:
        """Take in rows that have been read, unless already here; answers the keys that are new."""
        fresh = []
        for row in rows:
            key = row[self._key]
            if key not in self.states:
                state = self.states[key] = self._make(**row)
                self._written[key] = self._values_of(state)
                fresh.append(key)
        return fresh

    def write(self) -> list[int]:
        """Write what is new or has changed; answers the keys that are new."""
        new = []
        for key, state in self.states.items():
            values = self._values_of(state)
            before = self._written.get(key)
            if before is None:
                new.append(key)
            elif values != before:
                names = tuple(name for name, now, then in zip(self._names, values, before, strict=True) if now != then)
                row = dict(zip(self._names, values, strict=True))
                write_later(connection(), update_of(self._table, names), [update_parameters(self._table, row, names)])
            self._written[key] = values
        if new:
            insert_later(self._table, [self.states[key] for key in new])
        return new
