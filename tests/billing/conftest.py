"""For tests of the rules: a day in the calendar, and a shop whose Stripe is a dictionary."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

import psycopg
import pytest
import responses
import time_machine
from flask import Flask
from pydantic import SecretStr

from billing import audit, catalog, stripe_gateway
from billing.db import db, snapshot
from config import ROOT
from tests.billing.shop import Shop
from tests.billing.stripe_stand_in import BASE, StripeStandIn
from tests.conftest import Clock

CATALOG = """
currency = "usd"
[free_plan]
name = "Free"
signup_credits = 0
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


@pytest.fixture(scope="session")
def kept_apps() -> dict[str, Flask]:
    """One app for each kind of database, kept with all the SQL that it has compiled."""
    return {}


@pytest.fixture
def books(database_url: str, clock: Clock, kept_apps: dict[str, Flask]) -> Iterator[None]:
    """As `database`: this test's own one, but reached through the engine of the test before, which is much quicker."""
    kind = database_url.partition(":")[0]
    if kind not in kept_apps:
        app = kept_apps[kind] = Flask("saldo", root_path=str(ROOT))
        app.config["SQLALCHEMY_DATABASE_URI"] = {"sqlite": "sqlite:///x", "postgresql": "postgresql+psycopg://"}[kind]
        app.config["SQLALCHEMY_ENGINE_OPTIONS"] = {"creator": lambda: _connect(app.config["DATABASE"])}
        db.init_app(app)
    app = kept_apps[kind]
    app.config["DATABASE"] = database_url
    with app.app_context():
        yield
        db.session.remove()
        db.engine.dispose()


def _connect(url: str) -> sqlite3.Connection | psycopg.Connection:
    if url.startswith("sqlite"):
        return sqlite3.connect(url.removeprefix("sqlite:///"), check_same_thread=False)
    return psycopg.connect(url)


@pytest.fixture
def shop(calendar: Calendar, books: None, stripe: StripeStandIn) -> Iterator[Shop]:
    """A customer with an empty account, and things to sell. At the end of the test every invariant holds."""
    yield Shop(stripe)
    db.session.rollback()
    with snapshot() as connection:
        found = [violation.line for violation in audit.audit_connection(connection, rows_only=True)]
    assert found == []
