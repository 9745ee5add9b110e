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
