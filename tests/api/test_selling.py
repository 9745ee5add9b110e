"""Apps sell plans, packs and influencers, end subscriptions, and give money back."""

from __future__ import annotations

from typing import Any

import pytest

from billing import checkout
from billing.db import db
from billing.models import Checkout, Refund
from tests.api.conftest import Caller, exact, problem
from tests.api.crowd import at_once
from tests.stripe_world import Shop, count


@pytest.fixture
def ada(shop: Shop) -> int:
    return shop.customer("ada")


@pytest.mark.parametrize(
    "wish",
    [
        {"plan": "basic", "interval": "year"},
        {"pack": "small", "quantity": 3, "return_path": "/back"},
        {"influencer": "luna", "tier": "basic"},
    ],
)
def test_checkout_is_a_page_of_stripes(biller: Caller, shop: Shop, ada: int, wish: dict[str, Any]) -> None:
    answer = biller.post("/checkout-sessions", {"customer": "ada", **wish})
    assert answer.status_code == 201
    started = exact(answer)
    assert started.keys() == {"id", "url", "expires_at"}
    shop.sandbox.pay(started["id"])
    granted = {"plan": 500, "pack": 300, "influencer": 50}
    assert shop.entries(ada) == [granted[next(iter(wish))]]


def test_checkout_of_the_same_wish_is_the_same_page(biller: Caller, ada: int) -> None:
    wish = {"customer": "ada", "pack": "small"}
    first, again = (exact(biller.post("/checkout-sessions", wish)) for _ in range(2))
    assert first == again
    assert count(Checkout) == 1


def test_checkout_of_a_second_plan_is_refused(biller: Caller, shop: Shop, ada: int) -> None:
    wish = {"customer": "ada", "plan": "basic", "interval": "month"}
    shop.sandbox.pay(exact(biller.post("/checkout-sessions", wish))["id"])
    shop.sandbox.flush()
    other = {"customer": "ada", "plan": "premium", "interval": "month"}
    assert problem(biller.post("/checkout-sessions", other)) == (409, "already_subscribed")


def test_checkout_sent_many_times_at_once_is_one_page(biller: Caller, ada: int, environ: dict[str, str]) -> None:
    wish = {"customer": "ada", "plan": "basic", "interval": "month"}
    answers = at_once(environ, biller, [("POST", "/checkout-sessions", wish, "k")] * 8)
    assert {status for status, _, _ in answers} <= {201, 409}
    assert len({body for status, _, body in answers if status == 201}) == 1
    assert biller.post("/checkout-sessions", wish, key="k").headers["Idempotent-Replayed"] == "true"
    assert count(Checkout) == 1


@pytest.mark.parametrize(
    ("wish", "fields"),
    [
        ({}, {"plan", "pack", "influencer"}),
        ({"plan": "basic", "interval": "month", "pack": "small"}, {"plan", "pack"}),
        ({"plan": "basic"}, {"interval"}),
        ({"plan": "basic", "interval": "week"}, {"interval"}),
        ({"influencer": "luna"}, {"tier"}),
        ({"pack": "small", "tier": "basic"}, {"tier"}),
        ({"pack": "small", "interval": "month"}, {"interval"}),
        ({"plan": "basic", "interval": "month", "quantity": 2}, {"quantity"}),
        ({"pack": "small", "quantity": 900_000}, {"quantity"}),
        ({"pack": "small", "return_path": "https://evil.example"}, {"return_path"}),
        ({"pack": "small", "amount": 1}, {"amount"}),
    ],
)
def test_checkout_names_what_is_wrong__F158(biller: Caller, ada: int, wish: dict[str, Any], fields: set[str]) -> None:
    answer = biller.post("/checkout-sessions", {"customer": "ada", **wish})
    assert problem(answer) == (422, "invalid")
    assert answer.json
    assert {each["field"] for each in answer.json["errors"]} == fields


def test_checkout_of_what_is_not_sold_asks_stripe_nothing__F158(biller: Caller, ada: int) -> None:
    for wish in ({"plan": "free", "interval": "month"}, {"pack": "huge"}, {"influencer": "luna", "tier": "silver"}):
        assert problem(biller.post("/checkout-sessions", {"customer": "ada", **wish})) == (404, "not_found")
    suspended = {"customer": "ada", "influencer": "gone", "tier": "basic"}
    assert problem(biller.post("/checkout-sessions", suspended)) == (409, "influencer_unavailable")
    assert count(Checkout) == 0


def test_checkout_while_stripe_is_away_may_be_sent_again__F173(biller: Caller, shop: Shop, ada: int) -> None:
    wish = {"customer": "ada", "pack": "small"}
    shop.sandbox.fault("401", path="/v1/checkout/sessions", times=20)
    answer = biller.post("/checkout-sessions", wish, key="k")
    assert problem(answer) == (503, "stripe_unavailable")
    assert answer.headers["Retry-After"]
    shop.sandbox.control("faults", method="DELETE")
    assert biller.post("/checkout-sessions", wish, key="k").status_code == 201


def subscribe(shop: Shop, account_id: int, influencer: str | None = None) -> None:
    started = (
        checkout.start_influencer_checkout(account_id, influencer, "basic")
        if influencer
        else checkout.start_plan_checkout(account_id, "basic", "month")
    )
    shop.sandbox.pay(started.id)
    shop.sandbox.flush()
    db.session.rollback()


def test_subscription_is_cancelled_resumed_and_ended(biller: Caller, shop: Shop, ada: int) -> None:
    subscribe(shop, ada)
    ((_, view),) = shop.subscriptions(ada).items()
    path = f"/subscriptions/{view.id}"
    assert exact(biller.post(f"{path}/cancel"))["cancel_at"] is not None
    assert exact(biller.post(f"{path}/resume"))["cancel_at"] is None
    assert exact(biller.post(f"{path}/cancel", {"now": True}))["status"] == "canceled"
    assert problem(biller.post(f"{path}/resume")) == (409, "conflict")
    assert shop.entries(ada) == [500]


def test_subscription_that_is_paused_charges_nothing_until_it_is_resumed(biller: Caller, shop: Shop, ada: int) -> None:
    subscribe(shop, ada)
    ((_, view),) = shop.subscriptions(ada).items()
    path = f"/subscriptions/{view.id}"
    assert [exact(biller.post(f"{path}/pause"))["status"] for _ in range(2)] == ["paused", "paused"]
    shop.sandbox.advance(days=40)
    assert shop.entries(ada, "cycle") == [500]
    assert exact(biller.get("/customers/ada/subscriptions"))["data"][0]["status"] == "paused"
    assert exact(biller.post(f"{path}/resume"))["status"] == "active"
    shop.sandbox.advance(days=31)
    assert shop.entries(ada, "cycle") == [500, 500]


@pytest.mark.parametrize("action", ["cancel", "resume", "pause"])
def test_subscription_that_is_not_there_is_404(biller: Caller, shop: Shop, action: str) -> None:
    for subscription_id in ("sn_unknown", "x", "%00", "a" * 300, "é"):
        assert problem(biller.post(f"/subscriptions/{subscription_id}/{action}")) == (404, "not_found")


def test_influencers_and_their_subscribers_are_listed_from_both_sides__F124(
    biller: Caller, shop: Shop, ada: int
) -> None:
    bea = shop.customer("bea")
    for account_id, influencer in ((ada, "luna"), (ada, "nico"), (bea, "luna")):
        answer = biller.post(
            "/influencer-subscriptions",
            {"customer": "ada" if account_id == ada else "bea", "influencer": influencer, "tier": "basic"},
        )
        assert answer.status_code == 201
        assert exact(answer).keys() == {"id", "url"}
        shop.sandbox.pay(exact(answer)["id"])
    shop.sandbox.flush()

    def listed(**query: Any) -> set[tuple[str, str]]:
        found = exact(biller.get("/influencer-subscriptions", **query))["data"]
        return {(each["customer"], each["influencer"]) for each in found}

    assert listed(customer="ada") == {("ada", "luna"), ("ada", "nico")}
    assert listed(influencer="luna") == {("ada", "luna"), ("bea", "luna")}
    assert listed(customer="bea", influencer="nico") == set()
    first = exact(biller.get("/influencer-subscriptions", influencer="luna", limit=1))
    second = exact(biller.get("/influencer-subscriptions", influencer="luna", limit=1, cursor=first["next_cursor"]))
    assert first["data"][0]["id"] != second["data"][0]["id"]
    assert second["next_cursor"] is None
    ended = biller.call("DELETE", f"/influencer-subscriptions/{first['data'][0]['id']}", query_string={"now": "true"})
    assert exact(ended)["status"] == "canceled"
    assert problem(biller.get("/influencer-subscriptions")) == (422, "invalid")
    assert problem(biller.get("/influencer-subscriptions", customer="eve")) == (404, "not_found")
    assert problem(biller.get("/influencer-subscriptions", influencer="luna", cursor="x")) == (422, "invalid")


def test_plan_is_no_subscription_to_an_influencer(biller: Caller, shop: Shop, ada: int) -> None:
    subscribe(shop, ada)
    ((_, view),) = shop.subscriptions(ada).items()
    assert problem(biller.call("DELETE", f"/influencer-subscriptions/{view.id}")) == (404, "not_found")


@pytest.fixture
def payment(shop: Shop, ada: int, reader: Caller) -> str:
    """Of a pack of 100 credits for $4.99."""
    shop.sandbox.pay(checkout.start_pack_checkout(ada, "small").id)
    shop.sandbox.flush()
    (bought,) = exact(reader.get("/customers/ada/payments"))["data"]
    return str(bought["id"])


def test_refund_is_previewed_made_and_read(refunder: Caller, shop: Shop, ada: int, payment: str) -> None:
    what = {"payment": payment, "amount_minor": 250, "credits": "proportional"}
    preview = exact(refunder.post("/refunds/preview", what))
    assert preview == {
        "amount_minor": 250,
        "currency": "usd",
        "credits_taken": 51,
        "already_spent": 0,
        "held": 0,
        "debt_created": 0,
        "balance_after": 49,
    }
    asked = {**what, "reason": "requested_by_customer"}
    made, again = (refunder.post("/refunds", asked, key="r1") for _ in range(2))
    assert made.status_code == 201
    assert made.data == again.data
    body = exact(made)
    assert body.keys() == {
        *("id", "payment", "status", "amount_minor", "currency", "credits_taken", "debt_created", "balance")
    }
    assert (body["status"], body["amount_minor"], body["credits_taken"]) == ("succeeded", 250, 51)
    assert body["balance"] == {"balance": 49, "held": 0, "available": 49}
    assert exact(refunder.get(f"/refunds/{body['id']}")) == body
    assert shop.entries(ada) == [100, -51]


def test_refund_of_too_much_or_without_a_reason_is_refused(refunder: Caller, payment: str) -> None:
    what = {"payment": payment, "credits": "proportional", "reason": "duplicate"}
    assert problem(refunder.post("/refunds", {**what, "amount_minor": 500})) == (422, "refund_exceeds")
    reasonless = refunder.post("/refunds", {**what, "reason": None})
    assert problem(reasonless) == (422, "invalid")
    assert reasonless.json
    assert reasonless.json["errors"][0]["field"] == "reason"
    assert problem(refunder.post("/refunds", {**what, "payment": "pay_unknown"})) == (404, "not_found")
    assert problem(refunder.get("/refunds/rf_unknown")) == (404, "not_found")
    assert count(Refund) == 0


def test_refund_for_another_reason_needs_no_note(refunder: Caller, payment: str) -> None:
    what = {"payment": payment, "credits": "proportional", "reason": "other"}
    assert refunder.post("/refunds", what).status_code == 201


def test_refund_that_stripe_does_not_answer_is_pending(refunder: Caller, shop: Shop, ada: int, payment: str) -> None:
    shop.sandbox.fault("401", path="/v1/refunds", times=20)
    answer = refunder.post("/refunds", {"payment": payment, "credits": "proportional", "reason": "duplicate"})
    assert answer.status_code == 202
    assert exact(answer)["status"] == "pending"
    assert exact(answer)["balance"] == {"balance": 100, "held": 0, "available": 0}


def test_refund_needs_its_own_scope(biller: Caller, payment: str) -> None:
    for path in ("/refunds", "/refunds/preview"):
        assert problem(biller.post(path, {"payment": payment})) == (403, "missing_scope")
    assert problem(biller.get("/refunds/rf_unknown")) == (403, "missing_scope")
