"""The server's time zone and its summer time change nothing: all times are UTC (R5)."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from billing import spending
from billing.clock import to_rfc3339
from billing.money import MICRO
from billing.spending import Order
from tests.billing.conftest import Calendar
from tests.billing.shop import Shop

ZONES = ("UTC", "Asia/Kolkata", "US/Pacific", "America/New_York")
EXPECTED = [
    ("CREDIT", 500, "2026-01-08T07:30:00Z"),
    ("PURCHASE", 100, "2026-01-08T07:30:00Z"),
    ("CREDIT", 500, "2026-02-08T07:30:00Z"),
    ("DEBIT", -500, "2026-02-08T07:30:00Z"),
    ("CREDIT", 500, "2026-03-08T07:30:00Z"),
    ("DEBIT", -500, "2026-03-08T07:30:00Z"),
    ("DEBIT", -100, "2026-03-09T07:30:00Z"),
]


@pytest.fixture(params=ZONES)
def zone(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The process lives in this zone."""
    monkeypatch.setenv("TZ", request.param)
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


def test_books_are_the_same_in_every_zone__F195(zone: None, shop: Shop, calendar: Calendar) -> None:
    """Months that begin at 02:30 in New York, on the night when its clocks leave that hour out."""
    calendar.to("2026-01-08 07:30")
    shop.tell(shop.subscribe(shop.price("basic", 500, 21000, "year")))
    shop.tell(shop.buy(shop.price("small", 100, 1000, None, expires_after_days=60)))
    calendar.to("2026-03-10")
    found = [(entry.kind, entry.amount // MICRO, to_rfc3339(entry.at)) for entry in shop.entries()]
    assert found == EXPECTED
    amount, at = shop.balance().next_expiry or (0, None)
    assert (amount, at and to_rfc3339(at)) == (500 * MICRO, "2026-04-08T07:30:00Z")


@pytest.mark.parametrize("evening", ["2026-03-08 05:00", "2026-11-01 04:00"])
def test_half_hours_of_the_night_end_each_in_its_turn__F194(
    zone: None, shop: Shop, calendar: Calendar, evening: str
) -> None:
    """A hold of half an hour, again and again through the nights when an hour is left out or comes twice."""
    shop.tell(shop.buy(shop.price("small", 100, 1000, None)))
    calendar.to(evening)
    for _ in range(8):
        spending.place_hold(shop.account_id, Order(amount=60 * MICRO), 1800, actor="app:studio")
        assert shop.balance().available == 40 * MICRO
        calendar.later(minutes=30)
        assert shop.balance().available == 100 * MICRO
