"""`flask ledger audit`: 0 clean, 1 violations, 2 could not finish; one line for each violation."""

from __future__ import annotations

from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import text

from billing import audit, self_test, spending
from billing import clock as business_time
from billing.db import db, transaction
from billing.money import MICRO
from billing.self_test.corruptions import CORRUPTIONS
from billing.spending import Order
from tests.commands.conftest import Run, told
from tests.conftest import Clock
from tests.factories import make_customer, make_grant


@pytest.fixture
def account(app: Flask) -> int:
    """A customer with some credits."""
    account_id = make_customer("ada")
    make_grant(account_id, 100)
    return account_id


def spoil(account: int) -> None:
    with transaction() as connection:
        connection.execute(text("UPDATE accounts SET balance = balance + 1 WHERE account_id = :id"), {"id": account})
    db.session.rollback()


def test_audit_of_right_books_exits_0(run: Run, account: int) -> None:
    result = run("ledger", "audit")
    assert (result.exit_code, result.stdout) == (0, "The books are right.\n")
    assert told(run("ledger", "audit", "--customer", "ada", "--json")) == {"violations": [], "warnings": []}


def test_audit_prints_one_line_for_each_violation_and_exits_1(run: Run, account: int) -> None:
    make_customer("ben")
    spoil(account)
    result = run("ledger", "audit")
    assert result.exit_code == 1
    first, last = result.stdout.splitlines()
    assert first.startswith("I05 user=ada account=balance expected=")
    assert last == "1 violations."
    (violation,) = told(run("ledger", "audit", "--json"), 1)["violations"]
    assert (violation["invariant"], violation["customer"]) == ("I05", "ada")
    assert run("ledger", "audit", "--customer", "ben").exit_code == 0


def test_audit_since_a_time_replays_only_what_has_moved(run: Run, account: int, clock: Clock) -> None:
    clock.advance(days=3)
    ben = make_customer("ben")
    make_grant(ben, 100)
    yesterday = (business_time.now() - timedelta(days=1)).isoformat()
    spoil(account)
    assert run("ledger", "audit").exit_code == 1
    assert run("ledger", "audit", "--since", yesterday).exit_code == 0, "nothing was written in these books since"
    spoil(ben)
    (violation,) = told(run("ledger", "audit", "--since", yesterday, "--json"), 1)["violations"]
    assert violation["customer"] == "ben"
    assert run("ledger", "audit", "--since", "2020-01-01", "--json").stdout.count('"I05"') == 2


def test_audit_since_a_time_sees_books_that_only_a_hold_has_moved(run: Run, account: int, clock: Clock) -> None:
    clock.advance(days=3)
    spending.place_hold(account, Order(amount=10 * MICRO), actor="app:shop")
    spoil(account)
    today = business_time.now().isoformat()
    assert run("ledger", "audit", "--since", today).exit_code == 1
    clock.advance(days=3)
    today = business_time.now().isoformat()
    assert run("ledger", "audit", "--since", today).exit_code == 0


def test_audit_since_a_time_checks_the_database_as_always(run: Run, account: int) -> None:
    with transaction() as connection:
        connection.execute(text("DROP INDEX uq_entries_source"))
    db.session.rollback()
    (violation,) = told(run("ledger", "audit", "--since", "2999-01-01", "--json"), 1)["violations"]
    assert violation["invariant"] == "I37"


def test_audit_since_a_time_reads_the_entries_of_no_other_books(run: Run, account: int, clock: Clock) -> None:
    clock.advance(days=3)
    ben = make_customer("ben")
    make_grant(ben, 100)
    yesterday = (business_time.now() - timedelta(days=1)).isoformat()

    def forget_what_was_spent(account_id: int) -> None:
        with transaction() as connection:
            spent = text("UPDATE accounts SET month_spent = 1 WHERE account_id = :id")
            connection.execute(spent, {"id": account_id})
        db.session.rollback()

    forget_what_was_spent(account)
    assert run("ledger", "audit").exit_code == 1
    assert run("ledger", "audit", "--since", yesterday).exit_code == 0
    forget_what_was_spent(ben)
    (violation,) = told(run("ledger", "audit", "--since", yesterday, "--json"), 1)["violations"]
    assert (violation["customer"], violation["where"]) == ("ben", "account=month_spent")


def test_audit_since_a_time_finds_a_key_that_old_books_know(run: Run, account: int, clock: Clock) -> None:
    make_grant(account, 5, source="promo:spring")
    clock.advance(days=3)
    ben = make_customer("ben")
    with transaction() as connection:
        connection.execute(text("DROP INDEX uq_entries_source"))
    make_grant(ben, 5, source="promo:spring")
    yesterday = (business_time.now() - timedelta(days=1)).isoformat()
    found = told(run("ledger", "audit", "--since", yesterday, "--json"), 1)["violations"]
    assert {each["invariant"] for each in found} == {"I15", "I37"}


def test_audit_since_a_time_is_of_everybody(run: Run, account: int) -> None:
    for more in (("--customer", "ada"), ("--self-test",)):
        assert run("ledger", "audit", "--since", "2026-01-01", *more).exit_code == 2
    assert run("ledger", "audit", "--since", "yesterday").exit_code == 2


def test_audit_that_cannot_finish_exits_2(run: Run, account: int) -> None:
    with transaction() as connection:
        connection.execute(text("ALTER TABLE uses RENAME TO gone"))
    db.session.rollback()
    result = run("ledger", "audit")
    assert result.exit_code == 2
    assert "SELECT" not in result.output


def test_audit_that_crashes_exits_2(run: Run, account: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audit, "check_books", lambda *arguments: 1 // 0)
    result = run("ledger", "audit")
    assert result.exit_code == 2
    assert "could not finish: ZeroDivisionError" in result.stderr


@pytest.fixture
def few_corruptions(monkeypatch: pytest.MonkeyPatch) -> int:
    """How many the self-test plants here, where it is asked how it answers, not whether it finds all."""
    few = [each for each in CORRUPTIONS if each.invariant in ("I05", "I27")]
    monkeypatch.setattr(self_test, "CORRUPTIONS", few)
    return len(few)


def test_self_test_finds_all_and_exits_0(run: Run, account: int, few_corruptions: int) -> None:
    report = told(run("ledger", "audit", "--self-test", "--json"))
    assert report["missed"] == []
    assert len(report["found"]) == few_corruptions


def test_self_test_that_misses_something_exits_1(
    run: Run, account: int, few_corruptions: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("billing.money_invariants.OF_ALL", ())
    result = run("ledger", "audit", "--self-test")
    assert result.exit_code == 1
    assert "MISSED: I27" in result.stdout
