"""For tests of the rules: a day in the calendar, and a shop whose Stripe is a dictionary."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest
import responses
import time_machine
from pydantic import SecretStr

from billing import catalog, stripe_gateway
from billing.db import db, snapshot
from billing.ledger.invariants import check_books
from billing.money_invariants import check_money, unsteady_payments
from tests.billing.shop import Shop
from tests.billing.stripe_stand_in import BASE, StripeStandIn

CATALOG = """
currency = "usd"
[free_plan]
name = "Free"
signup_credits = 0
quotas = { images = 5, searches = 10 }
[quotas.images]
name = "Images"
period = "lifetime"
[quotas.searches]
name = "Searches"
period = "month"
[actions.image]
name = "Image"
cost = 5
quotas = ["images"]
on_failure = { moderation = 50 }
[actions.search]
name = "Search"
cost = 1
quotas = ["searches"]
[influencers.luna]
name = "Luna"
[influencers.luna.tiers.basic]
name = "Basic"
price = "9.99"
credits = 50
[influencers.nico]
name = "Nico"
[influencers.nico.tiers.basic]
name = "Basic"
price = "7.99"
credits = 40
"""


class Calendar:
    """All time stands still on a day until a test turns the page."""

    def __init__(self, traveller: time_machine.Traveller) -> None:
        self._traveller = traveller

    def to(self, moment: str) -> None:
        """Go to `2026-01-31` or `2026-01-31 10:00`, UTC."""
        self._traveller.move_to(datetime.fromisoformat(moment).replace(tzinfo=UTC))

    def later(self, **units: float) -> None:
        """Go on by so much: `later(days=3)`."""
        self._traveller.shift(timedelta(**units))


@pytest.fixture
def calendar() -> Iterator[Calendar]:
    """It is 1 January 2026, midnight UTC."""
    with time_machine.travel(datetime(2026, 1, 1, tzinfo=UTC), tick=False) as traveller:
        yield Calendar(traveller)


@pytest.fixture
def stripe(tmp_path: Path) -> Iterator[StripeStandIn]:
    """Stripe in a dictionary, behind our real gateway, and a small catalog."""
    file = tmp_path / "catalog.toml"
    file.write_text(CATALOG)
    catalog.configure(catalog.load_catalog(file))
    settings = SimpleNamespace(
        stripe_secret_key=SecretStr("sk_test_saldo"), stripe_api_base=BASE, public_url="http://127.0.0.1:8000"
    )
    stripe_gateway.configure(settings)  # type: ignore[arg-type]
    stand_in = StripeStandIn()
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        stand_in.switch_on(mock)
        yield stand_in


@pytest.fixture
def shop(calendar: Calendar, database: None, stripe: StripeStandIn) -> Iterator[Shop]:
    """A customer with an empty account, and things to sell. At the end of the test every invariant holds."""
    yield Shop(stripe)
    every_invariant_holds()


def every_invariant_holds() -> None:
    """Audit the whole database, but for what it enforces itself: that keys are unique and references lead somewhere."""
    db.session.rollback()
    with snapshot() as connection:
        found = [*check_books(connection, unsteady=unsteady_payments(connection, None)), *check_money(connection)]
    assert found == []
