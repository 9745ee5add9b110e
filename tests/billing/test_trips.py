"""Several statements in one trip: all or nothing committed, the driver's errors, and a connection that stays usable."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest
from psycopg.pq import TransactionStatus

from billing.trips import MOST_PREPARED, Prepared, run
from tests.conftest import started
from tests.engines import Engine


@pytest.fixture(params=["postgresql"])
def engine(request: pytest.FixtureRequest, engines: dict[str, Engine]) -> Engine:
    """SQLite makes no trips."""
    return started(request.param, engines)


@pytest.fixture
def driver(database_url: str) -> Iterator[psycopg.Connection]:
    with psycopg.connect(database_url) as driver:
        driver.execute("CREATE TABLE things (id int PRIMARY KEY, name text)")
        driver.commit()
        yield driver


def count(driver: psycopg.Connection) -> int:
    row = driver.execute("SELECT count(*) FROM things").fetchone()
    driver.rollback()
    assert row is not None
    return int(row[0])


INSERT = "INSERT INTO things VALUES ($1::int, $2)"


def test_rows_come_back_by_statement(driver: psycopg.Connection) -> None:
    sent = [(INSERT, [1, "a"]), ("SELECT id, name FROM things", []), ("SELECT $1::int + 1", [41])]
    assert run(driver, Prepared(), sent) == [[], [(1, "a")], [(42,)]]
    assert driver.info.transaction_status == TransactionStatus.INTRANS
    driver.rollback()
    assert count(driver) == 0


def test_commit_travels_with_what_it_commits(driver: psycopg.Connection) -> None:
    run(driver, Prepared(), [(INSERT, [1, "a"])], commit=True)
    assert driver.info.transaction_status == TransactionStatus.IDLE
    driver.rollback()
    assert count(driver) == 1


def test_nothing_is_run_or_committed_after_what_failed(driver: psycopg.Connection) -> None:
    sent = [(INSERT, [1, "a"]), (INSERT, [1, "twin"]), (INSERT, [2, "b"])]
    with pytest.raises(psycopg.errors.UniqueViolation):
        run(driver, Prepared(), sent, commit=True)
    driver.rollback()
    assert count(driver) == 0


def test_statement_that_failed_before_is_prepared_anew(driver: psycopg.Connection) -> None:
    prepared = Prepared()
    for _ in range(2):
        with pytest.raises(psycopg.errors.DivisionByZero):
            run(driver, prepared, [("SELECT 1", []), ("SELECT 1 / $1::int", [0])])
        driver.rollback()
    assert run(driver, prepared, [("SELECT 1 / $1::int", [1])]) == [[(1,)]]


def test_statement_is_prepared_once_and_not_without_end(driver: psycopg.Connection) -> None:
    prepared = Prepared()
    for number in range(MOST_PREPARED + 20):
        for _ in range(2):
            assert run(driver, prepared, [(f"SELECT {number} + $1::int", [1])]) == [[(number + 1,)]]
    row = driver.execute("SELECT count(*) FROM pg_prepared_statements WHERE name LIKE 'saldo_%'").fetchone()
    assert row == (MOST_PREPARED,)


def test_connection_is_closed_when_an_answer_is_lost(driver: psycopg.Connection, database_url: str) -> None:
    with psycopg.connect(database_url, autocommit=True) as other:
        other.execute("SELECT pg_terminate_backend(%s)", [driver.info.backend_pid])
    with pytest.raises(psycopg.OperationalError):
        run(driver, Prepared(), [(INSERT, [1, "a"])], commit=True)
    assert driver.closed
    with pytest.raises(psycopg.OperationalError):
        run(driver, Prepared(), [("SELECT 1", [])])


def test_transaction_begins_as_the_connection_wants_it(driver: psycopg.Connection) -> None:
    prepared = Prepared()
    asked = [("SELECT current_setting('transaction_isolation'), current_setting('transaction_read_only')", [])]
    assert run(driver, prepared, asked) == [[("read committed", "off")]]
    driver.rollback()
    driver.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
    driver.read_only = True
    assert run(driver, prepared, asked) == [[("repeatable read", "on")]]
    driver.rollback()
    driver.isolation_level = driver.read_only = None
    driver.autocommit = True
    run(driver, prepared, asked)
    assert driver.info.transaction_status == TransactionStatus.IDLE
