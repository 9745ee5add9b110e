"""`flask ledger audit`: 0 clean, 1 violations, 2 could not finish; one line for each violation."""

from __future__ import annotations

import pytest
from flask import Flask
from sqlalchemy import text

from billing import audit
from billing.db import db, transaction
from billing.self_test.corruptions import CORRUPTIONS
from tests.commands.conftest import Run, told
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


def test_self_test_finds_all_and_exits_0(run: Run, account: int) -> None:
    report = told(run("ledger", "audit", "--self-test", "--json"))
    assert report["missed"] == []
    assert len(report["found"]) == len(CORRUPTIONS)


def test_self_test_that_misses_something_exits_1(run: Run, account: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("billing.money_invariants.OF_ALL", ())
    result = run("ledger", "audit", "--self-test")
    assert result.exit_code == 1
    assert "MISSED: I27" in result.stdout
