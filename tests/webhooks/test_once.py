"""However often, in whatever order and with whatever failures on the way events come: each thing is booked once."""

from __future__ import annotations

import itertools
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from threading import Barrier
from typing import Any

import pytest
from sqlalchemy import text

from billing import catalog_sync, checkout, landing, payments, subscriptions
from billing.db import db, transaction
from billing.models import Entry, Price, StripeEvent
from config import ROOT
from tests.stripe_world import Shop, count, environ, sandbox, shop, stored
from webhooks import inbox

__all__ = ["environ", "sandbox", "shop"]


def paid_pack(shop: Shop) -> tuple[int, dict[str, Any]]:
    """An account that paid a pack of 100 credits, and the event of it, not delivered yet."""
    shop.online = False
    ada = shop.customer()
    shop.sandbox.pay(checkout.start_pack_checkout(ada, "small").id)
    (event,) = shop.events("checkout.session.completed")
    return ada, event


def paid_plan(shop: Shop) -> tuple[int, list[dict[str, Any]]]:
    """An account that paid a month of a plan, and every event of it, none delivered yet."""
    shop.online = False
    ada = shop.customer()
    shop.sandbox.pay(checkout.start_plan_checkout(ada, "basic", "month").id)
    return ada, shop.events()


def of_type(events: list[dict[str, Any]], event_type: str) -> dict[str, Any]:
    (event,) = (each for each in events if each["type"] == event_type)
    return event


def start(environ: dict[str, str], body: Path, times: int) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.webhooks.deliver", str(body), str(times)],
        cwd=ROOT,
        env=os.environ | environ,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    while (line := process.stdout.readline()) and line != "ready\n":
        pass
    return process


def go(process: subprocess.Popen[str]) -> None:
    assert process.stdin is not None
    process.stdin.write("go\n")
    process.stdin.flush()


def test_books_an_event_once_that_comes_20_times__F018(shop: Shop) -> None:
    ada, event = paid_pack(shop)
    words = [shop.status(event) for _ in range(20)]
    assert words == ["done"] + ["duplicate"] * 19
    assert shop.entries(ada) == [100]


def test_grants_once_when_same_event_arrives_12_times_at_once__F019(shop: Shop) -> None:
    ada, event = paid_pack(shop)
    together = Barrier(12)

    def deliver(_number: int) -> int:
        together.wait(60)
        return int(shop.post(event).status_code)

    with ThreadPoolExecutor(12) as threads:
        statuses = list(threads.map(deliver, range(12)))
    assert set(statuses) <= {200, 503}
    assert 200 in statuses
    assert shop.entries(ada) == [100]
    assert shop.status(event) == "duplicate"
    assert shop.entries(ada) == [100]


@pytest.mark.force
def test_grants_once_when_same_event_arrives_50_times_at_two_processes__F019(
    shop: Shop, environ: dict[str, str], tmp_path: Path
) -> None:
    ada, event = paid_pack(shop)
    body = tmp_path / "event.json"
    body.write_text(json.dumps(event))
    processes = [start(environ, body, times) for times in (25, 25)]
    for process in processes:
        go(process)
    outputs = [process.communicate(timeout=120)[0] for process in processes]
    statuses = [status for output in outputs for status in json.loads(output.splitlines()[-1])]
    assert len(statuses) == 50
    assert set(statuses) <= {200, 503}
    assert 200 in statuses
    assert shop.entries(ada) == [100]
    assert shop.status(event) == "duplicate"
    assert shop.entries(ada) == [100]


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
def test_grants_a_cycle_once_in_any_order_of_its_events__F020(shop: Shop, order: tuple[int, ...]) -> None:
    ada, events = paid_plan(shop)
    paid = of_type(events, "invoice.paid")
    three = [
        paid,
        paid | {"id": "evt_succeeded", "type": "invoice.payment_succeeded"},
        of_type(events, "invoice_payment.paid"),
    ]
    for number in order:
        shop.status(three[number])
    assert shop.entries(ada) == [500]
    payment_intent = three[2]["data"]["object"]["payment"]["payment_intent"]
    linked = payments.payment_of(payment_intent)
    assert linked is not None
    assert linked.invoice_id == paid["data"]["object"]["id"]


def test_books_a_pack_once_however_it_is_told__F021(shop: Shop) -> None:
    ada, event = paid_pack(shop)
    session = event["data"]["object"]["id"]
    for _ in range(3):
        assert landing.look_at_return(ada, session).status == "paid"
    for other in shop.events("payment_intent.succeeded", "charge.succeeded"):
        assert shop.status(other) == "ignored"
    assert shop.status(event) == "done"
    for _ in range(2):
        assert landing.look_at_return(ada, session).status == "paid"
    assert shop.entries(ada) == [100]


def test_books_after_the_process_died_between_keeping_and_booking__F023(
    shop: Shop, environ: dict[str, str], tmp_path: Path
) -> None:
    ada, events = paid_plan(shop)
    event = of_type(events, "invoice.paid")
    body = tmp_path / "event.json"
    body.write_text(json.dumps(event))
    process = start(environ, body, 1)
    shop.sandbox.fault("latency", path="/v1/subscriptions", seconds=8)
    go(process)
    until = time.monotonic() + 30
    while not count(StripeEvent) and time.monotonic() < until:
        time.sleep(0.05)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert stored(event["id"]).status == "received"
    assert shop.entries(ada) == []
    assert shop.status(event) == "done"
    assert shop.entries(ada) == [500]
    assert shop.status(event) == "duplicate"


def test_books_nothing_when_the_database_fails_and_all_of_it_later__F025(shop: Shop) -> None:
    ada, event = paid_pack(shop)
    with refused_inserts("grants"):
        answer = shop.post(event)
        assert (answer.status_code, answer.json) == (503, {"status": "retry"})
        assert answer.headers["Retry-After"]
        assert count(Entry) == 0
        kept = stored(event["id"])
        assert kept.status == "failed"
        assert kept.note
        assert kept.note.endswith("Error")
    assert shop.status(event) == "done"
    assert shop.entries(ada) == [100]


@contextmanager
def refused_inserts(table: str) -> Iterator[None]:
    """Let the database itself refuse every new row of a table, as one whose disk is full does."""
    does = {
        "sqlite": "BEGIN SELECT RAISE(ABORT, 'no room'); END",
        "postgresql": "FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()",
    }[db.engine.dialect.name]
    on_table = f" ON {table}" if db.engine.dialect.name == "postgresql" else ""
    with transaction() as connection:
        connection.execute(text(f"CREATE TRIGGER no_room BEFORE INSERT ON {table} {does}"))
    yield
    db.session.rollback()
    with transaction() as connection:
        connection.execute(text(f"DROP TRIGGER no_room{on_table}"))


def test_grants_a_first_cycle_whose_invoice_is_told_before_its_session__F027(shop: Shop) -> None:
    ada, events = paid_plan(shop)
    assert shop.status(of_type(events, "invoice.paid")) == "done"
    assert shop.entries(ada) == [500]
    assert subscriptions.current_plan(ada).plan == "basic"
    assert shop.status(of_type(events, "checkout.session.completed")) == "done"
    assert shop.entries(ada) == [500]


@pytest.mark.parametrize("seed", range(4))
def test_ends_the_same_in_whatever_order_a_purchase_is_told(shop: Shop, seed: int) -> None:
    ada, events = paid_plan(shop)
    shuffled = random.Random(seed).choices(events, k=len(events)) + random.Random(seed).sample(events, k=len(events))
    for event in shuffled:
        shop.status(event)
    assert shop.entries(ada) == [500]
    view = subscriptions.current_plan(ada).subscription
    assert view is not None
    assert (view.status, view.paid_until) == ("active", view.current_period_end)


def test_never_goes_back_to_an_older_state_of_a_subscription__F028(shop: Shop) -> None:
    ada, events = paid_plan(shop)
    created = of_type(events, "customer.subscription.created")
    now = {**created, "id": "evt_now", "type": "customer.subscription.updated"}
    before = json.loads(json.dumps(created))
    before["data"]["object"]["status"] = "incomplete"
    before["created"] -= 1
    assert shop.status(now) == "done"
    assert shop.status(before) == "done"
    assert [view.status for view in shop.subscriptions(ada).values()] == ["active"]


def test_leaves_a_newer_subscription_alone_when_an_older_one_ends__F031(shop: Shop) -> None:
    ada, events = paid_plan(shop)
    shop.online = True
    for event in events:
        shop.status(event)
    (old,) = subscriptions.list_subscriptions(ada)
    subscriptions.cancel_subscription(ada, old.id)
    at_stripe = shop.sandbox.client.v1.subscriptions
    bought = at_stripe.retrieve(old.stripe_id)
    assert isinstance(bought.default_payment_method, str)
    new = at_stripe.create(
        {
            "customer": str(bought.customer),
            "items": [{"price": bought["items"].data[0].price.id}],
            "default_payment_method": bought.default_payment_method,
        }
    )
    shop.sandbox.advance(seconds=60)
    before = shop.subscriptions(ada)[new.id]
    credits = shop.balance(ada)
    subscriptions.cancel_subscription(ada, old.id, now=True)
    after = shop.subscriptions(ada)
    assert after[old.stripe_id].status == "canceled"
    assert after[new.id] == before
    assert shop.balance(ada) == credits
    assert subscriptions.current_plan(ada).plan == "basic"


def test_replays_an_event_that_was_kept(shop: Shop) -> None:
    ada, event = paid_pack(shop)
    shop.status(event)
    assert inbox.replay(event["id"]) == "done"
    assert shop.entries(ada) == [100]


def test_replays_an_event_that_never_came_in(shop: Shop) -> None:
    ada, event = paid_pack(shop)
    assert inbox.replay(event["id"]) == "done"
    assert shop.entries(ada) == [100]
    assert stored(event["id"]).account_id == ada


def test_parks_a_price_that_is_missing_and_grants_once_when_it_is_there(shop: Shop) -> None:
    ada, events = paid_plan(shop)
    # The price's row is what a database restored from before the last sync would lack.
    renamed = db.session.query(Price).filter_by(lookup_key="plan:basic:month").one().stripe_id
    invoice = of_type(events, "invoice.paid")
    lines = json.loads(json.dumps(invoice).replace(renamed, "price_of_tomorrow"))
    assert shop.status(lines) == "parked"
    assert shop.entries(ada) == []
    kept = stored(invoice["id"])
    assert kept.status == "parked"
    assert "price_of_tomorrow" in (kept.note or "")
    with transaction():
        old = db.session.get_one(Price, renamed)
        terms = {
            name: getattr(old, name)
            for name in old.__table__.columns.keys()  # noqa: SIM118
            if name not in ("stripe_id", "active", "lookup_key")
        }
        db.session.add(Price(stripe_id="price_of_tomorrow", active=False, lookup_key="plan:basic:old", **terms))
    assert inbox.retry_unfinished() == {invoice["id"]: "done"}
    assert shop.entries(ada) == [500]
    assert inbox.retry_unfinished() == {}
    assert catalog_sync.sync_catalog(dry_run=True).drift == []
