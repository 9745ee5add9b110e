"""Many at once, before four processes that serve: whatever is sent again is done once."""

from __future__ import annotations

import copy
import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import pytest

from tests.flows.conftest import Town
from tests.flows.people import PASSWORD, Customer

pytestmark = pytest.mark.force

T = TypeVar("T")


@pytest.fixture(scope="module")
def workers() -> int:
    return 4


def at_once(*acts: Callable[[], T]) -> list[T]:
    """What each returns when all of them start at the same moment."""
    start = threading.Barrier(len(acts))

    def run(act: Callable[[], T]) -> T:
        start.wait()
        return act()

    with ThreadPoolExecutor(len(acts)) as pool:
        return list(pool.map(run, acts))


@pytest.mark.parametrize(
    ("what", "event_type", "entry"),
    [
        ("pack", "checkout.session.completed", ("PURCHASE", "pack", 500)),
        ("plan", "invoice.paid", ("CREDIT", "cycle", 500)),
    ],
)
def test_event_that_comes_50_times_at_once_is_booked_once__F019(
    town: Town, what: str, event_type: str, entry: tuple[str, str, int]
) -> None:
    eva = town.customer(f"fifty-{what}@example.com")
    town.sandbox.control("webhooks", {"off": True})
    page = eva.choose_pack("500 credits") if what == "pack" else eva.choose_plan("Basic")
    town.sandbox.pay(page.session_id)
    event = town.events(event_type)[-1]
    statuses = Counter(at_once(*[lambda: town.deliver(event)] * 50))
    assert set(statuses) <= {200, 503}
    assert statuses[200] > 0
    assert town.deliver(event) == 200
    assert town.entries(eva) == [("CREDIT", "signup", 60), entry]


def test_pack_is_granted_once_by_its_events_and_return_pages_at_once__F021(town: Town) -> None:
    eva = town.customer("landing@example.com")
    town.sandbox.control("webhooks", {"off": True})
    session = eva.choose_pack("500 credits").session_id
    town.sandbox.pay(session)
    told = town.events("checkout.session.completed", "payment_intent.succeeded", "charge.succeeded")[-3:]
    assert len({event["type"] for event in told}) == 3
    windows = [copy.copy(eva) for _ in range(5)]
    results = at_once(
        *(lambda window=window: window.open(f"/checkout/return?session_id={session}").status for window in windows),
        *(lambda event=event: town.deliver(event) for event in told),
    )
    assert set(results) <= {200, 503}
    assert "We added 500 credits to your account" in eva.open(f"/checkout/return?session_id={session}")
    assert town.entries(eva) == [("CREDIT", "signup", 60), ("PURCHASE", "pack", 500)]


@pytest.mark.parametrize("number", range(4))
def test_button_pressed_many_times_at_once_opens_one_payment_page__F107_F176(town: Town, number: int) -> None:
    eva = town.customer(f"double-{number}@example.com")
    form = eva.open("/plans").form("Choose Basic")
    windows = [copy.copy(eva) for _ in range(6)]
    pages = at_once(*(lambda window=window: window.send(form, "Choose Basic") for window in windows))
    shown = {page.session_id for page in pages if page.status == 200}
    assert {page.status for page in pages} <= {200, 409}
    assert len(shown) == 1
    (customer,) = town.sandbox.client.v1.customers.list({"email": eva.email}).data
    opened = town.sandbox.client.v1.checkout.sessions.list({"customer": customer.id}).data
    assert {session.id for session in opened if session.status == "open"} == shown
    eva.choose_plan("Basic")
    eva.pay()
    town.sandbox.flush()
    assert town.entries(eva) == [("CREDIT", "signup", 60), ("CREDIT", "cycle", 500)]


def test_account_registered_twice_at_once_is_one_with_one_welcome(town: Town) -> None:
    people = [Customer(town.installation.url) for _ in range(8)]
    for each in people:
        each.email = "same@example.com"
        each.open("/register")
    pages = at_once(
        *(lambda each=each: each.press("Create account", email=each.email, password=PASSWORD) for each in people)
    )
    assert Counter(page.status for page in pages) == {200: 1, 422: 7}
    (eva,) = (each for each in people if each.page.status == 200)
    eva.choose_pack("100 credits")
    eva.pay()
    assert town.entries(eva) == [("CREDIT", "signup", 60), ("PURCHASE", "pack", 100)]
