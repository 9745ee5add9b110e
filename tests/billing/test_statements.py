"""Writes that are put off: seen by whoever asks next, refused or committed as one, and never left behind."""

from __future__ import annotations

from typing import Any, cast

import pytest
from sqlalchemy import Table, bindparam, event, func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.pool import Pool

from billing.clock import wall_now
from billing.db import connection, db, transaction
from billing.models import Customer
from billing.statements import Statement, insert_into, read, read_together, update_of, update_parameters, write_later

CUSTOMERS = cast(Table, Customer.__table__)
NAMED = Statement(select(Customer.account_id, Customer.created_at).where(Customer.public_id == bindparam("public_id")))

pytestmark = pytest.mark.usefixtures("database")


def row(account_id: int, public_id: str) -> dict[str, Any]:
    empty = dict.fromkeys(column.name for column in CUSTOMERS.columns)
    return empty | {
        "account_id": account_id,
        "public_id": public_id,
        "session_epoch": 0,
        "created_at": wall_now(),
    }


def count() -> int:
    return int(connection().scalar(select(func.count()).select_from(Customer)) or 0)


def test_write_put_off_is_seen_by_every_way_of_asking() -> None:
    with transaction() as open_connection:
        write_later(open_connection, insert_into(CUSTOMERS), [row(1, "ada")])
        assert open_connection.scalar(select(func.count()).select_from(Customer)) == 1
        write_later(open_connection, insert_into(CUSTOMERS), [row(2, "bob")])
        assert read(open_connection, NAMED, public_id="bob")[0]["account_id"] == 2
        write_later(open_connection, insert_into(CUSTOMERS), [row(3, "eve")])
        assert db.session.scalar(select(func.count()).select_from(Customer)) == 3
    assert count() == 3


def test_values_come_back_as_they_went_in() -> None:
    sent = row(1, "ada")
    with transaction() as open_connection:
        write_later(open_connection, insert_into(CUSTOMERS), [sent])
    found = read(connection(), NAMED, public_id="ada")
    assert found == [{"account_id": 1, "created_at": sent["created_at"]}]


def test_update_changes_the_named_columns_of_one_row() -> None:
    with transaction() as open_connection:
        write_later(open_connection, insert_into(CUSTOMERS), [row(1, "ada"), row(2, "bob")])
        renamed = row(1, "ada") | {"public_id": "ann"}
        changed = ("public_id",)
        write_later(open_connection, update_of(CUSTOMERS, changed), [update_parameters(CUSTOMERS, renamed, changed)])
    found = read_together(connection(), [(NAMED, {"public_id": name}) for name in ("ada", "ann", "bob")])
    assert [[each["account_id"] for each in rows] for rows in found] == [[], [1], [2]]


def test_many_rows_are_written_with_each_its_own_values() -> None:
    with transaction() as open_connection:
        write_later(
            open_connection, insert_into(CUSTOMERS), [row(number, f"user_{number}") for number in range(1, 121)]
        )
    found = read_together(connection(), [(NAMED, {"public_id": f"user_{number}"}) for number in (1, 50, 51, 120)])
    assert [[each["account_id"] for each in rows] for rows in found] == [[1], [50], [51], [120]]


def test_write_refused_at_the_end_undoes_all() -> None:
    with pytest.raises(IntegrityError), transaction() as open_connection:
        write_later(open_connection, insert_into(CUSTOMERS), [row(1, "ada"), row(2, "ada")])
    assert count() == 0


def test_write_put_off_is_forgotten_with_its_transaction() -> None:
    def give_up() -> None:
        with transaction() as open_connection:
            write_later(open_connection, insert_into(CUSTOMERS), [row(1, "ada")])
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        give_up()
    with transaction():
        pass
    assert count() == 0


def test_connection_goes_back_with_no_answer_outstanding() -> None:
    """Else another thread would take it in the middle of the trip."""
    waiting: list[bool] = []

    def look(dbapi_connection: Any, _record: Any) -> None:
        pgconn = getattr(dbapi_connection, "pgconn", None)
        waiting.append(pgconn is not None and pgconn.pipeline_status != 0)

    event.listen(Pool, "checkin", look)
    try:
        with transaction() as open_connection:
            write_later(open_connection, insert_into(CUSTOMERS), [row(1, "ada")])
    finally:
        event.remove(Pool, "checkin", look)
    assert waiting
    assert not any(waiting)


def test_row_changed_twice_ends_as_the_later_write_says() -> None:
    """One statement may not do both: it would see the row as it was before it, and change it once."""
    changed = ("public_id",)
    with transaction() as open_connection:
        write_later(open_connection, insert_into(CUSTOMERS), [row(1, "ada")])
        for name in ("ann", "amy"):
            parameters = update_parameters(CUSTOMERS, row(1, name), changed)
            write_later(open_connection, update_of(CUSTOMERS, changed), [parameters])
    assert [read(connection(), NAMED, public_id=name) != [] for name in ("ada", "ann", "amy")] == [False, False, True]
