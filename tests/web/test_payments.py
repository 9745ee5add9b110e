"""`/payments`: what was paid, and what came back, and receipts."""

from __future__ import annotations

import re

import requests

from billing import payments, spending, usage
from billing.money import MICRO
from billing.spending import Order
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


def receipts_of(ana: Visitor) -> list[str]:
    """The addresses behind the buttons of `/payments`."""
    return re.findall(r'href="(/payments/pay_\w+/receipt)"', ana.see("/payments").text)


def test_receipt_of_a_plan_is_its_invoice_at_stripe(ana: Visitor, shop: Shop) -> None:
    buy_plan(ana, shop)
    [address] = receipts_of(ana)
    answer = ana.see(address)
    assert answer.status_code == 303
    assert answer.location.startswith(f"{shop.sandbox.base_url}/i/in_")
    page = requests.get(answer.location, timeout=5)
    assert page.status_code == 200
    assert "$15.00" in page.text


def test_receipt_of_a_pack_is_its_charges_though_a_card_failed_before(ana: Visitor, shop: Shop) -> None:
    session = ana.send("/packs/small/checkout", quantity="2").location.rpartition("/")[2]
    assert shop.sandbox.pay(session, "declined")["message"]
    shop.sandbox.pay(session)
    [address] = receipts_of(ana)
    answer = ana.see(address)
    assert answer.status_code == 303
    assert answer.location.startswith(f"{shop.sandbox.base_url}/receipts/ch_")
    page = requests.get(answer.location, timeout=5)
    assert page.status_code == 200
    assert "Receipt for 998 USD (minor units), succeeded." in page.text


def test_receipt_is_for_its_own_customer_only_r14(ana: Visitor, another: Visitor, shop: Shop) -> None:
    buy_plan(ana, shop)
    [address] = receipts_of(ana)
    assert another.see(address).location.startswith("/login")
    another.send("/register", email="eva@example.com", password="correct horse", locale="en")
    asked = len(shop.sandbox.calls("GET", "/v1/invoices"))
    assert another.see(address).status_code == 404
    assert another.see("/payments/pay_no/receipt").status_code == 404
    assert len(shop.sandbox.calls("GET", "/v1/invoices")) == asked, "Stripe is not even asked"


def test_receipt_is_not_offered_where_nothing_was_charged(ana: Visitor, shop: Shop) -> None:
    coupon = shop.sandbox.client.v1.coupons.create({"percent_off": 100, "duration": "once"})
    shop.sandbox.client.v1.promotion_codes.create(
        {"promotion": {"type": "coupon", "coupon": coupon.id}, "code": "GIFT"}
    )
    session = ana.send("/packs/small/checkout", quantity="1").location.rpartition("/")[2]
    shop.sandbox.pay(session, promotion_code="GIFT")
    assert "Pack: 100 credits $0.00" in text_of(ana.see("/payments"))
    assert receipts_of(ana) == []
    [payment] = payments.list_payments(ana.account_id)
    assert ana.see(f"/payments/{payment.id}/receipt").status_code == 404


def test_receipt_while_stripe_is_away_is_a_friendly_503_f173(ana: Visitor, shop: Shop) -> None:
    buy_plan(ana, shop)
    [address] = receipts_of(ana)
    shop.sandbox.fault("500", times=50)
    answer = ana.see(address)
    assert answer.status_code == 503
    assert "Retry-After" in answer.headers
    assert "Your payment is safe" in text_of(answer)


def test_job_leads_to_the_receipt_of_the_payment_behind_its_credits(ana: Visitor, shop: Shop) -> None:
    shop.sandbox.pay(ana.send("/packs/small/checkout", quantity="1").location.rpartition("/")[2])
    order = Order(amount=100 * MICRO, description="A long film")
    spending.debit(ana.account_id, order, actor="app:studio")
    [job] = usage.list_events(ana.account_id).rows
    page = ana.see(f"/usage/jobs/{job.id}")
    assert "A long film" in text_of(page)
    assert "The app named this price itself." in text_of(page)
    [receipt] = receipts_of(ana)
    assert f'href="{receipt}"' in page.text
