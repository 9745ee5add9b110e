"""Whether the database has this version's tables: a server on a schema that is not its own must not start."""

from __future__ import annotations

from functools import cache
from typing import Literal

from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy.exc import SQLAlchemyError

from billing.db import connection
from billing.errors import WrongSchema
from config import ROOT


def state() -> Literal["ok", "another version", "unknown"]:
    """How the database's schema stands to this version's; ``unknown`` while the database does not answer."""
    try:
        present = frozenset(MigrationContext.configure(connection()).get_current_heads())
    except SQLAlchemyError:
        return "unknown"
    return "ok" if present == _newest_revisions() else "another version"


def require_current() -> None:
    """Raise ``WrongSchema`` when the schema is another version's.

    A database that does not answer is no reason: it may come back, and until then ``/readyz`` says so.
    """
    if state() == "another version":
        raise WrongSchema()


@cache
def _newest_revisions() -> frozenset[str]:
    return frozenset(ScriptDirectory(str(ROOT / "migrations")).get_heads())
