"""A catalog with actions of every kind, and apps that spend by it; no Stripe is needed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from billing import adjustments, customers
from billing.db import db
from billing.money import MICRO
from tests.conftest import Clock, environ_for

CATALOG = """
currency = "usd"
credit_value_usd = "0.01"

[quotas.images]
name = "Images"
period = "month"

[quotas.voices]
name = "Voices"
period = "lifetime"

[free_plan]
name = "Free"
quotas = { images = 3, voices = 1 }

[plans.endless]
name = "Endless"
price = { month = 99 }
credits = 0
unlimited = true

[influencers.luna]
name = "Luna"
[influencers.luna.tiers.basic]
name = "Basic"
price = "9.99"
credits = 50

[actions.text]
name = "Text"
cost = 10

[actions.image]
name = "Image"
cost = 5
quotas = ["images"]

[actions.voice]
name = "Voice"
cost = 1
quotas = ["voices"]

[actions.video]
name = "Video"
cost = 2
kind = "per_unit"
unit = "second"
per = 10
max_units = 60
on_failure = { moderation = 50 }

[actions.chat]
name = "Chat"
kind = "tokens"
markup = 2
[actions.chat.models.small]
input_per_million_usd = "0.15"
output_per_million_usd = "0.60"

[actions.private]
name = "Private chat"
cost = 3
requires_influencer = true

[actions.tried]
name = "Tried out"
cost = 7
enforcement = "observe"
"""


@pytest.fixture
def environ(database_url: str, clock: Clock, tmp_path: Path) -> dict[str, str]:
    """The server's settings with this catalog; nobody answers as Stripe."""
    catalog = tmp_path / "catalog.toml"
    catalog.write_text(CATALOG, encoding="utf-8")
    return environ_for(database_url) | {
        "CATALOG": str(catalog),
        "TEST_CLOCK_FILE": str(clock.path),
        "API_RATE_LIMIT": "1000000/minute",
    }


@pytest.fixture
def endow(app: object) -> Callable[..., int]:
    """Makes a customer with so many credits."""

    def make(public_id: str = "ada", credits: int = 100, scope: str | None = None) -> int:
        account_id = customers.ensure_customer(public_id)[0].account_id
        if credits:
            adjustments.grant_credits(account_id, credits * MICRO, "for a test", "operator", scope=scope)
        db.session.rollback()
        return account_id

    return make
