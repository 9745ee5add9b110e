"""Stripe's events come twice, in any order, late or never: in the end the books are those of an orderly day."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask import Flask

from billing import reconcile as reconciling
from billing.reconcile import Finding
from tests.flows.conftest import Town
from tests.flows.people import Customer

pytestmark = pytest.mark.force

A_DAY_AGO = datetime.now(UTC) - timedelta(days=1)

SWITCHES: dict[str, dict[str, Any]] = {
    "orderly": {},
    "duplicate": {"duplicate": True},
    "reorder": {"reorder": True, "window_seconds": 0.15},
    "delay": {"delay_seconds": 0.1},
    "all at once": {"duplicate": True, "reorder": True, "window_seconds": 0.1, "delay_seconds": 0.05, "drop": 5},
    "drop": {"off": True},
}

LEDGER = sorted(
    [
        ("CREDIT", "signup", 60),
        ("PURCHASE", "pack", 500),
        ("REFUND", "payment_refunded", -251),  # 10.00 of 19.99 went back: 250.1 credits, to a whole one
        *[("CREDIT", "cycle", 500)] * 3,
        *[("DEBIT", "expired", -500)] * 2,
        *[("CREDIT", "cycle", 50)] * 2,
        *[("DEBIT", "expired", -50)] * 2,
    ]
)


def walk(town: Town, email: str) -> Customer:
    """Two months in which Saldo learns everything from webhooks: whoever pays closes the window at once."""
    eva = town.customer(email)
    for choose in (
        lambda: eva.choose_plan("Basic"),
        lambda: eva.choose_influencer("luna-style", "Basic"),
        lambda: eva.choose_pack("500 credits"),
    ):
        paid = town.sandbox.pay(choose().session_id)
    town.installation.advance(days=31)
    town.sandbox.control("refunds", {"payment_intent": paid["session"]["payment_intent"], "amount": 1000})
    stripe = town.sandbox.client.v1
    (luna,) = (
        each
        for each in stripe.subscriptions.list({"customer": town.stripe_customer(eva)}).data
        if "saldo_influencer" in each.metadata
    )
    stripe.subscriptions.update(luna.id, {"cancel_at_period_end": True})
    town.installation.advance(days=35)
    town.sandbox.flush(retries=True)
    return eva


def reconcile(town: Town) -> dict[str, Any]:
    since = A_DAY_AGO.isoformat()
    return dict(json.loads(town.installation.command("stripe", "reconcile", "--json", "--since", since)))


@pytest.mark.parametrize("name", SWITCHES)
def test_ends_as_on_an_orderly_day__F018_F020_F027_F033_F035(town: Town, name: str) -> None:
    town.sandbox.control("webhooks", SWITCHES[name])
    eva = walk(town, f"{name.replace(' ', '-')}@example.com")
    town.sandbox.control("webhooks", {"off": False})
    if name == "drop":
        assert town.entries(eva) == [("CREDIT", "signup", 60)]
    found = reconcile(town)
    assert found["failed"] == found["parked"] == []
    if name in ("orderly", "duplicate", "reorder", "delay"):
        assert found["booked"] == []
    assert reconcile(town)["booked"] == []

    town.installation.advance(days=8)  # what was granted after its time lives seven days (R10)
    assert sorted(town.entries(eva)) == LEDGER
    balance = town.balance(eva)
    assert (balance["balance"], balance["available"], balance["debt"], balance["frozen"]) == (809, 809, 0, 0)
    assert sorted((grant["source"], grant["remaining"]) for grant in balance["grants"]) == [
        ("cycle", 500),
        ("pack", 249),
        ("signup", 60),
    ]
    assert town.subscription(eva)["status"] == "active"
    assert town.subscription(eva, "influencer")["status"] == "canceled"
    assert not town.installation.api(f"customers/{town.id_of(eva)}/access/luna-style")["access"]
    assert town.payment(eva)["refunded_minor"] == 1000
    assert [len(town.payments(eva, kind)) for kind in ("plan", "influencer")] == [3, 2]
    # Nothing of it goes on in the next story.
    town.sandbox.client.v1.subscriptions.cancel(town.subscription(eva)["stripe_id"])


def test_books_once_when_reconcile_runs_beside_late_events__F034(town: Town) -> None:
    town.sandbox.control("webhooks", {"off": True})
    eva = walk(town, "both@example.com")
    town.sandbox.control("webhooks", {"off": False})
    lost = [each["event"] for each in town.sandbox.control("deliveries")["data"] if each["state"] == "undelivered"]

    def reconcile_beside(app: Flask) -> list[Finding]:
        with app.app_context():
            report = reconciling.reconcile(A_DAY_AGO)
            assert report.failed == report.parked == []
            return report.booked

    with town.installation.inside() as app, ThreadPoolExecutor(4) as pool:
        running = [pool.submit(reconcile_beside, app) for _ in range(4)]
        for event_id in lost:
            town.sandbox.control(f"events/{event_id}/resend", {})
        booked = [finding for each in running for finding in each.result(120)]
    assert len(booked) == len({finding.stripe_id for finding in booked})
    town.sandbox.flush(retries=True)
    assert reconcile(town)["booked"] == []
    town.installation.advance(days=8)
    assert sorted(town.entries(eva)) == LEDGER


def test_pack_can_be_bought_again_however_many_of_its_events_are_missing(town: Town) -> None:
    town.sandbox.control("webhooks", {"off": True})
    eva = town.customer("again@example.com")
    for _ in range(5):
        town.sandbox.pay(eva.choose_pack("100 credits").session_id)
    assert town.entries(eva) == [("CREDIT", "signup", 60)]
    reconcile(town)
    assert town.entries(eva) == [("CREDIT", "signup", 60), *[("PURCHASE", "pack", 100)] * 5]
