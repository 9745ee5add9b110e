"""`flask credits`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from billing import customers, quotas, spending
from billing.money import MICRO
from billing.spending import Order
from tests.commands.conftest import Run, told
from tests.conftest import Clock
from tests.factories import use_catalog


@pytest.fixture
def ada(app: object) -> int:
    """A customer with the 60 credits of the default catalog."""
    customer, _ = customers.ensure_customer("ada")
    return customer.account_id


def test_adds_credits_exactly(run: Run, ada: int) -> None:
    added = told(run("credits", "add", "ada", "0.000001", "--description", "a crumb", "--json"))
    assert added["entry"]["amount"] == 0.000001
    assert added["balance"] == 60.000001
    result = run("credits", "add", "ada", "12.5", "--description", "gift", "--expires-at", "2099-01-01")
    assert (result.exit_code, "12.5 credits for ada" in result.output) == (0, True)
    shown = told(run("credits", "show", "ada", "--detailed", "--json"))
    assert shown["entries"][0]["description"] == "gift"
    assert {grant["expires_at"] for grant in shown["grants"]} == {None, "2099-01-01T00:00:00Z"}


@pytest.mark.parametrize("amount", ["0", "-5", "five", "1e3", "0.0000001", "1000000001", "NaN"])
def test_adds_no_amount_that_is_none(run: Run, ada: int, amount: str) -> None:
    assert run("credits", "add", "--description", "x", "--", "ada", amount).exit_code == 2
    assert told(run("credits", "show", "ada", "--json"))["balance"] == 60


@pytest.mark.parametrize("more", [("--description", " "), (), ("--description", "x", "--expires-at", "2020-01-01")])
def test_adds_nothing_without_a_reason_or_into_the_past(run: Run, ada: int, more: tuple[str, ...]) -> None:
    assert run("credits", "add", "ada", "5", *more).exit_code == 2


def test_shows_what_somebody_has(run: Run, ada: int) -> None:
    spending.place_hold(ada, Order(amount=10 * MICRO), actor="app:test")
    shown = told(run("credits", "show", "ada", "--json"))
    assert shown == {
        "customer": "ada",
        "available": 50,
        "balance": 60,
        "held": 10,
        "frozen": 0,
        "debt": 0,
        "entry_count": 1,
    }
    plain = run("credits", "show", "ada", "--detailed").output
    for words in ("available", "signup", "ends never", "CREDIT"):
        assert words in plain


MONTHLY = """
currency = "usd"
[free_plan]
monthly_refill = 20
quotas = { searches = 3, stories = 2 }
[quotas.searches]
name = "Searches"
period = "month"
[quotas.stories]
name = "Stories"
period = "lifetime"
[actions.search]
name = "Search"
cost = 0
quotas = ["searches", "stories"]
"""


def test_gives_refills_and_sets_monthly_quotas_back_for_everybody(
    run: Run, app: object, clock: Clock, tmp_path: Path
) -> None:
    use_catalog(tmp_path, MONTHLY)
    ada = customers.ensure_customer("ada")[0].account_id
    customers.ensure_customer("bob")
    clock.advance(days=32)
    spending.debit(ada, Order(action="search", quantity=2), actor="app:test")
    due = told(run("credits", "reset-monthly", "--dry-run", "--json"))
    assert due == {
        "dry_run": True,
        "refills": ["bob"],
        "quotas": [{"customer": "ada", "resource": "searches", "used": 2}],
    }
    assert {each.resource: each.used for each in quotas.list_quotas(ada)} == {"searches": 2, "stories": 2}
    assert "1 refills, 1 quotas" in run("credits", "reset-monthly").output
    assert {each.resource: each.used for each in quotas.list_quotas(ada)} == {"searches": 0, "stories": 2}
    assert told(run("credits", "show", "bob", "--json"))["balance"] == 20
    assert "0 refills, 0 quotas" in run("credits", "reset-monthly").output
    assert run("credits", "reset-quota", "ada", "kisses", "--reason", "x").exit_code == 2
    back = told(run("credits", "reset-quota", "ada", "stories", "--reason", "a present", "--json"))
    assert back == {"resource": "stories", "limit": 2, "used": 0, "period": "lifetime"}


def test_tells_what_enforcing_would_have_refused(run: Run, app: object, tmp_path: Path) -> None:
    use_catalog(tmp_path, MONTHLY.replace("cost = 0", 'cost = 2\nenforcement = "observe"'))
    ada = customers.ensure_customer("ada")[0].account_id
    assert run("credits", "refusals").output.strip() == "Nothing would have been refused."
    for quantity in (3, 11, 1):
        spending.debit(ada, Order(action="search", quantity=quantity), actor="app:test")
    result = run("credits", "refusals", "--json")
    assert result.exit_code == 1
    assert json.loads(result.output) == {
        "data": [{"action": "search", "reason": "quota", "calls": 3, "customers": 1, "amount": 30}]
    }
    assert "3 times, 1 customers, 30 credits" in run("credits", "refusals", "--since", "2020-01-01").output
    assert run("credits", "refusals", "--since", "2099-01-01").exit_code == 0
