"""Apps change their customers and see them in a few figures."""

from __future__ import annotations

import pytest

from billing import adjustments, checkout
from billing.db import db
from billing.money import MICRO
from tests.api.conftest import Caller, exact, problem
from tests.conftest import Clock
from tests.stripe_world import Shop


def test_change_sets_what_is_named_and_nothing_else(biller: Caller, shop: Shop) -> None:
    shop.customer("ada")
    changed = exact(biller.call("PATCH", "/customers/ada", json={"name": "Ada L.", "locale": "es"}))
    assert (changed["name"], changed["locale"], changed["email"]) == ("Ada L.", "es", "ada@example.com")
    assert changed == exact(biller.get("/customers/ada"))
    taken_away = exact(biller.call("PATCH", "/customers/ada", json={"email": None, "locale": None}))
    assert (taken_away["name"], taken_away["locale"], taken_away["email"]) == ("Ada L.", None, None)


def test_change_sets_and_lifts_the_spending_limit(biller: Caller, shop: Shop) -> None:
    shop.customer("ada")
    for limit in (20, 0, None):
        changed = exact(biller.call("PATCH", "/customers/ada", json={"monthly_limit": limit}))
        assert changed["monthly_limit"] == changed["balance"]["month"]["limit"] == limit
    assert exact(biller.call("PATCH", "/customers/ada", json={}))["monthly_limit"] is None


@pytest.mark.parametrize("field", ["id", "plan", "balance", "created_at", "login_email", "account_id"])
def test_change_takes_no_other_field(biller: Caller, shop: Shop, field: str) -> None:
    shop.customer("ada")
    assert problem(biller.call("PATCH", "/customers/ada", json={field: "x"})) == (422, "invalid")


def test_stats_count_what_was_used_and_not_what_expired(reader: Caller, shop: Shop, clock: Clock) -> None:
    account_id = shop.customer("ada")
    empty = exact(reader.get("/customers/ada/stats"))
    assert empty == {
        "available": 0,
        "purchased_total": 0,
        "consumed_total": 0,
        "last_purchase_at": None,
        "last_debit_at": None,
        "entry_count": 0,
    }
    shop.sandbox.pay(checkout.start_pack_checkout(account_id, "small").id)
    shop.sandbox.flush()
    adjustments.grant_credits(account_id, 5 * MICRO, "gift", "operator")
    clock.advance(days=366)
    db.session.rollback()
    stats = exact(reader.get("/customers/ada/stats"))
    assert (stats["available"], stats["purchased_total"], stats["consumed_total"]) == (5, 100, 0)
    assert stats["entry_count"] == 3
    assert stats["last_purchase_at"]
    assert stats["last_debit_at"] is None
