"""`flask customers`."""

from __future__ import annotations

import pytest
from flask import Flask

from billing import customers
from billing.db import db
from tests.commands.conftest import Run, told
from tests.factories import make_grant


@pytest.fixture
def ana(app: Flask) -> int:
    return customers.ensure_customer("user-1", "ana@example.com", "Ana")[0].account_id


def test_erase_leaves_the_books_and_a_clean_audit(run: Run, ana: int) -> None:
    make_grant(ana, 40)
    before = told(run("credits", "show", "user-1", "--detailed", "--json"))
    result = run("customers", "erase", "user-1")
    assert result.exit_code == 0, result.output
    assert "user-1: personal data is erased" in result.stdout
    assert customers.get(ana).email is None
    after = told(run("credits", "show", "user-1", "--detailed", "--json"))
    assert after["balance"] == before["balance"]
    assert [entry["amount"] for entry in after["entries"]] == [entry["amount"] for entry in before["entries"]]
    assert run("ledger", "audit").exit_code == 0


def test_erase_tells_a_program_and_says_when_stripe_is_still_to_answer(run: Run, ana: int) -> None:
    assert told(run("customers", "erase", "user-1", "--json")) == {
        "customer": "user-1",
        "erased": True,
        "erased_at_stripe": True,
    }
    with db.engine.begin() as connection:
        connection.exec_driver_sql(
            "INSERT INTO stripe_customers (stripe_id, account_id, livemode, created_at)"
            f" SELECT 'cus_1', account_id, {'false' if connection.dialect.name == 'postgresql' else 0}, created_at"
            " FROM customers"
        )
    result = run("customers", "erase", "user-1", "--json")
    assert result.exit_code == 1
    assert '"erased_at_stripe":false' in result.stdout


def test_erase_of_nobody_exits_2(run: Run, app: Flask) -> None:
    result = run("customers", "erase", "user-2")
    assert (result.exit_code, result.stderr) == (2, "could not: there is no customer user-2\n")
