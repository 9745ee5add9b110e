"""`flask customers`."""

from __future__ import annotations

from pathlib import Path

import pytest
from flask import Flask

from billing import customers, stripe_customers
from tests.commands.conftest import Run, told
from tests.factories import make_grant
from tests.stripe_world import Shop, environ, sandbox, shop

__all__ = ["environ", "sandbox", "shop"]


@pytest.fixture
def ana(app: Flask) -> int:
    return customers.ensure_customer("user-1", "ana@example.com", "Ana")[0].account_id


def test_import_brings_in_once_and_tells_a_program(run: Run, app: Flask, tmp_path: Path) -> None:
    file = tmp_path / "customers.csv"
    file.write_text("id,email,balance\nuser-1,ana@example.com,12.5\nuser-2,,3\n")
    dry = told(run("customers", "import", str(file), "--dry-run", "--json"))
    assert dry == {
        **{"dry_run": True, "rows": 2, "created": 2, "granted": 2, "subscriptions": 0, "unchanged": 0},
        "credits": 15.5,
        "problems": [],
    }
    assert run("credits", "show", "user-1").exit_code == 2
    result = run("customers", "import", str(file))
    assert (result.exit_code, result.stdout.splitlines()[-1]) == (
        0,
        "2 rows: 2 new customers, 2 balances with 15.5 credits, 0 subscriptions, 0 unchanged",
    )
    assert told(run("customers", "import", str(file), "--json"))["unchanged"] == 2
    assert told(run("credits", "show", "user-1", "--json"))["balance"] == 12.5
    assert run("ledger", "audit").exit_code == 0


def test_import_names_each_line_that_is_wrong_and_exits_1(run: Run, app: Flask, tmp_path: Path) -> None:
    file = tmp_path / "customers.csv"
    file.write_text("id,email,balance\nuser-1,nobody,1\nuser-2,,lots\nuser-3,,1\n")
    result = run("customers", "import", str(file))
    assert result.exit_code == 1
    assert result.stdout.splitlines() == [
        "row 2: email: expected an address such as name@example.com",
        "row 3: balance: expected a number of credits from 0 up to 1000000000 with at most 6 decimal places",
        "2 problems; nothing was brought in",
    ]
    (first, second) = told(run("customers", "import", str(file), "--json"), 1)["problems"]
    assert (first["row"], first["field"], second["row"]) == (2, "email", 3)
    assert run("credits", "show", "user-3").exit_code == 2


def test_import_of_what_is_no_list_of_customers_exits_2(run: Run, app: Flask, tmp_path: Path) -> None:
    file = tmp_path / "customers.csv"
    file.write_text("name,email\nAna,ana@example.com\n")
    result = run("customers", "import", str(file))
    assert result.exit_code == 2
    assert result.stderr.startswith("could not: The first line names the columns")
    assert run("customers", "import", str(tmp_path / "none.csv")).exit_code == 2


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


def test_erase_tells_a_program(run: Run, ana: int) -> None:
    for _ in range(2):
        assert told(run("customers", "erase", "user-1", "--json")) == {
            "customer": "user-1",
            "erased": True,
            "erased_at_stripe": True,
        }


def test_erase_says_when_stripe_is_still_to_answer(shop: Shop) -> None:
    stripe_customers.ensure_stripe_customer(shop.customer("ada"))
    shop.sandbox.fault("401", path="/v1/customers")
    result = shop.app.test_cli_runner().invoke(args=["customers", "erase", "ada"])
    assert result.exit_code == 1
    assert result.stdout.endswith("Stripe did not answer; the worker asks again.\n")


def test_erase_of_nobody_exits_2(run: Run, app: Flask) -> None:
    result = run("customers", "erase", "user-2")
    assert (result.exit_code, result.stderr) == (2, "could not: there is no customer user-2\n")
