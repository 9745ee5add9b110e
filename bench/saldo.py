"""A Saldo of its own for a measurement: a database, a server, accounts with credits, and the audit at the end."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

from app import create_app
from bench.baselines import stripe_objects
from bench.processes import gunicorn
from billing import api_keys, clock, customers, prices
from billing.accounts import open_account
from billing.db import db, transaction
from billing.ledger.grants import Terms, open_grant
from billing.ledger.posting import Note
from billing.models import StripeCustomer
from billing.money import MICRO
from config import ROOT, Settings, load_settings

CATALOG = """
currency = "usd"

[free_plan]
name = "Free"
quotas = { images = 1000000000 }

[plans.basic]
name = "Basic"
price = { month = 15 }
credits = 500
quotas = { images = 1000000000 }

[actions.image]
name = "Image"
cost = 5
quotas = ["images"]

[quotas.images]
name = "Images"
period = "month"
"""
"""An action with a price and a quota, so that a debit does all the work that it ever does."""

CREDITS = 100_000_000
"""What each account has: enough for every debit of a run."""

_numbers = count(1)


class CommandFailed(Exception):
    """A `flask` command did not exit 0; the text is the end of what it said."""


class Saldo:
    """One installation on one database."""

    def __init__(self, folder: Path, database_url: str, **settings: str) -> None:
        self.folder = folder
        catalog = folder / "catalog.toml"
        catalog.write_text(CATALOG)
        self.settings = {
            "DATABASE_URL": database_url,
            "SECRET_KEY": "a key for measuring only, 32 letters",
            "STRIPE_SECRET_KEY": "sk_test_bench",
            "STRIPE_WEBHOOK_SECRET": "whsec_bench",
            "STRIPE_API_BASE": "http://127.0.0.1:9",  # nobody answers there
            "CATALOG": str(catalog),
            "LOG_LEVEL": "WARNING",
            "API_RATE_LIMIT": "1000000/second",  # counted as always, never reached
            **settings,
        }
        names = {name.upper() for name in Settings.model_fields}
        self.environ = {name: value for name, value in os.environ.items() if name not in names} | self.settings
        self.environ["FLASK_SKIP_DOTENV"] = "1"
        self.flask("db", "upgrade")

    def flask(self, *command: str) -> str:
        """What a `flask` command prints; raises `CommandFailed` unless it exits 0."""
        command = (sys.executable, "-m", "flask", *command)
        done = subprocess.run(command, cwd=ROOT, env=self.environ, check=False, capture_output=True, text=True)  # noqa: S603
        if done.returncode:
            raise CommandFailed((done.stdout + done.stderr).strip()[-1000:])
        return done.stdout

    @contextmanager
    def inside(self) -> Iterator[None]:
        """Saldo's own functions on this database, in this process."""
        app = create_app(load_settings(self.settings))
        with app.app_context():
            yield
            db.session.remove()
            db.engine.dispose()

    @contextmanager
    def server(self) -> Iterator[int]:
        """Saldo on gunicorn, as shipped; yields its port."""
        with gunicorn("wsgi:app", self.folder / "saldo.log", self.environ) as port:
            yield port

    def problems(self) -> list[str]:
        """What `flask ledger audit` finds; no figure counts that was reached with wrong books."""
        try:
            self.flask("ledger", "audit")
        except CommandFailed as failure:
            return [f"flask ledger audit: {failure}"]
        return []


def make_key() -> str:
    """An API key that may read and spend. Call it inside."""
    return api_keys.create_key("bench", ("credits:read", "credits:spend")).secret


def make_accounts(number: int, credits: int = CREDITS) -> list[str]:
    """Customers with two grants each, one that expires and one that does not; answers their ids. Call it inside."""
    return [make_account(credits) for _ in range(number)]


def make_account(credits: int = CREDITS) -> str:
    """One such customer."""
    public_id = f"user_{next(_numbers):06}"
    account_id = customers.ensure_customer(public_id)[0].account_id
    with transaction(), open_account(account_id) as book:
        for name, priority in (("plan", 10), ("pack", 50)):
            open_grant(
                book,
                "CREDIT",
                "promo",
                credits * MICRO,
                at=book.now,
                terms=Terms(priority=priority),
                note=Note(actor="system"),
                source=f"bench:{public_id}:{name}",
            )
    return public_id


def make_subscribers(numbers: list[str]) -> None:
    """Customers `user_N` linked to `cus_N` at Stripe, and the price that they pay. Call it inside."""
    with transaction():
        prices.put_on_sale(
            stripe_objects.PRICE,
            "plan:basic:month",
            product_id=stripe_objects.PRODUCT,
            kind="plan",
            item="basic",
            interval="month",
            amount_minor=1500,
            currency="usd",
            credits=500 * MICRO,
            synced_at=clock.now(),
        )
    link_customers(numbers)


def link_customers(numbers: Iterable[object]) -> None:
    """Customers `user_N`, linked to `cus_N` at Stripe. Call it inside."""
    for number in numbers:
        account_id = customers.ensure_customer(f"user_{number}")[0].account_id
        link = StripeCustomer(
            stripe_id=f"cus_{number}", account_id=account_id, livemode=False, created_at=clock.now(), deleted_at=None
        )
        with transaction():
            db.session.add(link)
