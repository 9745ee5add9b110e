"""`/packs`: price per credit, expiry and quantity before paying."""

from __future__ import annotations

import pytest

from tests.stripe_world import Shop
from tests.web.conftest import Visitor, text_of
from tests.web.test_plans import environ  # noqa: F401


def test_packs_say_what_a_credit_costs_and_how_long_it_lasts(visitor: Visitor) -> None:
    page = text_of(visitor.see("/packs"))
    assert "$0.0499 per credit Valid for 365 days from the purchase" in page
    assert "1,000 credits + 150 bonus $0.0339 per credit Never expires" in page


def test_packs_say_what_is_missing_and_lead_back_to_the_task(ana: Visitor) -> None:
    page = ana.see("/packs?needed=225.5&return_path=/history?kind=DEBIT")
    text = text_of(page)
    assert "Not enough credits yet Needed 225.5 Available 60 Missing 165.5" in text
    assert "500 credits $19.99 Enough for this" in text, "the cheapest pack that is enough"
    assert text.count("Enough for this") == 1
    assert 'href="/history?kind=DEBIT"' in page.text
    assert 'name="needed" value="225.5"' in page.text
    enough = text_of(ana.see("/packs?needed=60&return_path=/history"))
    assert "You have enough credits now Needed 60 Available 60 Missing 0" in enough
    assert "Enough for this" not in enough
    assert "Not enough" not in text_of(ana.see("/packs"))


@pytest.mark.parametrize("needed", ["", "0", "-1", "x", "NaN", "1e9", "0.0000001", "9" * 5000, "<b>"])
def test_packs_take_no_notice_of_an_odd_need_f145(ana: Visitor, needed: str) -> None:
    page = ana.see(f"/packs?needed={needed}")
    assert page.status_code == 200
    assert "Needed" not in text_of(page)


def test_packs_ask_strangers_to_sign_in_before_they_say_what_is_missing(visitor: Visitor) -> None:
    page = visitor.see("/packs?needed=25")
    assert "This needs 25 credits. Sign in to see how many you have" in text_of(page)
    assert 'href="/login?next=/packs?needed%3D25"' in page.text
    assert "Missing" not in text_of(page)


def test_buying_takes_the_quantity(ana: Visitor, shop: Shop) -> None:
    answer = ana.send("/packs/small/checkout", quantity="3")
    assert answer.location.startswith(f"{shop.sandbox.base_url}/c/pay/")
    shop.sandbox.pay(answer.location.rpartition("/")[2])
    assert "360 credits" in text_of(ana.see("/balance"))


@pytest.mark.parametrize("quantity", ["0", "-1", "100", "5.5", "", "x", "9223372036854775808", "NaN"])
def test_buying_refuses_an_odd_quantity_at_its_field_f145(
    ana: Visitor,
    shop: Shop,
    quantity: str,
) -> None:
    before = len(shop.sandbox.calls())
    answer = ana.send("/packs/small/checkout", quantity=quantity)
    assert answer.status_code == 422
    assert text_of(answer).count("Enter how many packs: a whole number from 1 to 99") == 2
    assert 'href="#quantity-small"' in answer.text
    assert answer.text.count('aria-invalid="true"') == 1
    assert len(shop.sandbox.calls()) == before


def test_buying_what_is_not_sold_is_404(ana: Visitor) -> None:
    assert ana.send("/packs/nope/checkout", quantity="1").status_code == 404


def test_leaving_the_payment_page_says_that_nothing_was_charged(ana: Visitor) -> None:
    assert "Nothing was charged." in text_of(ana.see("/packs?checkout=cancelled"))
    assert "Nothing was charged." not in text_of(ana.see("/packs"))
