"""Subscriptions follow Stripe and never go back; access follows what is paid."""

from __future__ import annotations

import copy
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from billing import (
    catalog,
    catalog_sync,
    checkout,
    prices,
    stripe_customers,
    stripe_gateway,
    subscriptions,
)
from billing.db import db
from billing.errors import Conflict, NotFound, StripeUnavailable
from billing.stripe_facts import SubscriptionFacts
from billing.stripe_gateway import InvalidReturnPath
from billing.subscriptions import Overtaken, SubscriptionView
from tests.stripe_world import Shop, environ, sample, sandbox, shop

__all__ = ["environ", "sandbox", "shop"]


def bought(shop: Shop, account_id: int, plan: str = "basic", interval: str = "month") -> SubscriptionView:
    shop.sandbox.pay(checkout.start_plan_checkout(account_id, plan, interval).id)
    return only(shop, account_id)


def only(shop: Shop, account_id: int) -> SubscriptionView:
    (view,) = shop.subscriptions(account_id).values()
    return view


def followed(shop: Shop, account_id: int, influencer: str, tier: str = "basic") -> SubscriptionView:
    shop.sandbox.pay(checkout.start_influencer_checkout(account_id, influencer, tier).id)
    return next(v for v in shop.subscriptions(account_id).values() if v.influencer == influencer)


def at_stripe(stripe_id: str) -> SubscriptionFacts:
    return stripe_gateway.current().retrieve_subscription(stripe_id)


def test_shows_a_plan_with_its_next_charge(shop: Shop) -> None:
    view = bought(shop, shop.customer())
    assert (view.kind, view.plan, view.influencer, view.interval) == ("plan", "basic", None, "month")
    assert (view.status, view.quantity, view.past_due, view.flagged) == ("active", 1, False, None)
    assert (view.next_charge_minor, view.currency) == (1500, "usd")
    assert view.paid_until == view.current_period_end


def test_is_on_the_free_plan_without_a_subscription(shop: Shop) -> None:
    state = subscriptions.current_plan(shop.customer())
    assert (state.plan, state.subscription, state.past_due) == ("free", None, False)


def test_keeps_everything_until_the_period_ends_when_cancelled__F106(shop: Shop) -> None:
    ada = shop.customer()
    view = bought(shop, ada)
    cancelled = subscriptions.cancel_subscription(ada, view.id)
    assert cancelled.cancel_at == view.current_period_end
    assert cancelled.next_charge_minor is None
    shop.sandbox.advance(days=27)
    assert subscriptions.current_plan(ada).plan == "basic"
    assert shop.balance(ada) == 500
    shop.sandbox.advance(days=5)
    assert only(shop, ada).status == "canceled"
    assert subscriptions.current_plan(ada).plan == "free"
    assert shop.entries(ada, "cycle") == [500]
    assert shop.balance(ada) == 0


def test_goes_on_when_a_cancel_is_undone(shop: Shop) -> None:
    ada = shop.customer()
    view = bought(shop, ada)
    subscriptions.cancel_subscription(ada, view.id)
    resumed = subscriptions.resume_subscription(ada, view.id)
    assert (resumed.cancel_at, resumed.next_charge_minor) == (None, 1500)
    shop.sandbox.advance(days=32)
    assert only(shop, ada).status == "active"
    assert shop.entries(ada, "cycle") == [500, 500]


def test_cancels_resumes_and_cancels_again_within_a_day(shop: Shop) -> None:
    ada = shop.customer()
    view = bought(shop, ada)
    for _ in range(2):
        assert subscriptions.cancel_subscription(ada, view.id).cancel_at is not None
        assert at_stripe(view.stripe_id).cancel_at is not None
        assert subscriptions.resume_subscription(ada, view.id).cancel_at is None
        assert at_stripe(view.stripe_id).cancel_at is None


def test_resumes_what_was_given_a_date_to_end_in_the_portal(shop: Shop) -> None:
    ada = shop.customer()
    view = bought(shop, ada)
    ends = int((view.current_period_end - timedelta(days=2)).timestamp())
    shop.sandbox.client.v1.subscriptions.update(view.stripe_id, {"cancel_at": ends})
    assert only(shop, ada).cancel_at is not None
    assert subscriptions.resume_subscription(ada, view.id).cancel_at is None


def test_changes_nothing_when_asked_twice(shop: Shop) -> None:
    ada = shop.customer()
    view = bought(shop, ada)
    assert subscriptions.resume_subscription(ada, view.id) == view
    once = subscriptions.cancel_subscription(ada, view.id)
    before = len(shop.sandbox.calls("POST"))
    assert subscriptions.cancel_subscription(ada, view.id) == once
    assert len(shop.sandbox.calls("POST")) == before


def test_cancels_at_once_and_takes_nothing(shop: Shop) -> None:
    ada = shop.customer()
    view = bought(shop, ada)
    assert subscriptions.cancel_subscription(ada, view.id, now=True).status == "canceled"
    assert subscriptions.current_plan(ada).plan == "free"
    assert shop.balance(ada) == 500
    for change in (subscriptions.cancel_subscription, subscriptions.resume_subscription):
        with pytest.raises(Conflict):
            change(ada, view.id)


def test_tells_nobody_of_anothers_subscription__F124(shop: Shop) -> None:
    view = bought(shop, shop.customer())
    bob = shop.customer("bob")
    assert shop.subscriptions(bob) == {}
    for call in (
        subscriptions.get_subscription,
        subscriptions.cancel_subscription,
        subscriptions.resume_subscription,
    ):
        for unknown in (view.id, view.stripe_id, "sn_nobody"):
            with pytest.raises(NotFound):
                call(bob, unknown)


def test_learns_how_things_stand_when_stripe_refuses_a_change(shop: Shop) -> None:
    ada = shop.customer()
    view = bought(shop, ada)
    shop.online = False
    shop.sandbox.client.v1.subscriptions.cancel(view.stripe_id)
    with pytest.raises(Conflict):
        subscriptions.cancel_subscription(ada, view.id)
    assert only(shop, ada).status == "canceled"


def test_changes_nothing_here_while_stripe_is_away(shop: Shop) -> None:
    ada = shop.customer()
    view = bought(shop, ada)
    shop.sandbox.fault("401", method="POST", path="/v1/subscriptions")
    with pytest.raises(StripeUnavailable):
        subscriptions.cancel_subscription(ada, view.id)
    assert only(shop, ada) == view


def test_stays_ended_whatever_is_told_later(shop: Shop) -> None:
    ada = shop.customer()
    view = bought(shop, ada)
    before = at_stripe(view.stripe_id)
    subscriptions.cancel_subscription(ada, view.id, now=True)
    assert subscriptions.sync_subscription(before) == "stale"
    assert only(shop, ada).status == "canceled"


def test_never_moves_a_period_back(shop: Shop) -> None:
    ada = shop.customer()
    view = bought(shop, ada)
    first = at_stripe(view.stripe_id)
    shop.sandbox.advance(days=32)
    assert subscriptions.sync_subscription(first) == "stale"
    assert only(shop, ada).current_period_end > view.current_period_end
    assert subscriptions.sync_subscription(at_stripe(view.stripe_id)) == "duplicate"


def test_asks_again_when_somebody_wrote_a_newer_answer_meanwhile(shop: Shop) -> None:
    ada = shop.customer()
    view = bought(shop, ada)
    asked_at, old = subscriptions.state_of(view.stripe_id), at_stripe(view.stripe_id)
    subscriptions.cancel_subscription(ada, view.id)
    with pytest.raises(Overtaken):
        subscriptions.sync_subscription(old, asked_at=asked_at)
    assert only(shop, ada).cancel_at is not None


def test_knows_whose_it_is_by_the_customer_and_never_by_metadata(shop: Shop) -> None:
    ada = shop.customer()
    view = bought(shop, ada)
    forged = replace(
        at_stripe(view.stripe_id), id="sub_forged", customer="cus_forged", metadata={"saldo_customer": "ada"}
    )
    assert subscriptions.sync_subscription(forged) == "foreign"
    assert len(shop.subscriptions(ada)) == 1


def test_parks_a_price_of_ours_that_is_missing_and_ignores_others(shop: Shop) -> None:
    ada = shop.customer()
    facts = at_stripe(bought(shop, ada).stripe_id)
    missing = replace(facts, id="sub_2", price="price_unknown")
    assert subscriptions.sync_subscription(missing).startswith("parked: price price_unknown")
    assert subscriptions.sync_subscription(replace(missing, product="prod_other")) == "foreign"


def test_grants_nothing_for_a_payment_that_never_came__F104(shop: Shop) -> None:
    ada = shop.customer()
    facts = at_stripe(bought(shop, ada).stripe_id)
    bob = shop.customer("bob")
    checkout.start_pack_checkout(bob, "small")
    customer = stripe_customers.live_link(bob)
    assert customer is not None
    never = replace(facts, id="sub_never", customer=customer, status="incomplete")
    assert subscriptions.sync_subscription(never) == "done"
    assert subscriptions.current_plan(bob).plan == "free"
    assert subscriptions.sync_subscription(replace(never, status="incomplete_expired")) == "done"
    assert only(shop, bob).status == "incomplete_expired"
    assert shop.entries(bob) == []
    checkout.start_plan_checkout(bob, "basic", "month")


def test_keeps_old_credits_and_shows_past_due_until_paid__F103(shop: Shop) -> None:
    ada = shop.customer()
    view = bought(shop, ada)
    customer = at_stripe(view.stripe_id).customer
    shop.sandbox.control(f"customers/{customer}/card", {"behaviour": "decline"})
    shop.sandbox.advance(days=31)
    db.session.rollback()
    state = subscriptions.current_plan(ada)
    assert (state.plan, state.past_due) == ("basic", True)
    assert shop.entries(ada) == [500]
    shop.sandbox.control(f"customers/{customer}/card", {"behaviour": "ok"})
    shop.sandbox.advance(days=3)
    assert shop.entries(ada, "cycle") == [500, 500]
    db.session.rollback()
    assert not subscriptions.current_plan(ada).past_due


def test_grants_an_old_price_its_own_credits_at_its_renewal__F110(shop: Shop) -> None:
    ada = shop.customer()
    bought(shop, ada)
    now = catalog.current()
    plan = replace(now.plan("basic"), credits=700 * 1_000_000)
    catalog.configure(replace(now, plans={**now.plans, "basic": plan}))
    assert "plan:basic:month" in catalog_sync.sync_catalog().replaced
    shop.sandbox.advance(days=32)
    assert shop.entries(ada, "cycle") == [500, 500]
    bob = shop.customer("bob")
    bought(shop, bob)
    assert shop.entries(bob, "cycle") == [700]


def test_gives_access_to_each_influencer_by_itself__F116(shop: Shop) -> None:
    ada = shop.customer()
    luna = followed(shop, ada, "luna", "gold")
    followed(shop, ada, "nico")
    access = subscriptions.access_to(ada, "luna")
    assert (access.access, access.tier) == (True, "gold")
    assert access.until == luna.current_period_end + timedelta(days=3)
    subscriptions.cancel_subscription(ada, luna.id)
    assert subscriptions.access_to(ada, "luna") == access
    shop.sandbox.advance(days=36)
    db.session.rollback()
    assert subscriptions.access_to(ada, "luna") == subscriptions.Access(False, None, None)
    assert subscriptions.access_to(ada, "nico").access
    assert not subscriptions.access_to(shop.customer("bob"), "nico").access


def test_gives_no_plan_credits_for_an_influencer__F122(shop: Shop) -> None:
    ada = shop.customer()
    followed(shop, ada, "luna")
    assert shop.entries(ada) == [50]
    assert subscriptions.current_plan(ada).plan == "free"


def test_ends_access_at_once_with_a_full_refund(shop: Shop) -> None:
    ada = shop.customer()
    followed(shop, ada, "luna")
    (paid,) = shop.events("invoice_payment.paid")
    intent = paid["data"]["object"]["payment"]["payment_intent"]
    shop.sandbox.control("refunds", {"payment_intent": intent, "amount": 100})
    shop.sandbox.flush()
    db.session.rollback()
    assert subscriptions.access_to(ada, "luna").access
    shop.sandbox.control("refunds", {"payment_intent": intent})
    shop.sandbox.flush()
    db.session.rollback()
    assert not subscriptions.access_to(ada, "luna").access


def test_opens_the_portal_that_the_sync_made(shop: Shop) -> None:
    ada = shop.customer()
    url = subscriptions.open_portal(ada, "/subscriptions")
    assert url.startswith(shop.sandbox.base_url)
    (call,) = shop.sandbox.calls("POST", "/v1/billing_portal/sessions")
    assert call["params"]["return_url"] == "http://127.0.0.1:8000/subscriptions"
    assert "configuration" in call["params"]
    with pytest.raises(InvalidReturnPath):
        subscriptions.open_portal(ada, "//evil.test")


def test_sees_an_event_of_a_subscription_only_after_reading_it_again(shop: Shop) -> None:
    """The snapshot says cancelled; Stripe, asked again, says it goes on."""
    ada = shop.customer()
    view = bought(shop, ada)
    (event,) = shop.events("customer.subscription.created")
    stale: dict[str, Any] = copy.deepcopy(event)
    stale |= {"id": "evt_stale", "type": "customer.subscription.updated"}
    stale["data"]["object"]["cancel_at_period_end"] = True
    assert shop.status(stale) == "done"
    assert only(shop, ada) == view


def test_takes_the_snapshot_where_stripe_does_not_know_the_subscription(shop: Shop) -> None:
    ada = shop.customer()
    checkout.start_pack_checkout(ada, "small")
    customer, price = stripe_customers.live_link(ada), prices.active_price("plan:basic:month").stripe_id
    told = sample("customer.subscription.created", customer=customer)
    told["data"]["object"]["items"]["data"][0]["price"]["id"] = price
    assert shop.status(told) == "done"
    assert only(shop, ada).status == "active"
    assert shop.entries(ada) == []
