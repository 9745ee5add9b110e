"""`flask staff` and `flask seed`: who can sign in."""

from __future__ import annotations

from flask import Flask

from app import create_app
from billing import accounts, api_keys, customers, staff_accounts
from billing.db import db
from billing.money import MICRO
from config import load_settings
from tests.commands.conftest import Run, told


def test_prints_a_link_of_the_public_address(run: Run, app: Flask) -> None:
    added = told(run("staff", "add", "Sam@Example.com", "--role", "support", "--json"))
    assert (added["email"], added["role"]) == ("sam@example.com", "support")
    home = app.config["SETTINGS"].public_url
    path = added["setup_url"].removeprefix(home)
    assert path.startswith("/staff/setup/")
    assert app.test_client().get(path).status_code == 200
    assert (
        run("staff", "add", "sam@example.com", "--role", "support")
        .stdout.splitlines()[-1]
        .startswith(f"{home}/staff/setup/")
    )


def test_knows_three_roles(run: Run) -> None:
    assert run("staff", "add", "sam@example.com", "--role", "king").exit_code == 2


def test_disables(run: Run) -> None:
    run("staff", "add", "sam@example.com", "--role", "support")
    assert told(run("staff", "disable", "sam@example.com", "--json"))["disabled"] is True


def test_seeds_a_demo_that_works(run: Run) -> None:
    seeded = told(run("seed", "--json"))
    customer = customers.authenticate(**seeded["customer"])
    assert customer is not None
    assert accounts.read_balance(customer.account_id).balance == 60 * MICRO
    staff = staff_accounts.authenticate(**seeded["staff"])
    assert staff is not None
    assert staff.role == "admin"
    key = api_keys.authenticate(seeded["api_key"])
    assert key is not None
    assert key.scopes == api_keys.SCOPES


def test_seeds_once(run: Run) -> None:
    first, second = told(run("seed", "--json")), told(run("seed", "--json"))
    assert second == {**first, "api_key": None}
    assert len(api_keys.list_keys()) == 1
    customer = customers.authenticate(**first["customer"])
    assert customer is not None
    assert accounts.read_balance(customer.account_id).entry_count == 1


def test_tells_no_password_that_somebody_has_changed(run: Run) -> None:
    seeded = told(run("seed", "--json"))
    customer = customers.authenticate(**seeded["customer"])
    assert customer is not None
    customers.change_password(customer.account_id, "a password of my own")
    assert told(run("seed", "--json"))["customer"]["password"] is None


def test_seeds_no_demo_beside_real_money(environ: dict[str, str]) -> None:
    live = environ | {"STRIPE_SECRET_KEY": "sk_live_x", "PUBLIC_URL": "https://saldo.example.com"}
    del live["STRIPE_API_BASE"], live["TEST_CLOCK_FILE"]
    app = create_app(load_settings(live))
    with app.app_context():
        result = app.test_cli_runner().invoke(args=["seed"])
        db.engine.dispose()
    assert result.exit_code == 2
    assert "live" in result.stderr
