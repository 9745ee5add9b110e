"""`/` and `/plans`: prices, savings, costs in words, and the way to Stripe's page."""

from __future__ import annotations

import shutil
from fractions import Fraction
from pathlib import Path

import pytest
from flask import Flask

from billing import catalog
from billing.catalog import current
from billing.money import MICRO
from config import ROOT
from tests.sandbox_server import SandboxServer
from tests.stripe_world import Shop
from tests.web.conftest import Visitor, text_of
from web.costs import cost_rows


@pytest.fixture
def environ(environ: dict[str, str], sandbox: SandboxServer) -> dict[str, str]:
    """The catalog that Saldo comes with, and a sandbox as Stripe."""
    return environ | {"STRIPE_API_BASE": sandbox.base_url}


def test_prices_by_the_month_are_shown_first(visitor: Visitor) -> None:
    for path in ("/", "/plans", "/plans?interval=nonsense"):
        page = text_of(visitor.see(path))
        assert "$15.00 a month" in page
        assert "$29.00 a month" in page


def test_prices_by_the_year_show_the_saving_and_none_where_the_year_is_dearer(visitor: Visitor) -> None:
    page = text_of(visitor.see("/plans?interval=year"))
    basic, premium = page.split("Choose Basic")[0], page.split("Choose Basic")[1]
    assert "$210.00 a year comes to $17.50 a month" in basic
    assert "Save" not in basic
    assert "Save 16%" in premium
    assert "$290.00 a year comes to $24.17 a month" in premium


def test_costs_are_told_in_words(visitor: Visitor) -> None:
    page = text_of(visitor.see("/plans"))
    assert "Image from text 5 credits each time" in page
    assert "up to 5 seconds: 25 credits 20 times Video up to 10 seconds: 50 credits 10 times" in page, (
        "each beside its own"
    )
    assert "Audio 1 credit per 15 seconds begun" in page
    visitor.client.set_cookie("locale", "es")
    assert "Audio 1 crédito por cada 15 segundos o fracción" in text_of(visitor.see("/plans"))


def test_costs_say_how_far_credits_go(visitor: Visitor) -> None:
    page = text_of(visitor.see("/plans"))
    assert "With 500 credits" in page, "a month of the first plan, when nobody has asked"
    assert "Image from text 5 credits each time 100 times" in page
    assert "25 credits 20 times Video up to 10 seconds: 50 credits 10 times" in page
    assert "Audio 1 credit per 15 seconds begun 7,500 seconds" in page
    page = text_of(visitor.see("/plans?credits=49"))
    assert "Image from text 5 credits each time 9 times" in page
    assert "25 credits 1 time Video up to 10 seconds: 50 credits 0 times" in page
    assert "Lip sync 20 credits per 10 seconds begun 20 seconds" in page, "only whole steps can be bought"


@pytest.mark.parametrize("asked", ["0", "-1", "1.5", "x", "1e9", "9" * 5000, "1000000001"])
def test_costs_reckon_with_whole_credits_only_f145(visitor: Visitor, asked: str) -> None:
    answer = visitor.see(f"/plans?credits={asked}")
    page = text_of(answer)
    assert "Enter a whole number from 1 to 1,000,000,000" in page
    assert "With 500 credits" in page
    assert f'value="{asked}"' in answer.text, "what was typed stays, so that it can be put right"


def test_strangers_register_first_and_come_back(visitor: Visitor) -> None:
    page = visitor.see("/plans?interval=year").text
    assert 'href="/register?next=/plans?interval%3Dyear"' in page
    answer = visitor.send("/plans/basic/checkout", interval="month")
    assert (answer.status_code, answer.location) == (303, "/login")


def test_choosing_a_plan_leads_to_stripes_page(ana: Visitor, shop: Shop) -> None:
    answer = ana.send("/plans/premium/checkout", interval="year")
    assert answer.status_code == 303
    assert answer.location.startswith(f"{shop.sandbox.base_url}/c/pay/cs_test_")
    [call] = shop.sandbox.calls("POST", "/v1/checkout/sessions")
    assert call["params"]["client_reference_id"]


def test_price_tier_and_customer_never_come_from_the_form_r15(ana: Visitor, shop: Shop) -> None:
    ana.send(
        "/plans/basic/checkout",
        interval="month",
        price="price_evil",
        amount="1",
        customer="cus_evil",
        credits="1000000",
        return_path="https://evil.test",
    )
    [call] = shop.sandbox.calls("POST", "/v1/checkout/sessions")
    assert "evil" not in str(call["params"])


@pytest.mark.parametrize("plan", ["nope", "free", "BASIC", "basic%20"])
def test_choosing_what_is_not_sold_is_404_and_asks_stripe_nothing_f158(
    ana: Visitor,
    shop: Shop,
    plan: str,
) -> None:
    before = len(shop.sandbox.calls())
    assert ana.send(f"/plans/{plan}/checkout", interval="month").status_code == 404
    assert len(shop.sandbox.calls()) == before


def test_current_plan_is_marked_and_no_second_one_is_sold(ana: Visitor, shop: Shop) -> None:
    session = ana.send("/plans/basic/checkout", interval="month").location.rpartition("/")[2]
    shop.sandbox.pay(session)
    page = text_of(ana.see("/plans"))
    assert "Basic Your plan $15.00" in page
    assert "Basic Your plan · monthly $210.00" in text_of(ana.see("/plans?interval=year"))
    assert "Choose Premium" not in page
    before = len(shop.sandbox.calls())
    answer = ana.send("/plans/premium/checkout", interval="month")
    assert answer.status_code == 409
    assert "You already have this subscription" in text_of(answer)
    assert len(shop.sandbox.calls()) == before


def test_stripe_outage_is_a_friendly_503_f173(ana: Visitor, shop: Shop) -> None:
    shop.sandbox.fault("500", times=50)
    answer = ana.send("/plans/basic/checkout", interval="month")
    assert answer.status_code == 503
    assert answer.headers["Retry-After"]
    assert "The payment provider does not answer" in text_of(answer)


def test_refused_key_is_a_friendly_503_and_shows_in_readyz_f182(ana: Visitor, shop: Shop) -> None:
    shop.sandbox.fault("401", times=50)
    assert ana.send("/plans/basic/checkout", interval="month").status_code == 503
    health = ana.see("/readyz")
    assert health.status_code == 503
    assert health.json is not None
    assert health.json["parts"]["stripe"] == "key refused"


def test_prices_not_yet_at_stripe_are_a_friendly_503(ana: Visitor) -> None:
    answer = ana.send("/plans/basic/checkout", interval="month")
    assert answer.status_code == 503
    assert "This cannot be bought right now" in text_of(answer)


def test_token_prices_are_told_per_million(app: object, tmp_path: Path) -> None:
    path = tmp_path / "tokens.toml"
    shutil.copy(ROOT / "catalog.toml", path)
    path.write_text(
        path.read_text().replace("# credit_value_usd", "credit_value_usd")
        + '\n[actions.chat]\nname = "Chat"\nkind = "tokens"\nmodels."gpt-x" = '
        '{ input_per_million_usd = "0.15", output_per_million_usd = "0.60" }\n'
    )
    known = catalog.load_catalog(path)
    assert known.credit_value_usd == Fraction(1, 100)
    [row] = [row for row in cost_rows(known, 100 * MICRO) if row.action.id == "chat"]
    [line] = row.lines
    assert line.cost == "gpt-x: 15 credits in, 60 credits out, per million tokens"
    # A message of 100 tokens and an answer of 100: 0.0015 + 0.006 credits.
    assert line.reach == "about 13,333 messages"
    assert current().actions["video"].kind == "steps"


def test_plans_without_credits_do_not_boast_of_none(app: Flask, visitor: Visitor, tmp_path: Path) -> None:
    path = tmp_path / "limits.toml"
    path.write_text(
        'currency = "usd"\n[free_plan]\nname = "Free"\n[quotas.images]\nname = "Images"\nperiod = "lifetime"\n'
        '[plans.basic]\nname = "Basic"\nprice = { month = 15 }\nquotas = { images = 30 }\n'
    )
    catalog.configure(catalog.load_catalog(path))
    page = text_of(visitor.see("/plans"))
    assert "Images: 30 in all" in page
    assert "0 credits" not in page


def test_models_have_cards_with_worked_examples(app: Flask, visitor: Visitor, tmp_path: Path) -> None:
    path = tmp_path / "agents.toml"
    path.write_text(
        'currency = "usd"\ncredit_value_usd = "0.01"\n[free_plan]\nname = "Free"\nsignup_credits = 100\n'
        '[plans.pro]\nname = "Pro"\nprice = { month = 25 }\ncredits = 2500\n'
        '[actions.chat]\nname = "Chat"\nkind = "tokens"\n'
        'models."grok-4-fast" = { input_per_million_usd = "0.02", output_per_million_usd = "0.08" }\n'
        'models."gpt-5" = { input_per_million_usd = "1.25", output_per_million_usd = "10.00" }\n'
    )
    catalog.configure(catalog.load_catalog(path))
    page = text_of(visitor.see("/plans"))
    assert (
        "grok-4-fast A million tokens in 2 credits A million tokens out 8 credits "
        "A message with its answer: 0.001 credits Free about 100,000 messages Pro about 2,500,000 messages"
    ) in page
    assert "gpt-5 A million tokens in 125 credits A million tokens out 1,000 credits" in page
    assert "A message with its answer: 0.1125 credits Free about 888 messages" in page
    assert "What is a token?" in page


def test_plans_without_token_prices_show_no_models(visitor: Visitor) -> None:
    page = text_of(visitor.see("/plans"))
    assert "What a model costs" not in page
    assert "What is a token?" not in page
