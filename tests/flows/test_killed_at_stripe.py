"""The server is killed while Stripe works on a call of ours, and Stripe does what it was asked: it is done once."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import pytest
import requests

from tests.flows.conftest import Town
from tests.flows.people import Customer

pytestmark = pytest.mark.force

SLOW = pytest.mark.slow
STRIPE_SECONDS = 1.0
"""How long Stripe takes for the call in which the server dies."""


def kill_during(town: Town, method: str, path: str, act: Callable[[], object]) -> None:
    """Let `act` reach Stripe by this call, kill the whole server while Stripe works, and start it again."""
    town.sandbox.fault("latency", method=method, path=path, seconds=STRIPE_SECONDS)

    def try_it() -> None:
        with suppress(requests.RequestException):
            act()

    with ThreadPoolExecutor(1) as pool:
        trying = pool.submit(try_it)
        while town.sandbox.control("faults")["planted"]:
            assert not trying.done(), f"nobody called {method} {path}"
            time.sleep(0.01)
        town.installation.kill_server()
        trying.result()
    time.sleep(STRIPE_SECONDS)
    town.installation.start_server()


def paid_pack(town: Town, email: str) -> Customer:
    eva = town.customer(email)
    town.sandbox.pay(eva.choose_pack("100 credits").session_id)
    town.sandbox.flush()
    return eva


@pytest.mark.parametrize(
    "path", ["/v1/checkout/sessions$", pytest.param("/v1/customers$", marks=SLOW)], ids=["session", "customer"]
)
def test_checkout_is_started_once__F160_F176(town: Town, path: str) -> None:
    name = "session" if "session" in path else "customer"
    eva = town.customer(f"killed-at-{name}@example.com")
    kill_during(town, "POST", path, lambda: eva.choose_plan("Basic"))
    page = eva.choose_plan("Basic")
    stripe_customer = town.stripe_customer(eva)  # there is one, and no more
    sessions = town.sandbox.client.v1.checkout.sessions.list({"customer": stripe_customer}).data
    assert [session.id for session in sessions] == [page.session_id]
    town.sandbox.pay(page.session_id)
    assert town.entries(eva) == [("CREDIT", "signup", 60), ("CREDIT", "cycle", 500)]


@SLOW
def test_landing_books_once__F160(town: Town) -> None:
    town.sandbox.control("webhooks", {"off": True})
    eva = town.customer("killed-at-landing@example.com")
    session = eva.choose_pack("100 credits").session_id
    town.sandbox.pay(session)
    come_back = f"/checkout/return?session_id={session}"
    kill_during(town, "GET", f"/v1/checkout/sessions/{session}", lambda: eva.open(come_back))
    assert eva.open(come_back).status == 200
    assert town.entries(eva) == [("CREDIT", "signup", 60), ("PURCHASE", "pack", 100)]


@SLOW
def test_webhook_is_booked_once__F023_F160(town: Town) -> None:
    town.sandbox.control("webhooks", {"off": True})
    eva = town.customer("killed-at-webhook@example.com")
    before = {event["id"] for event in town.events("invoice.paid")}
    town.sandbox.pay(eva.choose_plan("Basic").session_id)
    (paid,) = (event for event in town.events("invoice.paid") if event["id"] not in before)
    kill_during(town, "GET", "/v1/subscriptions/", lambda: town.deliver(paid))
    assert [town.deliver(paid) for _ in range(2)] == [200, 200]
    assert town.entries(eva) == [("CREDIT", "signup", 60), ("CREDIT", "cycle", 500)]


def test_refund_is_made_once__F160(town: Town) -> None:
    eva = paid_pack(town, "killed-at-refund@example.com")
    sam = town.hire("sam-killed@example.com")
    payment = town.payment(eva)
    town.sandbox.control("webhooks", {"off": True})
    sam.preview_refund(payment["id"])
    form = sam.page.form("Give")
    kill_during(town, "POST", "/v1/refunds$", lambda: sam.send(form, "Give"))
    assert town.balance(eva)["frozen"] == 100  # asked for, and nobody knows yet
    sam.send(form, "Give")
    town.installation.command("worker", "--once")
    made = town.sandbox.client.v1.refunds.list({"payment_intent": payment["stripe"]["payment_intent"]}).data
    assert [refund.status for refund in made] == ["succeeded"]
    assert town.entries(eva)[-1] == ("REFUND", "payment_refunded", -100)
    assert len(town.entries(eva)) == 3


@SLOW
def test_cancelling_is_done_once__F160(town: Town) -> None:
    eva = town.customer("killed-at-cancelling@example.com")
    town.sandbox.pay(eva.choose_influencer("luna-style", "Basic").session_id)
    town.sandbox.flush()

    def cancel() -> None:
        eva.open("/subscriptions")
        eva.press("Cancel at the end of the period")

    kill_during(town, "POST", "/v1/subscriptions/", cancel)
    (at_stripe,) = town.sandbox.client.v1.subscriptions.list({"customer": town.stripe_customer(eva)}).data
    assert at_stripe.cancel_at is not None or at_stripe.cancel_at_period_end
    town.installation.command("stripe", "reconcile")
    assert town.subscription(eva, "influencer")["cancel_at"] is not None
    assert eva.open("/subscriptions").status == 200
