"""`/payments`: what was paid, and what came back."""

from __future__ import annotations

from tests.stripe_world import Shop, environ  # noqa: F401
from tests.web.conftest import Visitor, text_of
from tests.web.test_subscriptions import buy_plan


def test_payments_are_listed_newest_first_with_their_credits(ana: Visitor, shop: Shop) -> None:
    assert "No payments yet" in text_of(ana.see("/payments"))
    buy_plan(ana, shop)
    shop.sandbox.pay(ana.send("/packs/small/checkout", quantity="2").location.rpartition("/")[2])
    page = text_of(ana.see("/payments"))
    assert page.index("Pack: 100 credits $9.98 Paid 200") < page.index("Plan Basic $15.00 Paid 500")


def test_payments_show_what_was_given_back(ana: Visitor, shop: Shop) -> None:
    shop.sandbox.pay(ana.send("/packs/small/checkout", quantity="1").location.rpartition("/")[2])
    intent = shop.events("payment_intent.succeeded", "charge.succeeded", "checkout.session.completed")[0]
    payment_intent = intent["data"]["object"].get("payment_intent") or intent["data"]["object"]["id"]
    shop.sandbox.control("refunds", {"payment_intent": payment_intent})
    shop.sandbox.flush()
    page = text_of(ana.see("/payments"))
    assert "Refunded" in page
    assert "Refund of $4.99: done" in page
    assert "100 taken back" in page
    assert "Taken back: we returned your money" in text_of(ana.see("/history"))
