"""Customers are sent to Stripe's pages, or to those of its stand-in, and nowhere else, whatever an answer says."""

from __future__ import annotations

import pytest
import responses
from flask import Flask

from billing.errors import StripeUnavailable
from billing.stripe_facts import Malformed
from billing.stripe_gateway import StripeGateway
from billing.stripe_gateway.hosted_pages import check_hosted_page

BASE = "http://stripe.test:4242"


@pytest.mark.parametrize(
    "address",
    [
        "https://invoice.stripe.com/i/acct_1/test_abc?s=ap",
        "https://pay.stripe.com/receipts/payment/CAcaFw",
        f"{BASE}/i/in_1",
    ],
)
def test_page_of_stripe_or_its_stand_in_is_taken(address: str) -> None:
    assert check_hosted_page(address, BASE) == address


@pytest.mark.parametrize(
    "address",
    [
        "http://invoice.stripe.com/i/in_1",
        "https://evil.test/i/in_1",
        "https://invoice.stripe.com.evil.test/i/in_1",
        "https://evilstripe.com/i/in_1",
        "https://evil.test#.stripe.com",
        "https://evil.test?.stripe.com",
        "https://evil.test\\.stripe.com/i/in_1",
        "https://evil.test\t.stripe.com/i/in_1",
        "https://someone@invoice.stripe.com/i/in_1",
        "https://invoice.stripe.com:8443/i/in_1",
        f"{BASE}@evil.test/i/in_1",
        "https://stripe.test:4242/i/in_1",
        "//invoice.stripe.com/i/in_1",
        "javascript:alert(1)",
        "/i/in_1",
        "https://[.stripe.com",
        "https://ínvoice.stripe.com/i/in_1",
    ],
)
def test_page_anywhere_else_is_refused__F138(address: str) -> None:
    with pytest.raises(Malformed):
        check_hosted_page(address, BASE)


def test_page_of_a_stand_in_is_refused_where_there_is_none__F138() -> None:
    with pytest.raises(Malformed):
        check_hosted_page(f"{BASE}/i/in_1", None)


def test_answer_with_a_foreign_address_is_no_answer__F138(app: Flask) -> None:
    gateway = StripeGateway("sk_test_saldo", "http://127.0.0.1:8000", BASE)
    charge = {"id": "ch_1", "object": "charge", "paid": True, "receipt_url": "https://evil.test/receipts/ch_1"}
    with responses.RequestsMock() as wire:
        wire.get(f"{BASE}/v1/invoices/in_1", json={"id": "in_1", "hosted_invoice_url": "https://evil.test/i/in_1"})
        wire.get(f"{BASE}/v1/charges", json={"object": "list", "data": [charge], "has_more": False})
        with pytest.raises(StripeUnavailable):
            gateway.retrieve_hosted_invoice_url("in_1")
        with pytest.raises(StripeUnavailable):
            gateway.find_receipt_url("pi_1")
