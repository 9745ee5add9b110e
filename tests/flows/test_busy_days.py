"""Busy days: a mixed load for minutes, everybody's renewal within one, a customer with a very long history."""

from __future__ import annotations

import random
import re
import subprocess
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from statistics import quantiles
from typing import Any

import pytest
from sqlalchemy import func, select

from bench.baselines import stripe_objects
from bench.history import make_history
from bench.saldo import link_customers
from billing import clock, prices
from billing.db import db, transaction
from billing.models import Entry
from billing.money import MICRO
from tests.flows.conftest import Town
from tests.flows.mixed_load import begin

pytestmark = pytest.mark.force

RELAXED = 8
"""The short forms run beside other tests: they may take so many times what the long ones, alone on a machine, may."""


@pytest.fixture(scope="module")
def workers() -> int:
    """As many as FAULTS asks for."""
    return 4


def percentile(seconds: list[float], n: int) -> float:
    return quantiles(seconds, n=100, method="inclusive")[n - 1]


def timed(act: Callable[[], Any]) -> float:
    begun_at = time.perf_counter()
    act()
    return time.perf_counter() - begun_at


@pytest.mark.parametrize(
    ("seconds", "rate", "relaxed"), [(4, 1, RELAXED), pytest.param(600, 200, 1, marks=pytest.mark.slow)]
)
def test_mixed_load_is_answered_without_one_failure__F201(town: Town, seconds: int, rate: int, relaxed: int) -> None:
    town.sandbox.control("webhooks", {"off": True})
    load = begin(town, f"busy{seconds}")
    before = len(load.acts)
    over_at = time.monotonic() + seconds
    with load.going_on(16):
        while time.monotonic() < over_at:
            load.pay()
            time.sleep(0.5)
    assert (load.unavailable, load.cut_off) == (0, 0)
    debits = [act.seconds for act in load.acts if act.kind == "debit" and act.done]
    assert percentile(debits, 99) < 0.5 * relaxed
    assert len(load.acts) - before >= rate * seconds
    load.ask_again()
    town.installation.command("worker", "--once")
    load.assert_each_happened_once()
    load.assert_holds_stand()
    load.assert_money_went_back_once()


def make_subscribers(numbers: range) -> None:
    """Customers `user_N` linked to `cus_N` at Stripe, and the price that they pay."""
    with transaction():
        prices.remember(
            stripe_objects.PRICE,
            "plan:renewed:month",
            active=False,
            product_id=stripe_objects.PRODUCT,
            kind="plan",
            item="renewed",
            interval="month",
            amount_minor=1500,
            currency="usd",
            credits=500 * MICRO,
            synced_at=clock.now(),
        )
    link_customers(numbers)


def cycles_by_account() -> Iterator[int]:
    query = select(func.count()).where(Entry.reason == "cycle").group_by(Entry.account_id)
    yield from db.session.scalars(query)


@pytest.mark.parametrize(
    ("renewals", "within"), [(60, 0), pytest.param(2000, 60, marks=pytest.mark.slow)], ids=["short", "whole"]
)
def test_everybodys_renewal_on_one_day_grants_each_once__F203(town: Town, renewals: int, within: int) -> None:
    """Shuffled, every fifth event twice, and sent again until it is taken, as Stripe does."""
    first = 1 if within else 10_001
    numbers = range(first, first + renewals)
    with town.installation.inside() as app, app.app_context():
        make_subscribers(numbers)
        known = sum(cycles_by_account())
    events = [stripe_objects.paid_event(str(number), 0) for number in numbers]
    sent = events + random.sample(events, renewals // 5)
    random.shuffle(sent)
    quiet = [timed(lambda: town.installation.api("plans")) for _ in range(30)]
    begun_at = time.monotonic()

    def deliver(numbered: tuple[int, dict[str, Any]]) -> None:
        number, event = numbered
        time.sleep(max(0.0, begun_at + within * number / len(sent) - time.monotonic()))
        give_up_at = time.monotonic() + 300
        while (status := town.deliver(event)) != 200:
            assert status == 503
            assert time.monotonic() < give_up_at
            time.sleep(0.2)

    with ThreadPoolExecutor(8) as pool:
        running = [pool.submit(deliver, each) for each in enumerate(sent)]
        busy = []
        while not all(each.done() for each in running):
            busy.append(timed(lambda: town.installation.api("plans")))
            time.sleep(0.05)
        for each in running:
            each.result()
    assert time.monotonic() - begun_at < 300
    with town.installation.inside() as app, app.app_context():
        counts = list(cycles_by_account())
    assert sum(counts) - known == renewals
    assert set(counts) == {1}
    if within and len(busy) > 30:
        assert percentile(busy, 95) < 2 * percentile(quiet, 95)


def peak_mebibytes(process: subprocess.Popen[str]) -> float:
    """The most memory that a process ever held, watched until it ends.

    `getrusage` would not do: a child begins with what its parent, who has just written a long history, held before it.
    """
    peak = 0
    while process.poll() is None:
        known = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{process.pid}/status").read_text())
        peak = int(known[1]) if known else peak
        time.sleep(0.02)
    return peak / 1024


@pytest.mark.parametrize(
    ("entries", "relaxed"), [(20_000, RELAXED), pytest.param(1_000_000, 1, marks=pytest.mark.slow)]
)
def test_history_of_a_million_entries_is_read_and_proven_in_time__F206(town: Town, entries: int, relaxed: int) -> None:
    if not town.installation.settings["DATABASE_URL"].startswith("postgres"):
        pytest.skip("so long a history is for PostgreSQL")
    with town.installation.inside() as app, app.app_context():
        customer, account_id = make_history(entries)
    api = town.installation.api
    balances = [timed(lambda: api(f"customers/{customer}/balance")) for _ in range(100)]
    pages = [
        timed(lambda: api(f"customers/{customer}/entries", limit=100, cursor=f"{account_id}.{deep}"))  # noqa: B023
        for deep in random.sample(range(200, entries), 100)
    ]
    assert percentile(balances, 95) < 0.05 * relaxed
    assert percentile(pages, 95) < 0.2 * relaxed
    begun_at = time.monotonic()
    audit = town.installation.start_flask("ledger", "audit")
    peak = peak_mebibytes(audit)
    said, complaint = audit.communicate()
    assert said == "The books are right.\n", complaint
    assert time.monotonic() - begun_at < 120
    assert 0 < peak < 400
