"""`/subscriptions`: state, next charge, total, cancel and undo, the portal."""

from __future__ import annotations

import re

import pytest

from tests.conftest import Clock
from tests.stripe_world import Shop, environ  # noqa: F401
from tests.web.conftest import Visitor, text_of
from tests.web.test_influencers import subscribe


def buy_plan(visitor: Visitor, shop: Shop, plan: str = "basic", interval: str = "month") -> None:
    shop.sandbox.pay(visitor.send(f"/plans/{plan}/checkout", interval=interval).location.rpartition("/")[2])


def ids(visitor: Visitor) -> list[str]:
    return re.findall(r"/subscriptions/(sn_\w+)/", visitor.see("/subscriptions").text)


def test_subscriptions_show_state_next_charge_and_total(ana: Visitor, shop: Shop) -> None:
    assert "No subscriptions" in text_of(ana.see("/subscriptions"))
    buy_plan(ana, shop)
    subscribe(ana, shop)
    page = text_of(ana.see("/subscriptions"))
    assert "Together $24.99 a month." in page
    assert "Basic Active Plan · monthly Next charge $15.00" in page
    assert "Luna Active Influencer · Basic · monthly Next charge $9.99" in page


def test_total_counts_a_year_as_twelve_months(ana: Visitor, shop: Shop) -> None:
    buy_plan(ana, shop, interval="year")
    page = text_of(ana.see("/subscriptions"))
    assert "Together $17.50 a month." in page
    assert "Next charge $210.00" in page


def test_cancel_keeps_access_and_undo_renews_again(ana: Visitor, shop: Shop) -> None:
    buy_plan(ana, shop)
    [subscription] = ids(ana)
    assert ana.send(f"/subscriptions/{subscription}/cancel").status_code == 303
    page = text_of(ana.see("/subscriptions"))
    assert "Renewal is off. You keep access until" in page
    assert "Nothing will be charged." in page
    assert "500 credits" in text_of(ana.see("/balance"))
    ana.send(f"/subscriptions/{subscription}/resume")
    assert "Together $15.00 a month." in text_of(ana.see("/subscriptions"))


def test_ended_subscriptions_are_kept_apart(ana: Visitor, shop: Shop, clock: Clock) -> None:
    buy_plan(ana, shop)
    [subscription] = ids(ana)
    ana.send(f"/subscriptions/{subscription}/cancel")
    shop.sandbox.advance(days=32)
    page = text_of(ana.see("/subscriptions"))
    assert "Subscriptions that have ended" in page
    assert ana.send(f"/subscriptions/{subscription}/resume").status_code == 409


def test_late_payment_shows_on_every_page(ana: Visitor, shop: Shop) -> None:
    buy_plan(ana, shop)
    customer = shop.sandbox.calls("POST", "/v1/checkout/sessions")[0]["params"]["customer"]
    shop.sandbox.control(f"customers/{customer}/card", {"behaviour": "decline"})
    shop.sandbox.advance(days=32)
    for path in ("/plans", "/balance", "/subscriptions"):
        assert "Your last payment did not go through." in text_of(ana.see(path))
    assert "Payment overdue" in text_of(ana.see("/subscriptions"))


def test_portal_leads_to_stripes_pages_and_back(ana: Visitor, shop: Shop) -> None:
    answer = ana.send("/subscriptions/portal")
    assert answer.status_code == 303
    assert answer.location.startswith(f"{shop.sandbox.base_url}/p/session/")
    [call] = shop.sandbox.calls("POST", "/v1/billing_portal/sessions")
    assert call["params"]["return_url"] == "http://127.0.0.1:8000/subscriptions"


@pytest.mark.parametrize("act", ["cancel", "resume"])
def test_anothers_subscription_is_not_there_r14(ana: Visitor, another: Visitor, shop: Shop, act: str) -> None:
    buy_plan(ana, shop)
    [subscription] = ids(ana)
    another.send("/register", email="eva@example.com", password="correct horse", locale="en")
    before = len(shop.sandbox.calls("POST"))
    foreign = another.send(f"/subscriptions/{subscription}/{act}")
    missing = another.send(f"/subscriptions/sn_no/{act}")
    assert foreign.status_code == missing.status_code == 404
    changing = r'req_\w+|name="csrf_token" value="[^"]+"'
    assert re.sub(changing, "", foreign.text) == re.sub(changing, "", missing.text)
    assert len(shop.sandbox.calls("POST")) == before
