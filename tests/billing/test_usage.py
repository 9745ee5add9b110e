"""Work recorded after it was done: each event once, and sums by every trait."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import text

from billing import accounts, audit, spending, usage, usage_report
from billing.clock import now
from billing.db import transaction
from billing.errors import Invalid, InvalidCursor
from billing.money import MICRO
from billing.spending import Order
from billing.usage import EventResult, UsageEvent
from billing.usage_sums import Sums
from tests.billing.conftest import Calendar
from tests.billing.test_spending import CATALOG
from tests.factories import make_customer, make_grant, use_catalog


@pytest.fixture
def ana(calendar: Calendar, database: None, tmp_path: Path) -> int:
    """A customer with 20 credits, beside one with 5."""
    use_catalog(tmp_path, CATALOG)
    ana, bob = make_customer("ana"), make_customer("bob")
    make_grant(ana, 20)
    make_grant(bob, 5)
    return ana


def event(event_id: str, customer: str = "ana", action: str = "image", **fields: object) -> UsageEvent:
    occurred_at = fields.pop("occurred_at", None)
    return UsageEvent(event_id, customer, Order(action=action, **fields), occurred_at)  # type: ignore[arg-type]


def record(*events: UsageEvent) -> list[EventResult]:
    return usage.record_events("studio", events, actor="app:studio")


def balance(account_id: int) -> int:
    assert [violation.line for violation in audit.audit()] == []
    return accounts.read_balance(account_id).balance // MICRO


def test_events_are_charged_in_order_and_what_is_rejected_stops_no_other(ana: int) -> None:
    results = record(
        event("1"),
        event("2", "bob"),
        event("3", "nobody"),
        event("4", action="dance"),
        event("5", action="audio", units=15 * 16),
        event("6", "bob"),
        event("7", action="search"),
        event("x" * 201),
    )
    assert [(each.status, each.amount, each.code) for each in results] == [
        ("recorded", 5 * MICRO, None),
        ("recorded", 5 * MICRO, None),
        ("rejected", None, "not_found"),
        ("rejected", None, "unknown_action"),
        ("rejected", None, "insufficient_credits"),
        ("rejected", None, "insufficient_credits"),
        ("recorded", MICRO, None),
        ("rejected", None, "invalid"),
    ]
    assert balance(ana) == 14


def test_event_sent_again_changes_nothing_and_a_rejected_one_may_come_again(ana: int) -> None:
    record(event("1"), event("2", action="audio", units=15 * 16))
    make_grant(ana, 10)
    again = record(event("1"), event("1"), event("2", action="audio", units=15 * 16), event("1", "bob"))
    assert [(each.status, (each.amount or 0) // MICRO) for each in again] == [
        *[("duplicate", 5), ("duplicate", 5), ("recorded", 16), ("duplicate", 5)]
    ]
    other_app = usage.record_events("other", [event("1")], actor="app:other")
    assert other_app[0].status == "recorded"
    assert balance(ana) == 4


def test_one_event_alone(ana: int) -> None:
    first = usage.record_event("studio", "1", ana, Order(action="image"), actor="app:studio")
    again = usage.record_event("studio", "1", ana, Order(action="image"), actor="app:studio")
    assert (first.status, again.status) == ("recorded", "duplicate")


def test_quota_holds_within_a_batch(ana: int) -> None:
    results = record(*(event(str(number), action="search") for number in range(4)))
    assert [each.code for each in results] == [None, None, None, "quota_exceeded"]


def test_times_are_the_apps_but_not_of_the_future_nor_long_ago(ana: int) -> None:
    results = record(
        event("1", occurred_at=now() - timedelta(days=2)),
        event("2", occurred_at=now() + timedelta(hours=1)),
        event("3", occurred_at=now() - timedelta(days=400)),
    )
    assert [each.status for each in results] == ["recorded", "rejected", "rejected"]
    assert usage.list_events(ana).rows[0].occurred_at == now() - timedelta(days=2)


def test_batches_are_of_one_to_a_thousand(ana: int) -> None:
    for count in (0, 1001):
        with pytest.raises(Invalid):
            record(*(event(str(number)) for number in range(count)))


def test_sums_by_every_trait_add_up(ana: int) -> None:
    chat = {"model": "gpt-4o-mini", "agent": "writer", "thread": "t-1", "execution": "e-1"}
    record(
        event("1", action="chat", input_tokens=1_000_000, output_tokens=0, **chat),
        event("2", action="chat", input_tokens=0, output_tokens=50_000, **chat),
        event("3", "bob", occurred_at=now() - timedelta(days=1)),
    )
    week = (now() - timedelta(days=7), now() + timedelta(days=1))
    for group in usage.GROUPS:
        lines, total = usage.summarize(None, *week, group)
        assert (total.calls, total.credits, total.input_tokens, total.output_tokens, str(total.cost_usd)) == (
            *(3, 23 * MICRO, 1_000_000, 50_000, "0.18"),
        )
        assert sum(line.credits for line in lines) == total.credits
    lines, _ = usage.summarize(ana, *week, "model")
    assert [(line.key, line.calls, line.credits) for line in lines] == [("gpt-4o-mini", 2, 18 * MICRO)]
    lines, _ = usage.summarize(None, *week, "day")
    assert [(line.key, line.calls) for line in lines] == [("2025-12-31", 1), ("2026-01-01", 2)]


def test_every_reader_counts_the_same_uses(ana: int) -> None:
    """One rule for the API's sums, the pages' charts and the files: a job held or called off has used nothing."""
    record(event("1"), event("2", action="search"))
    spending.void_hold(spending.place_hold(ana, Order(action="image"), actor="app:studio").id)
    spending.place_hold(ana, Order(action="image"), actor="app:studio")
    week = (now() - timedelta(days=7), now() + timedelta(days=1))
    _, total = usage.summarize(ana, *week, "action")
    days = sum((day.sums for day in usage_report.read_days(ana, *week, "action")), Sums())
    uses = list(usage_report.read_uses(ana, *week))
    assert (total.calls, total.credits) == (2, 6 * MICRO)
    assert (days.calls, days.credits) == (2, 6 * MICRO)
    assert (len(uses), sum(use.credits for use in uses)) == (2, 6 * MICRO)


def test_rows_go_back_page_by_page_and_a_cursor_is_its_accounts_own(ana: int) -> None:
    record(*(event(str(number), action="search") for number in range(3)))
    first = usage.list_events(ana, limit=2)
    assert first.next_cursor is not None
    assert [row.number for row in first.rows] == [3, 2]
    assert [row.number for row in usage.list_events(ana, limit=2, cursor=first.next_cursor).rows] == [1]
    for cursor in (first.next_cursor.replace(f"{ana}.", f"{ana + 1}."), "x", f"{ana}.²"):
        with pytest.raises(InvalidCursor):
            usage.list_events(ana, cursor=cursor)


@pytest.mark.parametrize(
    ("spoil", "invariant"),
    [
        ("UPDATE accounts SET month_spent = month_spent + 1", "I05 user=ana account=month_spent"),
        ("UPDATE usage SET charged = charged - 1 WHERE number = 1", "I29 user=ana usage=1"),
        ("UPDATE usage SET given_back = 1 WHERE number = 1", "I29 user=ana usage=1"),
        ("UPDATE quota_uses SET used = used - 1", "I05 user=ana quota=images:lifetime"),
        ("UPDATE usage SET quantity = 9 WHERE number = 1", "I05 user=ana quota=images:lifetime"),
    ],
)
def test_audit_sees_jobs_and_counts_that_say_something_else(ana: int, spoil: str, invariant: str) -> None:
    record(event("1", quantity=2))
    assert list(audit.audit("ana")) == []
    with transaction() as write:
        write.execute(text(f"{spoil}{' AND' if 'WHERE' in spoil else ' WHERE'} account_id = {ana}"))
    (line,) = [violation.line for violation in audit.audit("ana")]
    assert line.startswith(invariant)
