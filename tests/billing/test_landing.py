"""Coming back from Stripe's page: what is shown, and what is booked there and then."""

from __future__ import annotations

import pytest

from billing import checkout, landing
from billing.errors import NotFound
from tests.stripe_world import Shop, environ, sandbox, shop

__all__ = ["environ", "sandbox", "shop"]


@pytest.fixture
def ada(shop: Shop) -> int:
    """A customer whose webhooks are late: nothing but the landing page books."""
    shop.online = False
    return shop.customer()


def test_books_a_pack_before_its_webhook__F021(shop: Shop, ada: int) -> None:
    started = checkout.start_pack_checkout(ada, "large", quantity=2, return_path="/usage")
    assert landing.look_at_return(ada, started.id).status == "open"
    shop.sandbox.pay(started.id)
    state = landing.look_at_return(ada, started.id)
    assert (state.status, state.kind, state.item, state.quantity) == ("paid", "pack", "large", 2)
    assert (state.credits, state.return_path) == (2300 * 1_000_000, "/usage")
    assert shop.entries(ada) == [2300]
    for event in shop.events("checkout.session.completed"):
        assert shop.status(event) == "done"
    assert shop.entries(ada) == [2300]


def test_asks_stripe_no_more_once_a_pack_is_booked(shop: Shop, ada: int) -> None:
    started = checkout.start_pack_checkout(ada, "small")
    shop.sandbox.pay(started.id)
    landing.look_at_return(ada, started.id)
    before = len(shop.sandbox.calls())
    assert landing.look_at_return(ada, started.id).status == "paid"
    assert len(shop.sandbox.calls()) == before


def test_books_a_plans_first_cycle_before_its_webhooks(shop: Shop, ada: int) -> None:
    started = checkout.start_plan_checkout(ada, "basic", "month")
    shop.sandbox.pay(started.id)
    for _ in range(3):
        assert landing.look_at_return(ada, started.id).status == "paid"
    assert shop.entries(ada) == [500]
    assert [view.status for view in shop.subscriptions(ada).values()] == ["active"]
    for event in shop.events():
        shop.status(event)
    assert shop.entries(ada) == [500]


@pytest.mark.parametrize(("outcome", "status", "credits"), [("succeeded", "paid", [100]), ("failed", "failed", [])])
def test_waits_for_a_delayed_payment__F105(shop: Shop, ada: int, outcome: str, status: str, credits: list[int]) -> None:
    started = checkout.start_pack_checkout(ada, "small")
    shop.sandbox.pay(started.id, with_="delayed")
    assert landing.look_at_return(ada, started.id).status == "pending"
    assert shop.entries(ada) == []
    shop.online = True
    for event in shop.events("checkout.session.completed"):
        assert shop.status(event) == "done"
    assert shop.entries(ada) == []
    shop.sandbox.settle(started.id, outcome)
    assert landing.look_at_return(ada, started.id).status == status
    assert shop.entries(ada) == credits


def test_says_that_nobody_paid(shop: Shop, ada: int) -> None:
    started = checkout.start_pack_checkout(ada, "small")
    shop.sandbox.client.v1.checkout.sessions.expire(started.id)
    assert landing.look_at_return(ada, started.id).status == "expired"


def test_shows_a_declined_card_as_still_open(shop: Shop, ada: int) -> None:
    started = checkout.start_plan_checkout(ada, "basic", "month")
    shop.sandbox.pay(started.id, with_="declined")
    assert landing.look_at_return(ada, started.id).status == "open"
    assert shop.entries(ada) == []


def test_says_what_it_knows_while_stripe_is_away(shop: Shop, ada: int) -> None:
    started = checkout.start_pack_checkout(ada, "small")
    shop.sandbox.pay(started.id)
    shop.sandbox.fault("401", times=5)
    assert landing.look_at_return(ada, started.id).status == "open"
    assert shop.entries(ada) == []
    shop.sandbox.control("faults", method="DELETE")
    assert landing.look_at_return(ada, started.id).status == "paid"


def test_hides_another_customers_session_and_claims_nothing_of_it__F140(shop: Shop, ada: int) -> None:
    bob = shop.customer("bob")
    started = checkout.start_pack_checkout(bob, "small")
    shop.sandbox.pay(started.id)
    before = len(shop.sandbox.calls())
    for session_id in (started.id, "cs_test_nobody", "", "x" * 500):
        with pytest.raises(NotFound):
            landing.look_at_return(ada, session_id)
    assert shop.entries(ada) == shop.entries(bob) == []
    assert len(shop.sandbox.calls()) == before
