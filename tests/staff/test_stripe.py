"""How well we hear Stripe, and whether its lists and our books say the same, for staff."""

from __future__ import annotations

import pytest
from flask import Flask

from billing import checkout
from billing.models import Entry, StripeEvent
from tests.staff.conftest import Desk, audit_rows, hire, text_of
from tests.stripe_world import Shop, count


@pytest.fixture
def manager(app: Flask) -> Desk:
    return hire(app, "kim@example.com", "manager")


def miss_a_purchase(shop: Shop) -> int:
    shop.online = False
    ada = shop.customer()
    shop.sandbox.pay(checkout.start_pack_checkout(ada, "small").id)
    return ada


def test_shows_what_was_heard(desk: Desk, shop: Shop) -> None:
    assert "none yet" in text_of(desk.see("/staff/stripe"))
    shop.sandbox.pay(checkout.start_pack_checkout(shop.customer(), "small").id)
    shop.sandbox.flush()
    page = text_of(desk.see("/staff/stripe"))
    assert "none yet" not in page
    assert "Parked 0" in page
    assert count(StripeEvent) > 0


def test_compares_and_changes_nothing(manager: Desk, shop: Shop) -> None:
    miss_a_purchase(shop)
    page = text_of(manager.send("/staff/stripe/compare"))
    assert "Missing here" in page
    assert "checkout.session cs_" in page
    assert "The catalog at Stripe is the one here." in page
    assert count(Entry) == 0
    assert audit_rows() == [(manager.staff.actor, "reconcile", True)]


def test_books_what_is_missing_once(manager: Desk, shop: Shop) -> None:
    ada = miss_a_purchase(shop)
    assert "Booked now" in text_of(manager.send("/staff/stripe/reconcile"))
    assert "Nothing is missing here." in text_of(manager.send("/staff/stripe/reconcile"))
    assert shop.entries(ada) == [100]


def test_says_when_stripe_does_not_answer(manager: Desk, shop: Shop) -> None:
    miss_a_purchase(shop)
    shop.sandbox.fault("500", path="/v1/checkout/sessions", times=20)
    answer = manager.send("/staff/stripe/compare")
    assert answer.status_code == 503
    assert "Stripe does not answer" in text_of(answer)
    assert count(Entry) == 0


def test_leaves_comparing_to_managers(desk: Desk, shop: Shop) -> None:
    for path in ("/staff/stripe/compare", "/staff/stripe/reconcile"):
        assert desk.send(path).status_code == 403
    assert shop.sandbox.calls("GET", "/v1/invoices") == []
    assert audit_rows() == [(desk.staff.actor, "reconcile", False)] * 2
