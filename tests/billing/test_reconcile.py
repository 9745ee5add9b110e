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

from billing import accounts, audit, checkout, clawback, clock, payments, reconcile, subscriptions
from billing.db import Base, db, transaction
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
    assert again.is_clean
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


@pytest.mark.force
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
    assert [(finding.kind, finding.stripe_id) for finding in report.repaired] == [("subscription", view.stripe_id)]
    assert report.booked == []
    db.session.rollback()
    assert subscriptions.current_plan(ada).plan == "free"


@pytest.fixture
def sold(shop: Shop) -> int:
    """A pack of 100 credits for 4.99, of which 2.00 went back, and a month of a plan; all told, a day ago."""
    ada = shop.customer()
    session = shop.sandbox.pay(checkout.start_pack_checkout(ada, "small").id)["session"]
    shop.sandbox.pay(checkout.start_plan_checkout(ada, "basic", "month").id)
    shop.sandbox.control("refunds", {"payment_intent": session["payment_intent"], "amount": 200})
    shop.sandbox.flush()
    shop.sandbox.advance(days=1)
    db.session.rollback()
    assert shop.entries(ada, "payment_refunded") == [-41]  # ceil(100 × 200 / 499)
    return ada


def tamper(statement: str) -> None:
    with transaction() as write:
        assert write.execute(text(statement)).rowcount == 1
    db.session.rollback()


@pytest.mark.parametrize(
    ("statement", "kind", "word"),
    [
        ("UPDATE payments SET amount_minor = 400 WHERE item = 'small'", "checkout.session", "400 usd is 499 usd"),
        ("UPDATE payments SET amount_minor = 1 WHERE kind = 'plan'", "invoice", "1 usd is 1500 usd"),
        ("UPDATE refunds SET amount_minor = 300", "refund", "succeeded, 300 usd is succeeded, 200 usd"),
        ("UPDATE refunds SET status = 'failed'", "refund", "failed, 200 usd is succeeded, 200 usd"),
        ("UPDATE refunds SET status = 'pending', settled_at = NULL", "refund", "done"),
    ],
)
def test_sets_right_what_differs_and_says_on_a_dry_run_what_would_be(
    shop: Shop, sold: int, statement: str, kind: str, word: str
) -> None:
    tamper(statement)
    assert list(audit.audit()) or "amount_minor = 1" in statement, "of the plan nothing has gone back"
    before = rows()
    for dry_run in (True, False):
        report = reconcile.reconcile(dry_run=dry_run)
        assert [(each.kind, each.word.removeprefix("corrected: ")) for each in report.repaired] == [(kind, word)]
        assert (report.booked, report.only_here, report.failed) == ([], [], [])
        assert not dry_run or rows() == before
    assert reconcile.reconcile().is_clean
    assert sum(shop.entries(sold, "payment_refunded", "refund_failed")) == -41
    assert list(audit.audit()) == []


def test_brings_what_was_taken_in_line_with_what_was_paid__R7(shop: Shop, sold: int) -> None:
    """The books once believed in 2.00 for the pack, and so took all of its credits."""
    tamper("UPDATE payments SET amount_minor = 200 WHERE item = 'small'")
    (refund,) = db.session.scalars(select(Refund)).all()
    with transaction(), accounts.open_account(sold) as book:
        cause = clawback.Cause(refund.id, "payment_refunded", "refund_failed", "stripe")
        clawback.follow_money(book, refund.payment_id, cause)
    assert list(audit.audit()) == []
    assert shop.balance(sold) == 500
    reconcile.reconcile()
    assert shop.balance(sold) == 559
    assert list(audit.audit()) == []


def test_names_what_stripe_does_not_know_and_leaves_it(shop: Shop, sold: int) -> None:
    tamper("UPDATE payments SET session_id = 'cs_made_up' WHERE item = 'small'")
    tamper("UPDATE refunds SET stripe_id = 're_made_up'")
    tamper("UPDATE subscriptions SET stripe_id = 'sub_made_up'")
    before = rows()
    report = reconcile.reconcile(dry_run=True)
    assert {(each.kind, each.stripe_id, each.customer) for each in report.only_here} == {
        ("checkout.session", "cs_made_up", "ada"),
        ("refund", "re_made_up", "ada"),
        ("subscription", "sub_made_up", "ada"),
    }
    assert report.is_unsolved
    assert rows() == before


def test_asks_for_each_thing_that_a_list_lacks_before_it_says_so(shop: Shop, sold: int) -> None:
    """A list from this moment on has none of it: that alone says nothing."""
    report = reconcile.reconcile(since=clock.now() - timedelta(hours=1))
    assert report.only_here == []
    tamper("UPDATE refunds SET created_at = (SELECT max(at) FROM entries)")
    shop.sandbox.advance(days=1)
    assert reconcile.reconcile(since=clock.now() - timedelta(hours=25)).only_here == []
    assert shop.sandbox.calls("GET", "/v1/refunds/")


def test_learns_how_an_old_dispute_ended(shop: Shop) -> None:
    """R8: opened before the lists begin, lost while nobody listened."""
    ada = shop.customer()
    intent = shop.sandbox.pay(checkout.start_pack_checkout(ada, "small").id)["session"]["payment_intent"]
    dispute = shop.sandbox.control("disputes", {"payment_intent": intent})
    shop.sandbox.flush()
    shop.sandbox.advance(days=50)
    shop.online = False
    shop.sandbox.control(f"disputes/{dispute['id']}", {"status": "lost"})
    report = reconcile.reconcile()
    assert [(each.kind, each.stripe_id) for each in report.repaired] == [("dispute", dispute["id"])]
    assert shop.entries(ada, "dispute_lost") == [-100]
    assert reconcile.reconcile().is_clean


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
