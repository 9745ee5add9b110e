"""Rows taken out of one table for one account, changed in memory, and written back where they differ."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, TypeVar, cast

from sqlalchemy import ColumnElement, FromClause, Table, bindparam, insert, select, update

from billing.db import connection

State = TypeVar("State")


def columns_of(state: Any, table: FromClause) -> dict[str, Any]:
    """The values of ``state`` for the table's columns, by column name."""
    return {column.name: getattr(state, column.name) for column in table.columns}


class Shelf(Generic[State]):
    """What a book has taken out of one table, and what it looked like when last read or written."""

    def __init__(self, account_id: int, table: FromClause, key: str, make: Callable[..., State]) -> None:
        self.states: dict[int, State] = {}
        self._account_id = account_id
        self._table = cast(Table, table)
        self._key = key
        self._make = make
        self._written: dict[int, dict[str, Any]] = {}

    def load(self, condition: ColumnElement[bool]) -> list[int]:
        """Take out the rows that meet the condition, unless already here; answers the keys that are new."""
        key_column = self._table.c[self._key]
        rows = connection().execute(
            select(self._table).where(self._table.c.account_id == self._account_id, condition).order_by(key_column)
        )
        fresh = []
        for row in rows:
            key = getattr(row, self._key)
            if key not in self.states:
                self.states[key] = self._make(**row._mapping)
                self._written[key] = dict(row._mapping)
                fresh.append(key)
        return fresh

    def write(self) -> list[int]:
        """Write what is new or has changed; answers the keys that are new."""
        now = {key: columns_of(state, self._table) for key, state in self.states.items()}
        new = [key for key in now if key not in self._written]
        changed = [key for key in now if key in self._written and now[key] != self._written[key]]
        if new:
            connection().execute(insert(self._table), [now[key] for key in new])
        if changed:
            connection().execute(
                self._update(),
                [{f"new_{name}": value for name, value in now[key].items()} for key in changed],
            )
        self._written = now
        return new

    def _update(self) -> Any:
        columns = self._table.columns
        return (
            update(self._table)
            .where(*(column == bindparam(f"new_{column.name}") for column in columns if column.primary_key))
            .values({c.name: bindparam(f"new_{c.name}") for c in columns if not c.primary_key})
        )
