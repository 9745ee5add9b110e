"""How often something was tried lately: counted in the database, so that every worker sees every attempt (F131)."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import case, delete, select
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from billing import clock
from billing.db import connection, is_postgresql, transaction
from billing.models import Attempts


def count_attempt(name: str, limit: int, window: timedelta) -> datetime | None:
    """Count an attempt under a name; None while there were at most `limit` in the window, else when it ends.

    The window begins with its first attempt, and real time decides. What is refused is not counted any further.
    """
    now = clock.wall_now()
    known = connection().execute(select(Attempts.tries, Attempts.ends_at).where(Attempts.name == name)).first()
    if known is not None and known.tries >= limit and known.ends_at > now:
        ends: datetime = known.ends_at
        return ends
    insert: Any = postgresql_insert if is_postgresql() else sqlite_insert
    is_over = Attempts.ends_at <= now
    row = insert(Attempts).values(name=name, tries=1, ends_at=now + window)
    row = row.on_conflict_do_update(
        index_elements=["name"],
        set_={
            "tries": case((is_over, 1), else_=Attempts.tries + 1),
            "ends_at": case((is_over, row.excluded.ends_at), else_=Attempts.ends_at),
        },
    ).returning(Attempts.tries, Attempts.ends_at)
    with transaction() as writing:
        counted = writing.execute(row).one()
    return counted.ends_at if counted.tries > limit else None


def forget_attempts(name: str | None = None) -> int:
    """Forget those under a name, or all whose window is over; how many rows went."""
    with transaction() as writing:
        over = Attempts.ends_at <= clock.wall_now() if name is None else Attempts.name == name
        return writing.execute(delete(Attempts).where(over)).rowcount
