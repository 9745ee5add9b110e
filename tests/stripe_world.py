"""A shop for tests: Saldo, a sandbox Stripe that knows its catalog, and the wire between them.

Import the fixtures a module needs: `from tests.stripe_world import environ, sandbox, shop`.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import stripe
from flask import Flask
from sqlalchemy import func, insert, select

from billing import accounts, catalog_sync, customers, subscriptions
from billing.db import db, transaction
from billing.models import Entry, Price, StripeEvent
from billing.money import MICRO
from billing.subscriptions import SubscriptionView
from tests.conftest import Clock
from tests.sandbox_server import SandboxServer

EVENTS = Path(__file__).parent / "stripe_events"
SECRET = "whsec_saldo"

CATALOG = """
currency = "usd"

[free_plan]
name = "Free"

[plans.basic]
name = "Basic"
price = { month = 15, year = 210 }
credits = 500

[plans.premium]
name = "Premium"
price = { month = 29 }
credits = 1200

[plans.trial]
name = "Trial"
price = { month = 9 }
credits = 90
trial_days = 7
trial_credits = 5

[packs.small]
name = "100 credits"
price = "4.99"
credits = 100
expires_after_days = 365

[packs.large]
name = "1,000 credits"
price = 39
credits = 1000
bonus = 150

[influencers.luna]
name = "Luna"
[influencers.luna.tiers.basic]
name = "Basic"
price = "9.99"
credits = 50
grace_days = 3
[influencers.luna.tiers.gold]
name = "Gold"
price = "19.99"
credits = 150
grace_days = 3

[influencers.nico]
name = "Nico"
[influencers.nico.tiers.basic]
name = "Basic"
price = "7.99"
credits = 40

[influencers.gone]
name = "Gone"
status = "suspended"
[influencers.gone.tiers.basic]
name = "Basic"
price = "5.00"
credits = 10

[actions.image]
name = "Image"
cost = 5
"""


class Shop:
    """Saldo behind its webhook door, wired to a sandbox; events that Stripe sends while `online` is false stay lost."""

    def __init__(self, app: Flask, sandbox: SandboxServer) -> None:
        self.app = app
        self.sandbox = sandbox
        self.online = True
        self.bodies: list[bytes] = []
        self._lost: set[str] = set()
        self.statuses: list[int] = []

    def receive(self, body: bytes, signature: str) -> int:
        """What Stripe sent; runs in the sandbox's own thread."""
        event = json.loads(body)
        if event["type"].startswith(("product.", "price.", "billing_portal.")):
            return 200  # of the catalog, which nobody listens to
        self.bodies.append(body)
        if not self.online or event["id"] in self._lost:
            self._lost.add(event["id"])  # a retry would come at a moment of its own, before or after the test's step
            return 500
        client = self.app.test_client()
        answer = client.post("/webhooks/stripe", data=body, headers={"Stripe-Signature": signature})
        self.statuses.append(answer.status_code)
        return answer.status_code

    def events(self, *types: str) -> list[dict[str, Any]]:
        """Every event Stripe tried to send, once each, of these types (all without)."""
        self.sandbox.flush()
        seen = {event["id"]: event for event in map(json.loads, self.bodies)}
        return [event for event in seen.values() if not types or event["type"] in types]

    def post(self, event: Any, **options: Any) -> Any:
        """Deliver an event (or any bytes) with a good signature, unless `signature` says otherwise."""
        return post(self.app, event, **options)

    def status(self, event: Any, **options: Any) -> str:
        """The word that the door answers to an event; it has to be a 200."""
        answer = self.post(event, **options)
        assert answer.status_code == 200, answer.get_data(as_text=True)
        return str(answer.json["status"])

    def customer(self, public_id: str = "ada") -> int:
        """The account of a new customer."""
        made, _ = customers.ensure_customer(public_id, email=f"{public_id}@example.com")
        return made.account_id

    def subscriptions(self, account_id: int) -> dict[str, SubscriptionView]:
        """The account's subscriptions as they are now, by Stripe's id."""
        self.sandbox.flush()
        db.session.rollback()
        return {view.stripe_id: view for view in subscriptions.list_subscriptions(account_id)}

    def balance(self, account_id: int) -> float | int:
        """Whole credits on the account."""
        self.sandbox.flush()
        db.session.rollback()
        return accounts.read_balance(account_id).balance / MICRO

    def entries(self, account_id: int, *reasons: str) -> list[int]:
        """Credits of each entry of the account, oldest first, of these reasons (all without)."""
        self.sandbox.flush()
        db.session.rollback()
        query = select(Entry.amount).where(Entry.account_id == account_id).order_by(Entry.seq)
        if reasons:
            query = query.where(Entry.reason.in_(reasons))
        return [amount // MICRO for amount in db.session.scalars(query)]


def post(app: Flask, event: Any, *, secret: str = SECRET, at: float | None = None, signature: str | None = None) -> Any:
    """POST an event (a mapping or raw bytes) to the webhook door, signed as Stripe signs."""
    body = event if isinstance(event, bytes) else json.dumps(event).encode()
    headers = {"Stripe-Signature": sign(body, secret, at) if signature is None else signature}
    return app.test_client().post("/webhooks/stripe", data=body, headers=headers)


def sign(body: bytes, secret: str = SECRET, at: float | None = None) -> str:
    """The `Stripe-Signature` header for a body, made by the SDK's own generator."""
    return stripe.WebhookSignature.generate_signature_header(
        body.decode(errors="surrogateescape"), secret, timestamp=int(time.time() if at is None else at)
    )


def sample(name: str, **changes: Any) -> dict[str, Any]:
    """An event of `tests/stripe_events`, with fields of its object changed."""
    event: dict[str, Any] = json.loads((EVENTS / f"{name}.json").read_text(encoding="utf-8"))
    event["data"]["object"].update(changes)
    return event


def count(table: Any) -> int:
    """Rows of a table."""
    db.session.rollback()
    return db.session.scalar(select(func.count()).select_from(table)) or 0


def stored(event_id: str) -> StripeEvent:
    """An event in the inbox."""
    db.session.rollback()
    return db.session.get_one(StripeEvent, event_id)


@pytest.fixture
def sandbox(clock: Clock) -> Iterator[SandboxServer]:
    """A Stripe of this test's own; its clock and Saldo's are one."""
    receiver: list[Shop] = []

    def deliver(body: bytes, signature: str) -> int:
        return receiver[0].receive(body, signature) if receiver else 500

    with SandboxServer(
        deliver=deliver, secret_key="sk_test_saldo", webhook_secret=SECRET, clock_file=clock.path
    ) as sandbox:
        sandbox.receiver = receiver  # type: ignore[attr-defined]
        yield sandbox


@pytest.fixture
def environ(environ: dict[str, str], sandbox: SandboxServer, tmp_path: Path) -> dict[str, str]:
    """The server's settings, with the sandbox as Stripe and a small catalog."""
    catalog = tmp_path / "catalog.toml"
    catalog.write_text(CATALOG, encoding="utf-8")
    return environ | {"STRIPE_API_BASE": sandbox.base_url, "CATALOG": str(catalog)}


_SYNCED: dict[str, tuple[list[dict[str, Any]], list[dict[str, Any]]]] = {}
"""By catalog: what a sync leaves at Stripe and in the price table. To repeat it takes longer than most tests."""


def put_on_sale(app: Flask, sandbox: SandboxServer) -> None:
    """Have the server's catalog at Stripe and in the price table, as `flask stripe sync-catalog` leaves it."""
    catalog = app.config["SETTINGS"].catalog.read_text(encoding="utf-8")
    if catalog not in _SYNCED:
        catalog_sync.sync_catalog()
        rows = db.session.execute(select(Price.__table__)).mappings()
        objects = sandbox.copy_objects("product", "price", "billing_portal.configuration")
        _SYNCED[catalog] = objects, [dict(row) for row in rows]
        return
    objects, prices = _SYNCED[catalog]
    sandbox.begin_with(objects)
    with transaction() as connection:
        connection.execute(insert(Price), prices)


@pytest.fixture
def shop(app: Flask, sandbox: SandboxServer) -> Shop:
    """Saldo and its sandbox, wired together, with the catalog at Stripe."""
    put_on_sale(app, sandbox)
    shop = Shop(app, sandbox)
    sandbox.receiver.append(shop)  # type: ignore[attr-defined]
    return shop
