"""The server is killed in the middle of webhooks and checkouts, again and again: nothing is lost or done twice."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import pytest
import requests

from tests.flows.conftest import Town
from tests.flows.people import Customer

pytestmark = pytest.mark.force

PACK = ("PURCHASE", "pack", 100)
CUSTOMERS = 4


@dataclass
class Crowd:
    """Customers who buy a pack each round, and Stripe's events of it; `waiting` are those of the last round."""

    town: Town
    customers: list[Customer]
    events: dict[str, dict[str, Any]] = field(default_factory=dict)
    waiting: list[dict[str, Any]] = field(default_factory=list)
    acknowledged: set[str] = field(default_factory=set)
    cut_off: int = 0

    @contextmanager
    def rush(self) -> Iterator[None]:
        """Deliver what waits, three times each, and let everybody start a checkout, while the block runs."""
        acts = [partial(self._deliver, event) for event in self.waiting for _ in range(3)]
        acts += [partial(self._start_checkout, each) for each in self.customers]
        random.shuffle(acts)
        with ThreadPoolExecutor(len(acts)) as pool:
            running = [pool.submit(act) for act in acts]
            yield
            self.cut_off += sum(not each.result(90) for each in running)

    def pay(self) -> None:
        """Everybody gets to the payment page in the end, and pays."""
        before = {event["id"] for event in self.town.events()}
        for customer in self.customers:
            self.town.sandbox.pay(customer.choose_pack("100 credits").session_id)
        self.waiting = [event for event in self.town.events() if event["id"] not in before]
        self.events |= {event["id"]: event for event in self.waiting}

    def paid_sessions(self) -> dict[str, str]:
        """Every session that was paid, and the event that told of it."""
        told = (event for event in self.events.values() if event["type"] == "checkout.session.completed")
        return {event["data"]["object"]["id"]: event["id"] for event in told}

    def booked_sessions(self) -> set[str]:
        """The sessions whose credits are in the books."""
        return {
            payment["stripe"]["checkout_session"]
            for customer in self.customers
            for payment in self.town.payments(customer, "pack")
        }

    def assert_acknowledged_is_booked(self) -> None:
        """What was acknowledged is in the books: Stripe will not send it again."""
        told = {session for session, event_id in self.paid_sessions().items() if event_id in self.acknowledged}
        assert told <= self.booked_sessions()

    def _deliver(self, event: dict[str, Any]) -> bool:
        status = self.town.deliver(event)
        assert status in (0, 200, 503)
        if status == 200:
            self.acknowledged.add(event["id"])
        return status != 0

    @staticmethod
    def _start_checkout(customer: Customer) -> bool:
        try:
            customer.choose_pack("100 credits")
        except requests.RequestException:
            return False
        return True


@pytest.mark.parametrize("kills", [3, pytest.param(40, marks=pytest.mark.slow)])
def test_each_payment_is_granted_once_however_often_the_server_is_killed__F160_F023(town: Town, kills: int) -> None:
    town.sandbox.control("webhooks", {"off": True})
    crowd = Crowd(town, [town.customer(f"crowd-{kills}-{number}@example.com") for number in range(CUSTOMERS)])
    crowd.pay()
    rounds = 0
    # A kill that came too early or too late proves little: there is always one that cut something off.
    while rounds < kills or not (crowd.cut_off and crowd.acknowledged):
        assert rounds < kills + 20
        with crowd.rush():
            time.sleep(random.uniform(0.02, 0.3))
            town.installation.kill_server()
        town.installation.start_server()
        crowd.pay()
        rounds += 1
    crowd.assert_acknowledged_is_booked()

    # The rest comes again; what Stripe has given up on is found by reconcile.
    again = [event for event in crowd.events.values() if event["id"] not in crowd.acknowledged]
    for event in random.sample(again, len(again) // 2):
        assert town.deliver(event) == 200
    town.installation.command("stripe", "reconcile")
    for customer in crowd.customers:
        assert town.entries(customer) == [("CREDIT", "signup", 60), *[PACK] * (rounds + 1)]
        # No checkout that was cut off has left a second payment page behind.
        params = {"customer": town.stripe_customer(customer), "limit": 100}
        found = town.sandbox.client.v1.checkout.sessions.list(params)
        assert [session.status for session in found.data] == ["complete"] * (rounds + 1)
    assert town.installation.command("ledger", "audit") == "The books are right.\n"


def test_webhooks_under_way_when_the_server_is_told_to_stop_are_finished_or_refused__F169(town: Town) -> None:
    town.sandbox.control("webhooks", {"off": True})
    crowd = Crowd(town, [town.customer(f"stop-{number}@example.com") for number in range(CUSTOMERS)])
    crowd.pay()
    with crowd.rush():
        time.sleep(0.1)
        town.installation.stop_server()
    town.installation.start_server()
    crowd.assert_acknowledged_is_booked()
    for event in crowd.events.values():
        assert town.deliver(event) == 200
    for customer in crowd.customers:
        assert town.entries(customer) == [("CREDIT", "signup", 60), PACK]
