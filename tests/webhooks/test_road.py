"""The road of a payment through the door: bought at Stripe, told by webhook, granted once."""

from __future__ import annotations

from billing import checkout, subscriptions
from tests.stripe_world import Shop, environ, sandbox, shop

__all__ = ["environ", "sandbox", "shop"]


def test_grants_a_paid_pack(shop: Shop) -> None:
    ada = shop.customer()
    started = checkout.start_pack_checkout(ada, "large", quantity=2)
    shop.sandbox.pay(started.id)
    assert shop.entries(ada) == [2300]
    assert set(shop.statuses) == {200}


def test_grants_a_plan_and_its_renewal__F095(shop: Shop) -> None:
    ada = shop.customer()
    started = checkout.start_plan_checkout(ada, "basic", "month")
    shop.sandbox.pay(started.id)
    assert shop.entries(ada, "cycle") == [500]
    assert subscriptions.current_plan(ada).plan == "basic"
    shop.sandbox.advance(days=31)
    assert shop.entries(ada, "cycle") == [500, 500]
    assert shop.balance(ada) == 500
    assert set(shop.statuses) == {200}
