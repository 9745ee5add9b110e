"""The webhook inbox: what came, what became of it, and running it again."""

from __future__ import annotations

from datetime import timedelta

import pytest

from billing import checkout, clock, events, subscriptions
from billing.db import db, transaction
from billing.models import StripeEvent
from tests.staff.conftest import Desk, audit_rows, text_of
from tests.stripe_world import Shop, stored


def keep(event_id: str, status: str = "failed", attempts: int = 1, minutes_ago: float = 0, payload: str = "{}") -> None:
    """An event in the inbox."""
    at = clock.wall_now() - timedelta(minutes=minutes_ago)
    with transaction():
        db.session.add(
            StripeEvent(
                id=event_id,
                type="invoice.paid",
                status=status,
                attempts=attempts,
                payload=payload,
                created_at=at,
                received_at=at,
            )
        )


def test_lists_by_status_and_page_by_page(desk: Desk, shop: Shop) -> None:
    for number in range(60):
        keep(f"evt_{number:03}", minutes_ago=number)
    keep("evt_parked", status="parked", minutes_ago=100)
    first = desk.see("/staff/webhooks?status=failed").text
    assert "evt_000" in first
    assert ">evt_059" not in first
    second = desk.see("/staff/webhooks?status=failed&before=evt_049").text
    assert "evt_059" in second
    assert ">evt_049" not in second
    assert "evt_parked" not in second
    assert "evt_parked" in desk.see("/staff/webhooks?status=parked").text


def test_shows_the_payload_as_text_only__F144(desk: Desk, shop: Shop) -> None:
    keep("evt_1", payload='{"name": "<script>alert(1)</script>"}')
    page = desk.see("/staff/webhooks/evt_1").text
    assert "<script>alert" not in page
    assert "&lt;script&gt;" in page


def test_runs_an_event_again_without_doing_it_twice(desk: Desk, shop: Shop) -> None:
    ada = shop.customer()
    shop.sandbox.pay(checkout.start_pack_checkout(ada, "small").id)
    (event,) = shop.events("checkout.session.completed")
    answer = desk.send(f"/staff/webhooks/{event['id']}/replay")
    assert answer.headers["Location"] == f"/staff/webhooks/{event['id']}"
    assert "Run again: Done" in text_of(desk.see(answer.headers["Location"]))
    assert shop.entries(ada) == [100]
    assert audit_rows() == [(desk.staff.actor, "replay", True)]


def test_says_when_an_event_fails_again_and_when_it_succeeds(desk: Desk, shop: Shop) -> None:
    ada = shop.customer()
    shop.online = False
    shop.sandbox.pay(checkout.start_plan_checkout(ada, "basic", "month").id)
    (event,) = shop.events("customer.subscription.created")
    shop.sandbox.fault("500", times=50, path="/v1/subscriptions")
    assert shop.post(event).status_code >= 500
    path = f"/staff/webhooks/{event['id']}/replay"
    failed = desk.send(path)
    assert "It failed again" in text_of(desk.see(failed.headers["Location"]))
    assert stored(event["id"]).status == "failed"
    shop.sandbox.control("faults", method="DELETE")
    assert "Run again: Done" in text_of(desk.see(desk.send(path).headers["Location"]))
    assert len(subscriptions.list_subscriptions(ada)) == 1


def test_answers_404_for_an_event_that_is_not_there(desk: Desk, shop: Shop) -> None:
    for event_id in ("evt_0", "%00", "a" * 300):
        assert desk.see(f"/staff/webhooks/{event_id}").status_code == 404
        assert desk.send(f"/staff/webhooks/{event_id}/replay").status_code == 404


def test_refuses_to_go_on_from_an_unknown_event(desk: Desk, shop: Shop) -> None:
    assert desk.see("/staff/webhooks?before=evt_0").status_code == 400
    assert desk.see("/staff/webhooks?status=strange").status_code == 200


@pytest.mark.parametrize(
    ("attempts", "minutes_ago", "due"),
    [
        (0, 0.9, False),
        (0, 1.1, True),
        (1, 1.1, True),
        (2, 1.9, False),
        (2, 2.1, True),
        (11, 1023, False),
        (11, 1025, True),
    ],
)
def test_waits_twice_as_long_with_each_attempt(shop: Shop, attempts: int, minutes_ago: float, due: bool) -> None:
    keep("evt_1", attempts=attempts, minutes_ago=minutes_ago)
    assert events.events_to_retry(clock.wall_now()) == (["evt_1"] if due else [])


def test_gives_up_after_the_last_attempt(shop: Shop) -> None:
    keep("evt_1", attempts=events.RETRIES, minutes_ago=10**6)
    keep("evt_2", status="done", minutes_ago=10**6)
    keep("evt_3", status="ignored", minutes_ago=10**6)
    assert events.events_to_retry(clock.wall_now()) == []
    assert stored("evt_1").status == "failed"
