"""Proof that the audit sees: plant every kind of corruption in a copy of the database and look for it."""

from __future__ import annotations

from dataclasses import dataclass, field

from sqlalchemy.engine import Connection

from billing.audit import audit_connection
from billing.db import using
from billing.self_test.copying import copied
from billing.self_test.corruptions import CORRUPTIONS
from billing.self_test.history import History, tell_history
from billing.self_test.planting import Planting


@dataclass(slots=True)
class Report:
    """What was planted, by name: found by the invariant that forbids it, or missed."""

    found: list[str] = field(default_factory=list)
    missed: list[str] = field(default_factory=list)


def run() -> Report:
    """Copy the database, add a made-up customer, and plant one corruption after the other in their rows.

    Each must be found by the invariant that forbids it, and is taken back before the next. The database itself is
    only read; the copy is a temporary file. The made-up customer's own books have to be clean first.
    """
    report = Report()
    with copied() as engine:
        with using(engine):
            history = tell_history()
        with engine.connect() as connection:
            with connection.begin():
                before = _breaches(connection, history)
            for line in sorted(line for line in before if history.customer in line):
                report.missed.append(f"nothing planted, yet {line}")
            for corruption in CORRUPTIONS:
                with connection.begin() as planted:
                    corruption.plant(Planting(connection, history))
                    found = _breaches(connection, history, rows_only=corruption.invariant != "I37")
                    planted.rollback()
                is_found = any(found[line] == corruption.invariant for line in found.keys() - before.keys())
                (report.found if is_found else report.missed).append(f"{corruption.invariant} {corruption.name}")
    return report


def _breaches(connection: Connection, history: History, *, rows_only: bool = False) -> dict[str, str]:
    """Every violation of the made-up customer and of the database: its line, and the invariant that it breaks."""
    found = audit_connection(connection, history.customer, rows_only=rows_only)
    return {each.line: each.invariant for each in found}
