"""Runs migrations on either engine; several upgrades at once wait for each other instead of colliding."""

from __future__ import annotations

from alembic import context
from flask import current_app
from sqlalchemy import text

import billing.models  # noqa: F401 - fills the metadata
from billing.db import Base

LOCK = 7_253_120_411
"""Key of PostgreSQL's advisory lock that one upgrade at a time holds."""


def run() -> None:
    engine = current_app.extensions["migrate"].db.engine
    # BEGIN IMMEDIATE on SQLite, an advisory lock on PostgreSQL: the second upgrade finds the work done.
    with engine.connect().execution_options(saldo_writes=True) as connection, connection.begin():
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


run()
