"""Keys of apps: when their use is noted, what that costs, and who made them."""

from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine
from sqlalchemy import event, select, text

from billing import api_keys, clock, remembered
from billing.db import connection, db, is_postgresql, transaction
from billing.models import AuditRecord

pytestmark = pytest.mark.usefixtures("database")


def _use(secret: str, times: int = 1) -> list[str]:
    """The writing statements that so many uses of a key cost."""
    statements: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        statements.append(statement)

    event.listen(db.engine, "before_cursor_execute", note)
    try:
        for _ in range(times):
            db.session.rollback()
            assert api_keys.authenticate(secret)
    finally:
        event.remove(db.engine, "before_cursor_execute", note)
    return [each for each in statements if each.startswith("UPDATE")]


def test_use_is_written_down_once_in_ten_minutes() -> None:
    """To note each request would make every read a write."""
    secret = api_keys.create_key("studio", ["credits:read"]).secret
    assert len(_use(secret, times=50)) == 1
    first = api_keys.list_keys()[0].last_used_at
    assert first is not None
    remembered.configure()
    with time_machine.travel(first + api_keys.USE_NOTED_EVERY - timedelta(seconds=1)):
        assert _use(secret, times=3) == []
    remembered.configure()
    with time_machine.travel(first + api_keys.USE_NOTED_EVERY):
        assert len(_use(secret, times=3)) == 1
    assert api_keys.list_keys()[0].last_used_at == first + api_keys.USE_NOTED_EVERY


def test_app_gets_in_while_the_database_only_reads() -> None:
    """A standby that takes over reads, or a full disk, costs the note and not the answer."""
    secret = api_keys.create_key("studio", ["credits:read"]).secret
    readonly = "SET default_transaction_read_only = on" if is_postgresql() else "PRAGMA query_only = ON"
    connection().execute(text(readonly))
    db.session.commit()
    with pytest.raises(Exception, match="read"), transaction() as writing:
        writing.execute(text("UPDATE api_keys SET app = 'x'"))
    assert api_keys.authenticate(secret)
    assert api_keys.list_keys()[0].last_used_at is None


def test_who_made_and_ended_a_key_is_written_down() -> None:
    first = api_keys.create_key("studio", ["credits:read"], actor="staff:1").key
    second = api_keys.rotate_key("studio", actor="staff:2").key
    for _ in range(2):
        api_keys.revoke_key(first.id)
    rows = db.session.scalars(select(AuditRecord).order_by(AuditRecord.id)).all()
    assert [(row.actor, row.action, row.subject) for row in rows] == [
        ("staff:1", "key.create", first.id),
        ("staff:2", "key.rotate", second.id),
        ("operator", "key.revoke", first.id),
    ]


def test_key_in_its_last_day_is_ended_at_once_by_revoking() -> None:
    issued = api_keys.create_key("studio", ["credits:read"])
    api_keys.rotate_key("studio")
    assert api_keys.authenticate(issued.secret), "for a day more"
    ended = api_keys.revoke_key(issued.key.id)
    assert ended.revoked_at is not None
    assert ended.revoked_at <= clock.wall_now()
    assert api_keys.authenticate(issued.secret) is None
