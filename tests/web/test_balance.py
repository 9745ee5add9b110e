"""`/balance`, and the balance in the head of every page."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from billing import adjustments, catalog, clock, monthly_use, spending
from billing.money import MICRO
from tests.conftest import Clock
from tests.web.conftest import Visitor, text_of


def grant(visitor: Visitor, credits: int, **terms: object) -> None:
    adjustments.grant_credits(visitor.account_id, credits * MICRO, "For your patience", "staff:test", **terms)


def test_balance_shows_figures_and_grants_with_origin_and_expiry(ana: Visitor) -> None:
    grant(ana, 500, expires_at=clock.now() + timedelta(days=10))
    page = text_of(ana.see("/balance"))
    assert "Available 560 credits" in page
    assert "Next expiry: 500 credits" in page
    assert "Welcome credits" in page
    assert "never expires" in page
    assert "Given by our team" in page


def test_balance_lists_first_what_is_spent_first(ana: Visitor) -> None:
    grant(ana, 5, expires_at=clock.now() + timedelta(days=10))
    page = text_of(ana.see("/balance"))
    assert page.index("Given by our team") < page.index("Welcome credits")


def test_balance_says_what_is_on_hold(ana: Visitor) -> None:
    spending.place_hold(ana.account_id, spending.Order(amount=20 * MICRO), actor="app:test")
    page = text_of(ana.see("/balance"))
    assert "Available 40 credits" in page
    assert "On hold for running jobs 20" in page


def test_balance_is_right_without_a_worker(ana: Visitor, clock: Clock) -> None:
    from billing import clock as business_time

    grant(ana, 500, expires_at=business_time.now() + timedelta(days=10))
    clock.advance(days=11)
    page = text_of(ana.see("/balance"))
    assert "Available 60 credits" in page
    assert "Given by our team" not in page


@pytest.mark.parametrize("path", ["/", "/plans", "/packs", "/influencers", "/history", "/subscriptions", "/payments"])
def test_header_shows_the_balance_on_every_page(ana: Visitor, path: str) -> None:
    assert 'data-balance><strong data-figure="available">60</strong>' in ana.see(path).text.replace("\n", "").replace(
        "  ", ""
    )


def test_header_says_what_is_on_hold_and_what_expires_next(ana: Visitor) -> None:
    grant(ana, 500, expires_at=clock.now() + timedelta(days=10))
    spending.place_hold(ana.account_id, spending.Order(amount=20 * MICRO), actor="app:test")
    assert "Available 540 On hold 20 Next expiry 480," in text_of(ana.see("/plans"))


def test_balance_says_what_was_spent_and_which_limits_hold(ana: Visitor, tmp_path: Path) -> None:
    path = tmp_path / "limits.toml"
    path.write_text(
        'currency = "usd"\n[quotas.images]\nname = "Images"\nperiod = "lifetime"\n'
        '[free_plan]\nname = "Free"\nsignup_credits = 60\nquotas = { images = 5 }\n'
        '[actions.image]\nname = "Image"\ncost = 5\nquotas = ["images"]\n'
    )
    catalog.configure(catalog.load_catalog(path))
    monthly_use.set_monthly_limit(ana.account_id, 100 * MICRO)
    spending.debit(ana.account_id, spending.Order(action="image", quantity=2), actor="app:test")
    page = text_of(ana.see("/balance"))
    assert "Spent this month 10" in page
    assert "Images 2 of 5 3 never: it holds for as long as you are here" in page
    assert "Credits a month 10 of 100 90" in page


def test_balance_shows_no_limits_where_there_are_none(ana: Visitor) -> None:
    assert "Starts anew" not in text_of(ana.see("/balance"))


def test_header_warns_when_credits_run_low(ana: Visitor) -> None:
    assert "running low" not in text_of(ana.see("/plans"))
    spending.debit(ana.account_id, spending.Order(amount=56 * MICRO), actor="app:test")
    assert "Your credits are running low: 4 left. Buy credits" in text_of(ana.see("/plans"))
    spending.debit(ana.account_id, spending.Order(amount=4 * MICRO), actor="app:test")
    assert "You have no credits left." in text_of(ana.see("/plans"))


@pytest.mark.parametrize(("locale", "written"), [("en", "1 credit"), ("es", "1 crédito")])
def test_one_credit_is_no_plural(ana: Visitor, locale: str, written: str) -> None:
    spending.debit(ana.account_id, spending.Order(amount=60 * MICRO), actor="app:test")
    grant(ana, 1, expires_at=clock.now() + timedelta(days=10))
    ana.client.set_cookie("locale", locale)
    page = text_of(ana.see("/balance"))
    assert page.count(f"{written} ") + page.count(f"{written},") == 3, "in the header, as the figure, as what ends next"
    assert ana.see("/balance/now").json["noun"] == written.split()[1]  # type: ignore[index]


@pytest.mark.parametrize(("locale", "written"), [("en", "1,234.5"), ("es", "1.234,5"), ("es_MX", "1,234.5")])
def test_balance_is_written_the_readers_way(ana: Visitor, locale: str, written: str) -> None:
    grant(ana, 1174)
    adjustments.grant_credits(ana.account_id, MICRO // 2, "Half", "staff:test")
    ana.client.set_cookie("locale", locale)
    assert written in text_of(ana.see("/balance"))


def test_balance_now_feeds_the_header(ana: Visitor, visitor: Visitor) -> None:
    spending.place_hold(ana.account_id, spending.Order(amount=20 * MICRO), actor="app:test")
    told = {"available": "40", "noun": "credits", "held": "20", "low": False, "unlimited": False}
    assert ana.see("/balance/now").json == told
    assert visitor.see("/balance/now").status_code == 303
