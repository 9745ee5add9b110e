"""What the database itself should hold: constraints, triggers, unique business keys, no orphans (I15, I37)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sqlalchemy import (
    CheckConstraint,
    ForeignKeyConstraint,
    PrimaryKeyConstraint,
    Table,
    and_,
    exists,
    func,
    inspect,
    select,
    text,
)
from sqlalchemy.engine import Connection

from billing.db import Base
from billing.ledger.invariants.finding import Finding
from billing.ledger.invariants.streams import Chosen, narrowed
from billing.models import Entry

TRIGGERS = {
    "postgresql": {
        "entries_no_update",
        "entries_no_delete",
        "entries_no_truncate",
        "uses_no_change",
        "uses_no_truncate",
        "audit_log_no_change",
    },
    "sqlite": {
        "entries_no_update",
        "entries_no_delete",
        "uses_no_update",
        "uses_no_delete",
        "audit_log_no_update",
        "audit_log_no_delete",
    },
}
"""Triggers that keep the books append-only (R2); the migrations make them."""

_LIVE_TRIGGERS = {
    "sqlite": "SELECT name FROM sqlite_master WHERE type = 'trigger'",
    "postgresql": "SELECT tgname FROM pg_trigger WHERE NOT tgisinternal AND tgenabled IN ('O', 'A')",
}
_UNPROVEN = (
    "SELECT conrelid::regclass::text, conname FROM pg_constraint WHERE NOT convalidated"
    " UNION ALL SELECT indrelid::regclass::text, indexrelid::regclass::text FROM pg_index WHERE NOT indisvalid"
)


def check_schema(connection: Connection) -> Iterator[Finding]:
    """I37: Database CHECKs, UNIQUEs, FKs and the append-only triggers are present and validated."""
    there = inspect(connection)
    tables = set(there.get_table_names())
    for table in Base.metadata.sorted_tables:
        if table.name not in tables:
            yield _missing(table.name, "the table")
            continue
        found = {str(each["name"]) for each in there.get_indexes(table.name) if each["unique"]}
        found |= {str(each["name"]) for each in there.get_unique_constraints(table.name)}
        found |= {str(each["name"]) for each in there.get_foreign_keys(table.name)}
        found |= {str(each["name"]) for each in there.get_check_constraints(table.name)}
        found.add(str(there.get_pk_constraint(table.name)["name"]))
        for name in sorted(_enforced(table) - found):
            yield _missing(table.name, name)
    dialect = connection.dialect.name
    for name in sorted(TRIGGERS[dialect] - set(connection.scalars(text(_LIVE_TRIGGERS[dialect])))):
        yield _missing(name.split("_no_")[0], f"trigger {name}")
    if dialect == "postgresql":
        for table_name, name in connection.execute(text(_UNPROVEN)):
            yield Finding("I37", None, f"table={table_name}", f"{name} validated", "not validated")


def duplicate_sources(connection: Connection, chosen: Chosen) -> Iterator[Finding]:
    """I15: UNIQUE(source) over entries: nothing is granted twice for one business key."""
    keyed = select(Entry.source).where(Entry.source.is_not(None))
    if chosen is not None:
        theirs = narrowed(keyed, Entry.account_id, chosen)
        keyed = keyed.where(Entry.source.in_(theirs))
    # Nothing but the key is read, and in its order: the index alone answers.
    twice = keyed.group_by(Entry.source).having(func.count() > 1).order_by(Entry.source)
    for source in list(connection.scalars(twice)):
        told = select(func.max(Entry.account_id), func.max(Entry.seq), func.count()).where(Entry.source == source)
        account_id, seq, count = connection.execute(told).one()
        yield Finding("I15", account_id, f"source={source}", "one entry", count, seq)


def orphans(connection: Connection, chosen: Chosen) -> Iterator[Finding]:
    """I37: No orphan: whatever a row refers to is there."""
    for table in Base.metadata.sorted_tables:
        if chosen is None or "account_id" in table.c:
            for constraint in table.foreign_key_constraints:
                yield from _orphans_of(connection, table, constraint, chosen)


def _orphans_of(
    connection: Connection, table: Table, constraint: ForeignKeyConstraint, chosen: Chosen
) -> Iterator[Finding]:
    target = constraint.referred_table.alias()
    columns = list(constraint.columns)
    pairs = [element.column.name for element in constraint.elements]
    match = and_(*(target.c[name] == column for column, name in zip(columns, pairs, strict=True)))
    query = select(table).where(*(column.is_not(None) for column in columns), ~exists().where(match))
    for row in connection.execute(narrowed(query, table.c.get("account_id"), chosen).limit(100)):
        yield Finding(
            "I37",
            getattr(row, "account_id", None),
            f"{table.name}={_key(table, row)}",
            f"a row of {constraint.referred_table.name}",
            "none",
        )


def _key(table: Table, row: Any) -> str:
    return ".".join(str(getattr(row, column.name)) for column in table.primary_key)


def _enforced(table: Table) -> set[str]:
    """The names of all that the database enforces on a table."""
    kinds = (CheckConstraint, ForeignKeyConstraint, PrimaryKeyConstraint)
    names = {str(each.name) for each in table.constraints if isinstance(each, kinds) or each.name is not None}
    return {str(name) for name in names} | {str(index.name) for index in table.indexes if index.unique}


def _missing(table: str, what: str) -> Finding:
    return Finding("I37", None, f"table={table}", what, "missing")
