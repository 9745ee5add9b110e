"""An app with a key for everything, in front of a shop that sells one thing of each kind."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from flask import Flask

from billing import api_keys, checkout
from billing.adjustments import grant_credits
from billing.money import MICRO
from config import ROOT, Settings, load_settings
from tests.api.conftest import Caller, exact
from tests.stripe_world import Shop, environ, sandbox, shop

__all__ = ["environ", "sandbox", "shop"]

CUSTOMER = "user-42"
"""The one that the examples name."""

QUOTAS = """
[quotas.searches]
name = "Searches"
period = "month"

[actions.chat]
name = "Chat"
cost = "0.003"
quotas = ["searches"]
requires_influencer = true
"""


@pytest.fixture
def settings(environ: dict[str, str], tmp_path: Path) -> Settings:
    """The catalog that comes with Saldo, which the examples speak of; no limit on calls, as many are the point."""
    own = (ROOT / "catalog.toml").read_text(encoding="utf-8")
    catalog = tmp_path / "with-quotas.toml"
    text = own.replace("[free_plan]\n", "[free_plan]\nquotas = { searches = 100000 }\n") + QUOTAS
    catalog.write_text(text, encoding="utf-8")
    return load_settings(environ | {"API_RATE_LIMIT": "1000000/minute", "CATALOG": str(catalog)})


@pytest.fixture
def caller(app: Flask) -> Caller:
    return Caller(app.test_client(), api_keys.create_key("studio", api_keys.SCOPES).secret)


@pytest.fixture
def known(shop: Shop, caller: Caller) -> dict[str, list[Any]]:
    """Ids of things that are there, by the names that fields have."""
    account_id = shop.customer(CUSTOMER)
    for started in (
        checkout.start_pack_checkout(account_id, "small"),
        checkout.start_pack_checkout(account_id, "medium"),
        checkout.start_influencer_checkout(account_id, "nico-trail", "basic"),
    ):
        shop.sandbox.pay(started.id)
    shop.sandbox.flush()
    grant_credits(account_id, 1_000_000 * MICRO, "for many requests", "operator")
    payments = ids_of(caller, f"/customers/{CUSTOMER}/payments")
    refund = {"credits": "keep", "reason": "duplicate"}
    image = {"customer": CUSTOMER, "action": "text-to-image"}
    return {
        "customer": [CUSTOMER, CUSTOMER, "nobody"],
        "influencer": ["nico-trail", "luna-style"],
        "action": ["text-to-image", "upscale", "audio", "chat"],
        "plan": ["basic"],
        "pack": ["small"],
        "tier": ["basic", "premium"],
        "resource": ["searches", "spending"],
        "payment": payments,
        "subscription": ids_of(caller, f"/customers/{CUSTOMER}/subscriptions"),
        "debit": [make(caller, "/debits", image)["debit"]["id"] for _ in range(8)],
        "hold": [make(caller, "/holds", image)["id"] for _ in range(20)],
        "quote": [make(caller, "/quotes", image)["id"]],
        "refund": [make(caller, "/refunds", {**refund, "payment": payments.pop()})["id"]],
        "cursor": ["nonsense"],
        "origin": ["https://app.example.com"],
        "url": ["https://app.example.com/hook"],
    }


def ids_of(caller: Caller, path: str) -> list[str]:
    return [each["id"] for each in exact(caller.get(path))["data"]]


def make(caller: Caller, path: str, body: dict[str, Any]) -> Any:
    answer = caller.call("POST", path, {"Idempotency-Key": str(uuid4())}, json=body)
    assert answer.status_code < 300, answer.text
    return exact(answer)
