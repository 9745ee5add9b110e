"""One wish, one session: for the right customer, at the right price, back to our own pages."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from sqlalchemy import select, update

from billing import catalog_sync, checkout, prices, subscriptions
from billing.db import db, transaction
from billing.errors import (
    AlreadySubscribed,
    Conflict,
    InfluencerUnavailable,
    InvalidAmount,
    NotFound,
    PriceNotSynced,
    SaldoError,
    StripeUnavailable,
)
from billing.models import Checkout, Customer, Price, StripeCustomer
from billing.stripe_gateway import InvalidReturnPath
from tests.stripe_world import Shop, count, environ, sandbox, shop

__all__ = ["environ", "sandbox", "shop"]


def session(shop: Shop, session_id: str) -> Any:
    return shop.sandbox.client.v1.checkout.sessions.retrieve(session_id).to_dict()


def sessions(shop: Shop) -> list[Any]:
    return shop.sandbox.client.v1.checkout.sessions.list().data


def creations(shop: Shop) -> list[Any]:
    return shop.sandbox.calls("POST", "/v1/checkout/sessions")


def record(session_id: str) -> Checkout:
    db.session.rollback()
    return db.session.scalars(select(Checkout).where(Checkout.session_id == session_id)).one()


def test_sells_a_plan_as_the_contract_says(shop: Shop) -> None:
    ada = shop.customer()
    started = checkout.start_plan_checkout(ada, "basic", "month", return_path="/balance")
    made = session(shop, started.id)
    mine = {"saldo_customer": "ada", "saldo_plan": "basic", "saldo_interval": "month"}
    assert made["mode"] == "subscription"
    assert made["client_reference_id"] == "ada"
    assert {name: made["metadata"][name] for name in mine} == mine
    assert made["customer"] == db.session.scalars(select(StripeCustomer.stripe_id)).one()
    assert made["success_url"] == "http://127.0.0.1:8000/checkout/return?session_id={CHECKOUT_SESSION_ID}"
    assert made["cancel_url"] == "http://127.0.0.1:8000/plans?checkout=cancelled"
    assert (started.url, started.expires_at.timestamp()) == (made["url"], made["expires_at"])
    assert (record(started.id).return_path, record(started.id).status) == ("/balance", "open")
    shop.sandbox.pay(started.id)
    (view,) = shop.subscriptions(ada).values()
    subscription = shop.sandbox.client.v1.subscriptions.retrieve(view.stripe_id)
    assert subscription.metadata.to_dict() == mine


def test_sells_packs_and_influencers_as_the_contract_says(shop: Shop) -> None:
    ada = shop.customer()
    pack = session(shop, checkout.start_pack_checkout(ada, "small", quantity=3).id)
    assert (pack["mode"], pack["amount_total"]) == ("payment", 3 * 499)
    assert pack["metadata"].items() >= {"saldo_customer": "ada", "saldo_pack": "small"}.items()
    luna = session(shop, checkout.start_influencer_checkout(ada, "luna", "basic").id)
    assert luna["mode"] == "subscription"
    words = {"saldo_customer": "ada", "saldo_influencer": "luna", "saldo_tier": "basic"}
    assert luna["metadata"].items() >= words.items()
    assert luna["cancel_url"] == "http://127.0.0.1:8000/influencers/luna?checkout=cancelled"
    assert pack["customer"] == luna["customer"]


def test_speaks_the_customers_language(shop: Shop) -> None:
    ada = shop.customer()
    with transaction():
        db.session.get_one(Customer, ada).locale = "es_MX"
    assert session(shop, checkout.start_pack_checkout(ada, "small").id)["locale"] == "es"
    bob = shop.customer("bob")
    assert session(shop, checkout.start_pack_checkout(bob, "small").id)["locale"] == "auto"


def test_returns_the_same_open_session_again__F107(shop: Shop) -> None:
    ada = shop.customer()
    first = checkout.start_plan_checkout(ada, "basic", "month")
    assert checkout.start_plan_checkout(ada, "basic", "month") == first
    assert len(creations(shop)) == 1


def test_makes_one_session_and_one_customer_when_clicked_eight_times_at_once__F107(shop: Shop) -> None:
    ada = shop.customer()
    app: Any = shop.app

    def click(_: int) -> str:
        with app.app_context():
            try:
                return checkout.start_plan_checkout(ada, "basic", "month").id
            except SaldoError as error:
                return type(error).__name__
            finally:
                db.session.remove()

    with ThreadPoolExecutor(8) as threads:
        answers = set(threads.map(click, range(8)))
    assert len(sessions(shop)) == 1
    assert sessions(shop)[0].id in answers
    assert answers <= {sessions(shop)[0].id, "StripeUnavailable", "Conflict"}
    assert count(StripeCustomer) == 1
    assert len(shop.sandbox.client.v1.customers.list().data) == 1


def test_closes_the_open_session_of_another_plan(shop: Shop) -> None:
    ada = shop.customer()
    basic = checkout.start_plan_checkout(ada, "basic", "month")
    premium = checkout.start_plan_checkout(ada, "premium", "month")
    assert session(shop, basic.id)["status"] == "expired"
    assert record(basic.id).status == "expired"
    assert session(shop, premium.id)["status"] == "open"


def test_keeps_open_sessions_of_other_things(shop: Shop) -> None:
    ada = shop.customer()
    started = [
        checkout.start_plan_checkout(ada, "basic", "month"),
        checkout.start_pack_checkout(ada, "small"),
        checkout.start_pack_checkout(ada, "small", quantity=2),
        checkout.start_influencer_checkout(ada, "luna", "basic"),
        checkout.start_influencer_checkout(ada, "nico", "basic"),
    ]
    assert {session(shop, each.id)["status"] for each in started} == {"open"}
    assert len({each.id for each in started}) == 5


def test_refuses_a_second_plan_before_stripe_is_called(shop: Shop) -> None:
    ada = shop.customer()
    shop.sandbox.pay(checkout.start_plan_checkout(ada, "basic", "month").id)
    before = len(shop.sandbox.calls())
    for plan, interval in (("basic", "month"), ("basic", "year"), ("premium", "month")):
        with pytest.raises(AlreadySubscribed):
            checkout.start_plan_checkout(ada, plan, interval)
    assert len(shop.sandbox.calls()) == before


def test_refuses_the_same_influencer_again_and_lets_another_be__F117(shop: Shop) -> None:
    ada = shop.customer()
    shop.sandbox.pay(checkout.start_influencer_checkout(ada, "luna", "basic").id)
    before = len(creations(shop))
    for tier in ("basic", "gold"):
        with pytest.raises(AlreadySubscribed):
            checkout.start_influencer_checkout(ada, "luna", tier)
    assert len(creations(shop)) == before
    checkout.start_influencer_checkout(ada, "nico", "basic")


@pytest.mark.parametrize("again", ["basic", "premium"])
def test_refuses_a_second_plan_while_the_first_ones_webhook_is_late(shop: Shop, again: str) -> None:
    ada = shop.customer()
    started = checkout.start_plan_checkout(ada, "basic", "month")
    shop.online = False
    shop.sandbox.pay(started.id)
    with pytest.raises(AlreadySubscribed):
        checkout.start_plan_checkout(ada, again, "month")
    assert len(creations(shop)) == (1 if again == "basic" else 2)  # the second asked Stripe to close the first


def test_flags_the_second_of_two_plans_that_were_both_paid__F107(shop: Shop) -> None:
    ada = shop.customer()
    first = checkout.start_plan_checkout(ada, "basic", "month")
    with transaction() as connection:  # as if two servers had not seen each other's record
        connection.execute(update(Checkout).where(Checkout.session_id == first.id).values(status="failed"))
    second = checkout.start_plan_checkout(ada, "premium", "month")
    shop.sandbox.pay(first.id)
    shop.sandbox.advance(seconds=10)
    shop.sandbox.pay(second.id)
    flags = {view.plan: view.flagged for view in shop.subscriptions(ada).values()}
    assert flags == {"basic": None, "premium": subscriptions.SECOND_PLAN}
    assert subscriptions.current_plan(ada).plan == "basic"
    assert shop.entries(ada) == [500, 1200]


def test_buys_a_pack_again_while_the_first_ones_webhook_is_late(shop: Shop) -> None:
    ada = shop.customer()
    first = checkout.start_pack_checkout(ada, "small")
    shop.online = False
    shop.sandbox.pay(first.id)
    second = checkout.start_pack_checkout(ada, "small")
    assert second.id != first.id
    assert session(shop, second.id)["status"] == "open"


def test_makes_a_new_session_when_the_old_one_has_ended(shop: Shop) -> None:
    ada = shop.customer()
    first = checkout.start_plan_checkout(ada, "basic", "month")
    shop.online = False
    shop.sandbox.client.v1.checkout.sessions.expire(first.id)
    assert checkout.start_plan_checkout(ada, "basic", "month").id != first.id
    assert record(first.id).status == "expired"


def test_gives_a_trial_only_once(shop: Shop) -> None:
    ada = shop.customer()
    shop.sandbox.pay(checkout.start_plan_checkout(ada, "trial", "month").id)
    (view,) = shop.subscriptions(ada).values()
    assert view.status == "trialing"
    assert shop.entries(ada, "trial") == [5]
    subscriptions.cancel_subscription(ada, view.id, now=True)
    shop.sandbox.pay(checkout.start_plan_checkout(ada, "trial", "month").id)
    assert sorted(each.status for each in shop.subscriptions(ada).values()) == ["active", "canceled"]
    assert shop.entries(ada, "cycle") == [90]


@pytest.mark.parametrize("kind", ["drop", "500", "truncated"])
def test_makes_one_session_when_the_answer_is_lost__F176(shop: Shop, kind: str) -> None:
    ada = shop.customer()
    shop.sandbox.fault(kind, method="POST", path="/v1/checkout/sessions")
    started = checkout.start_plan_checkout(ada, "basic", "month")
    assert [each.id for each in sessions(shop)] == [started.id]


def test_reuses_the_key_after_stripe_was_away__F173(shop: Shop) -> None:
    ada = shop.customer()
    shop.sandbox.fault("500", method="POST", path="/v1/checkout/sessions", times=4)
    with pytest.raises(StripeUnavailable):
        checkout.start_plan_checkout(ada, "basic", "month")
    assert subscriptions.current_plan(ada).plan == "free"
    started = checkout.start_plan_checkout(ada, "basic", "month")
    assert [each.id for each in sessions(shop)] == [started.id]
    assert len({call["idempotency_key"] for call in creations(shop)}) == 1


def test_gives_up_within_its_time_while_stripe_limits_us__F174(shop: Shop) -> None:
    ada = shop.customer()
    shop.sandbox.fault("429", method="POST", path="/v1/checkout/sessions", times=50)
    with pytest.raises(StripeUnavailable):
        checkout.start_plan_checkout(ada, "basic", "month")
    assert 2 <= len(creations(shop)) <= 5


def test_starts_anew_when_what_is_sent_has_changed_since_a_lost_try(shop: Shop) -> None:
    ada = shop.customer()
    shop.sandbox.fault("500", method="POST", path="/v1/checkout/sessions", times=4, remember=True)
    with pytest.raises(StripeUnavailable):
        checkout.start_plan_checkout(ada, "basic", "month")
    shop.sandbox.control("faults", method="DELETE")
    with transaction():
        db.session.get_one(Customer, ada).locale = "es"
    assert session(shop, checkout.start_plan_checkout(ada, "basic", "month").id)["locale"] == "es"


def test_makes_a_new_customer_for_one_deleted_at_stripe__F112(shop: Shop) -> None:
    ada = shop.customer()
    shop.sandbox.pay(checkout.start_pack_checkout(ada, "small").id)
    old = db.session.scalars(select(StripeCustomer.stripe_id)).one()
    shop.sandbox.client.v1.customers.delete(old)
    assert shop.entries(ada) == [100]
    started = checkout.start_pack_checkout(ada, "small")
    assert session(shop, started.id)["customer"] != old
    shop.sandbox.pay(started.id)
    assert shop.entries(ada) == [100, 100]


def test_makes_a_new_customer_when_the_deletion_was_not_told__F112(shop: Shop) -> None:
    ada = shop.customer()
    checkout.start_pack_checkout(ada, "small")
    old = db.session.scalars(select(StripeCustomer.stripe_id)).one()
    shop.online = False
    shop.sandbox.client.v1.customers.delete(old)
    started = checkout.start_pack_checkout(ada, "large")
    assert session(shop, started.id)["customer"] != old
    db.session.rollback()
    assert db.session.get_one(StripeCustomer, old).deleted_at is not None


def test_never_finds_a_customer_by_email(shop: Shop) -> None:
    shop.sandbox.client.v1.customers.create({"email": "ada@example.com"})
    ada = shop.customer()
    checkout.start_pack_checkout(ada, "small")
    assert len(shop.sandbox.client.v1.customers.list().data) == 2


@pytest.mark.parametrize(
    "start",
    [
        lambda ada: checkout.start_plan_checkout(ada, "gold", "month"),
        lambda ada: checkout.start_plan_checkout(ada, "BASIC", "month"),
        lambda ada: checkout.start_plan_checkout(ada, "free", "month"),
        lambda ada: checkout.start_plan_checkout(ada, "premium", "year"),
        lambda ada: checkout.start_plan_checkout(ada, "basic", "week"),
        lambda ada: checkout.start_pack_checkout(ada, "huge"),
        lambda ada: checkout.start_influencer_checkout(ada, "nobody", "basic"),
        lambda ada: checkout.start_influencer_checkout(ada, "luna", "platinum"),
        lambda ada: checkout.start_plan_checkout(ada + 1, "basic", "month"),
    ],
)
def test_refuses_what_is_not_sold_without_calling_stripe__F158(shop: Shop, start: Any) -> None:
    ada = shop.customer()
    before = len(shop.sandbox.calls())
    with pytest.raises(NotFound):
        start(ada)
    assert len(shop.sandbox.calls()) == before


@pytest.mark.parametrize("quantity", [0, -1, 10**6, 10**30])
def test_refuses_a_quantity_that_cannot_be_sold(shop: Shop, quantity: int) -> None:
    with pytest.raises(InvalidAmount):
        checkout.start_pack_checkout(shop.customer(), "large", quantity=quantity)


def test_refuses_a_suspended_influencer_without_calling_stripe__F120(shop: Shop) -> None:
    ada = shop.customer()
    before = len(shop.sandbox.calls())
    with pytest.raises(InfluencerUnavailable):
        checkout.start_influencer_checkout(ada, "gone", "basic")
    assert len(shop.sandbox.calls()) == before


@pytest.mark.parametrize(
    "path",
    [
        "https://evil.test",
        "//evil.test",
        "/\\evil.test",
        "\\\\evil.test",
        "https://127.0.0.1@evil.test",
        "javascript:alert(1)",
        "balance",
        "",
        "/a\nb",
        "/a\x00",
        "/" + "a" * 500,
        "/\u202emoc",
    ],
)
def test_refuses_a_return_path_that_leads_away__F138(shop: Shop, path: str) -> None:
    ada = shop.customer()
    before = len(shop.sandbox.calls())
    with pytest.raises(InvalidReturnPath):
        checkout.start_pack_checkout(ada, "small", return_path=path)
    assert len(shop.sandbox.calls()) == before


def test_sells_nothing_at_a_price_that_is_not_synced(shop: Shop) -> None:
    ada = shop.customer()
    with transaction():
        for price in db.session.scalars(select(Price).where(Price.lookup_key == "pack:small")):
            price.active = False
        prices.active_price("pack:large").amount_minor = 1
    for pack in ("small", "large"):
        with pytest.raises(PriceNotSynced):
            checkout.start_pack_checkout(ada, pack)
    catalog_sync.sync_catalog()
    checkout.start_pack_checkout(ada, "small")


def test_gives_way_to_a_checkout_that_was_started_meanwhile(shop: Shop) -> None:
    """Two different plans at once: the later wish wins, and one open session is left."""
    ada = shop.customer()
    shop.sandbox.fault("latency", method="POST", path="/v1/checkout/sessions$", seconds=1.5)
    app: Any = shop.app

    def slow() -> str:
        with app.app_context():
            try:
                return checkout.start_plan_checkout(ada, "basic", "month").id
            except Conflict:
                return "gave way"
            finally:
                db.session.remove()

    with ThreadPoolExecutor(1) as threads:
        first = threads.submit(slow)
        while not count(Checkout):
            time.sleep(0.02)
        second = checkout.start_plan_checkout(ada, "premium", "month")
        assert first.result() == "gave way"
    plans = [each for each in sessions(shop) if each.mode == "subscription"]
    assert [each.id for each in plans if each.status == "open"] == [second.id]
