"""What webhooks missed is found at Stripe and booked once, beside whatever else is going on."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import func, select, text

from billing import checkout, clock, payments, reconcile, subscriptions
from billing.db import Base, db
from billing.errors import StripeUnavailable
from billing.models import Dispute, Grant, Refund, StripeEvent
from config import ROOT
from tests.stripe_world import Shop, count, environ, sandbox, shop, stored

__all__ = ["environ", "sandbox", "shop"]


def rows() -> dict[str, int]:
    """How many rows every table has."""
    db.session.rollback()
    return {
        table.name: db.session.scalar(select(func.count()).select_from(table)) or 0
        for table in Base.metadata.sorted_tables
    }


def miss_everything(shop: Shop) -> int:
    """A plan, two packs, an influencer, a renewal, a refund and a dispute, of which no webhook arrived."""
    shop.online = False
    ada = shop.customer()
    shop.sandbox.pay(checkout.start_plan_checkout(ada, "basic", "month").id)
    shop.sandbox.pay(checkout.start_influencer_checkout(ada, "luna", "basic").id)
    packs = [checkout.start_pack_checkout(ada, pack) for pack in ("small", "large")]
    intents = [shop.sandbox.pay(pack.id)["session"]["payment_intent"] for pack in packs]
    shop.sandbox.advance(days=31)
    shop.sandbox.control("refunds", {"payment_intent": intents[0]})
    shop.sandbox.control("disputes", {"payment_intent": intents[1]})
    return ada


def assert_all_is_booked(shop: Shop, ada: int) -> None:
    assert shop.entries(ada, "cycle").count(500) == 2
    assert shop.entries(ada, "cycle").count(50) == 2
    assert shop.entries(ada, "pack") == [100, 1150] or shop.entries(ada, "pack") == [1150, 100]
    assert shop.entries(ada, "payment_refunded") == [-100]
    assert [view.status for view in shop.subscriptions(ada).values()] == ["active", "active"]
    assert (count(Refund), count(Dispute)) == (1, 1)
    frozen = db.session.scalars(select(Grant.freeze_target).where(Grant.reason == "pack")).all()
    assert sorted(frozen) == [0, 1150_000_000]


def test_finds_and_books_what_was_missed_and_nothing_twice__F033(shop: Shop) -> None:
    ada = miss_everything(shop)
    report = reconcile.reconcile()
    assert {finding.kind for finding in report.booked} >= {"checkout.session", "invoice", "dispute"}
    assert (report.parked, report.failed) == ([], [])
    assert_all_is_booked(shop, ada)
    before = rows()
    again = reconcile.reconcile()
    assert (again.booked, again.parked, again.failed) == ([], [], [])
    assert again.looked_at >= report.looked_at
    assert rows() == before


def test_says_on_a_dry_run_what_is_missing_and_writes_nothing(shop: Shop) -> None:
    ada = miss_everything(shop)
    before = rows()
    report = reconcile.reconcile(dry_run=True)
    assert len([finding for finding in report.booked if finding.kind == "invoice"]) == 4
    assert rows() == before
    assert shop.entries(ada) == []


def test_books_the_events_that_come_after_it_no_more__F033(shop: Shop) -> None:
    ada = miss_everything(shop)
    reconcile.reconcile()
    before = rows()
    for event in shop.events():
        shop.status(event)
    assert_all_is_booked(shop, ada)
    after = rows()
    assert {name: after[name] for name in after if name != "stripe_events"} == {
        name: before[name] for name in before if name != "stripe_events"
    }


def test_ends_the_same_whether_told_or_found(shop: Shop) -> None:
    """Confluence (I24): the events in reverse order, then a reconcile."""
    ada = miss_everything(shop)
    for event in reversed(shop.events()):
        shop.status(event)
    assert_all_is_booked(shop, ada)
    assert reconcile.reconcile().booked == []


def test_books_once_when_four_run_at_once_beside_the_same_events__F034(shop: Shop, environ: dict[str, str]) -> None:
    ada = miss_everything(shop)
    processes = [
        subprocess.Popen(
            [sys.executable, "-m", "flask", "--app", "wsgi", "stripe", "reconcile", "--json"],
            cwd=ROOT,
            env=os.environ | environ,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(4)
    ]
    statuses = [shop.post(event).status_code for event in shop.events() * 2]
    outputs = [process.communicate(timeout=120) for process in processes]
    assert set(statuses) <= {200, 503}
    for process, (_, errors) in zip(processes, outputs, strict=True):
        assert process.returncode in (0, 1), errors
        assert "Traceback" not in errors
    reconcile.reconcile()
    assert_all_is_booked(shop, ada)


def test_reaches_beyond_what_stripe_remembers_of_events__F035(shop: Shop) -> None:
    shop.online = False
    ada = shop.customer()
    shop.sandbox.pay(checkout.start_pack_checkout(ada, "small").id)
    shop.sandbox.pay(checkout.start_plan_checkout(ada, "basic", "month").id)
    shop.sandbox.advance(days=50)
    assert reconcile.reconcile().booked  # the renewal
    assert shop.entries(ada, "pack") == []
    reconcile.reconcile(since=clock.now() - timedelta(days=60))
    assert shop.entries(ada, "pack") == [100]
    assert shop.entries(ada, "cycle") == [500, 500]
    before = rows()
    reconcile.reconcile(since=clock.now() - timedelta(days=60))
    assert rows() == before


def test_copies_a_subscription_whose_end_was_missed(shop: Shop) -> None:
    ada = shop.customer()
    shop.sandbox.pay(checkout.start_plan_checkout(ada, "basic", "month").id)
    (view,) = shop.subscriptions(ada).values()
    shop.online = False
    shop.sandbox.client.v1.subscriptions.cancel(view.stripe_id)
    assert subscriptions.current_plan(ada).plan == "basic"
    report = reconcile.reconcile()
    assert [(finding.kind, finding.stripe_id) for finding in report.booked] == [("subscription", view.stripe_id)]
    db.session.rollback()
    assert subscriptions.current_plan(ada).plan == "free"


def test_keeps_a_failed_delayed_payment_failed(shop: Shop) -> None:
    ada = shop.customer()
    started = checkout.start_pack_checkout(ada, "small")
    shop.sandbox.pay(started.id, with_="delayed")
    shop.sandbox.settle(started.id, "failed")
    reconcile.reconcile()
    status = db.session.execute(text("SELECT status FROM checkouts WHERE session_id = :id"), {"id": started.id})
    assert status.scalar() == "failed"
    assert shop.entries(ada) == []


def test_leaves_other_businesses_alone(shop: Shop) -> None:
    client = shop.sandbox.client.v1
    other = client.customers.create({"email": "other@example.com"})
    client.products.create({"id": "prod_other", "name": "Shoes"})
    price = client.prices.create({"product": "prod_other", "unit_amount": 500, "currency": "usd"})
    bought = client.checkout.sessions.create(
        {
            "mode": "payment",
            "customer": other.id,
            "line_items": [{"price": price.id, "quantity": 1}],
            "success_url": "https://other.example/",
        }
    )
    shop.online = False
    intent = shop.sandbox.pay(bought.id)["session"]["payment_intent"]
    shop.sandbox.control("refunds", {"payment_intent": intent})
    before = rows()
    report = reconcile.reconcile()
    assert (report.booked, report.parked, report.failed) == ([], [], [])
    assert rows() == before
    for event in shop.events("checkout.session.completed", "refund.created", "charge.refunded"):
        assert shop.status(event) == "ignored"


@pytest.mark.parametrize("event_type", ["refund.created", "charge.refunded"])
def test_books_the_payment_first_when_its_refund_is_told_before_it__R6(shop: Shop, event_type: str) -> None:
    shop.online = False
    ada = shop.customer()
    session = shop.sandbox.pay(checkout.start_pack_checkout(ada, "small").id)["session"]
    shop.sandbox.control("refunds", {"payment_intent": session["payment_intent"]})
    (event,) = shop.events(event_type)
    assert shop.status(event) == "done"
    assert shop.entries(ada) == [100, -100]
    for other in shop.events():
        shop.status(other)
    assert shop.entries(ada) == [100, -100]


def test_books_the_invoice_first_when_its_dispute_is_told_before_it__R6(shop: Shop) -> None:
    shop.online = False
    ada = shop.customer()
    shop.sandbox.pay(checkout.start_plan_checkout(ada, "basic", "month").id)
    (paid,) = shop.events("invoice_payment.paid")
    intent = paid["data"]["object"]["payment"]["payment_intent"]
    shop.sandbox.control("disputes", {"payment_intent": intent})
    (event,) = shop.events("charge.dispute.created")
    assert shop.status(event) == "done"
    assert shop.entries(ada) == [500]
    assert payments.list_payments(ada)[0].disputed
    assert stored(event["id"]).account_id in (None, ada)


def test_takes_two_partial_refunds_from_cumulative_sums_once_each__F076(shop: Shop) -> None:
    ada = shop.customer()
    session = shop.sandbox.pay(checkout.start_pack_checkout(ada, "large").id)["session"]
    shop.online = False
    for amount in (390, 780):
        shop.sandbox.control("refunds", {"payment_intent": session["payment_intent"], "amount": amount})
    for event in (*reversed(shop.events("charge.refunded")), *shop.events("charge.refunded")):
        shop.status(event)
    assert sum(shop.entries(ada, "payment_refunded")) == -345  # ceil(1150 × 1170 / 3900)


def test_ends_with_could_not_while_stripe_is_away(shop: Shop) -> None:
    miss_everything(shop)
    shop.sandbox.fault("401", path="/v1/invoices", times=100)
    with pytest.raises(StripeUnavailable):
        reconcile.reconcile()


def run(shop: Shop, *words: str) -> Any:
    return shop.app.test_cli_runner().invoke(args=[*words])


def test_answers_with_exit_codes_for_programs(shop: Shop) -> None:
    ada = miss_everything(shop)
    missing = run(shop, "stripe", "reconcile", "--dry-run", "--json")
    assert missing.exit_code == 1
    assert json.loads(missing.stdout.splitlines()[-1])["booked"]
    assert run(shop, "stripe", "reconcile", "--since", "2020-01-01").exit_code == 0
    assert_all_is_booked(shop, ada)
    assert run(shop, "stripe", "reconcile", "--dry-run").exit_code == 0
    assert run(shop, "stripe", "reconcile", "--since", "yesterday").exit_code == 2
    shop.sandbox.fault("401", times=50)
    assert run(shop, "stripe", "reconcile").exit_code == 2


def test_replays_an_event_by_command(shop: Shop) -> None:
    shop.online = False
    ada = shop.customer()
    shop.sandbox.pay(checkout.start_pack_checkout(ada, "small").id)
    (event,) = shop.events("checkout.session.completed")
    done = run(shop, "stripe", "replay", event["id"], "--json")
    assert done.exit_code == 0
    assert json.loads(done.stdout.splitlines()[-1]) == {"event": event["id"], "status": "done"}
    assert shop.entries(ada) == [100]
    unknown = run(shop, "stripe", "replay", "evt_nobody", "--json")
    assert (unknown.exit_code, json.loads(unknown.stdout.splitlines()[-1]).keys()) == (2, {"error"})


def test_runs_failed_events_again_with_a_reconcile(shop: Shop) -> None:
    shop.online = False
    ada = shop.customer()
    shop.sandbox.pay(checkout.start_plan_checkout(ada, "basic", "month").id)
    (event,) = shop.events("customer.subscription.created")
    shop.sandbox.fault("401", path="/v1/subscriptions")
    assert shop.post(event).status_code == 503
    assert stored(event["id"]).status == "failed"
    assert run(shop, "stripe", "reconcile").exit_code == 0
    assert stored(event["id"]).status == "done"
    assert db.session.scalar(select(func.count()).select_from(StripeEvent)) == 1


def test_advances_the_sandbox_and_saldo_with_it(shop: Shop) -> None:
    ada = shop.customer()
    shop.sandbox.pay(checkout.start_plan_checkout(ada, "basic", "month").id)
    at = clock.now()
    assert run(shop, "sandbox", "advance", "31").exit_code == 0
    # The sandbox counts whole seconds, as Stripe does: what began within a second may end up that much earlier.
    assert clock.now() - at > timedelta(days=31, seconds=-1)
    assert shop.entries(ada, "cycle") == [500, 500]
