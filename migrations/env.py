"""Runs migrations on either engine; several upgrades at once wait for each other instead of colliding."""

from __future__ import annotations

import sys

from alembic import context
from flask import current_app
from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import OperationalError

import billing.models  # noqa: F401 - fills the metadata
from billing.db import Base

LOCK = 7_253_120_411
"""Key of PostgreSQL's advisory lock that one upgrade at a time holds."""


def run() -> None:
    engine = current_app.extensions["migrate"].db.engine
    # BEGIN IMMEDIATE on SQLite, an advisory lock on PostgreSQL: the second upgrade finds the work done.
    with _connect(engine).execution_options(saldo_writes=True) as connection, connection.begin():
        if connection.dialect.name == "postgresql":
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": LOCK})
        context.configure(
            connection=connection,
            target_metadata=Base.metadata,
            render_as_batch=True,
            compare_type=True,
            transaction_per_migration=False,
        )
        with context.begin_transaction():
            context.run_migrations()


def _connect(engine: Engine) -> Connection:
    """A connection; without one the command ends with 2, as 1 says that the schema is not current."""
    try:
        return engine.connect()
    except OperationalError as error:
        print(f"could not: the database does not answer: {error.orig}", file=sys.stderr)
        raise SystemExit(2) from error


run()
