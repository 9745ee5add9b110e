"""Holds: reserved, then captured, voided or out of time, each of which is final (I13)."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

import pytest

from billing import accounts, spending
from billing.errors import (
    CaptureExceedsHold,
    HoldAlreadyCaptured,
    HoldAlreadyVoided,
    HoldExpired,
    InsufficientCredits,
    Invalid,
    NotFound,
    SaldoError,
)
from tests.billing.conftest import Calendar
from tests.billing.ledger.acts import capture, debit, hold, standing, told
from tests.factories import make_customer, make_grant


@pytest.fixture
def funded(account: int) -> int:
    """An account with 100 credits."""
    make_grant(account, 100)
    return account


def test_hold_reserves_until_captured(funded: int) -> None:
    """F063."""
    job = hold(funded, 60)
    assert standing(funded) == (100, 40, 60, 0, 0)
    with pytest.raises(InsufficientCredits):
        debit(funded, 50)
    capture(job)
    assert standing(funded) == (40, 40, 0, 0, 0)


def test_partial_capture_releases_the_rest_at_once(funded: int) -> None:
    """F064."""
    job = hold(funded, 60)
    capture(job, 45)
    assert standing(funded) == (55, 55, 0, 0, 0)
    with pytest.raises(HoldAlreadyCaptured):
        capture(job)
    assert told(funded)[1:] == [("DEBIT", "amount", -45)]


def test_capture_beyond_the_hold_changes_nothing(funded: int) -> None:
    """F065."""
    job = hold(funded, 60)
    with pytest.raises(CaptureExceedsHold):
        capture(job, 61)
    assert spending.read_hold(job).status == "active"
    assert standing(funded) == (100, 40, 60, 0, 0)


def _void(job: str) -> None:
    spending.void_hold(job)


def _expire(job: str) -> None:
    """Its time is over; the test has moved the clock."""


@pytest.mark.parametrize(
    ("end", "error"), [(capture, HoldAlreadyCaptured), (_void, HoldAlreadyVoided), (_expire, HoldExpired)]
)
def test_end_of_a_hold_is_final(
    funded: int, calendar: Calendar, end: Callable[[str], None], error: type[SaldoError]
) -> None:
    """F066."""
    job = hold(funded, 60)
    end(job)
    calendar.later(seconds=900)
    for again in (capture, _void):
        with pytest.raises(error):
            again(job)
    assert len(told(funded)) == (2 if end is capture else 1)


def test_captured_hold_says_what_it_was_for(funded: int) -> None:
    order = spending.Order(
        amount=60_000_000, description="a scene", reference="job-7", metadata={"shot": Decimal("1.50")}
    )
    job = spending.place_hold(funded, order, actor="app:studio")
    view, entry = spending.capture_hold(job.id)
    assert (view.status, view.captured, view.balance.available) == ("captured", 60_000_000, 40_000_000)
    assert (entry.reason, entry.action, entry.description, entry.reference, entry.actor) == (
        *("amount", None, "a scene", "job-7", "app:studio"),
    )


def test_hold_for_no_time_or_too_long_is_refused(funded: int) -> None:
    for seconds in (0, -1, 86_401):
        with pytest.raises(Invalid):
            hold(funded, 1, seconds)


def test_hold_of_more_than_is_available_is_refused(funded: int) -> None:
    hold(funded, 60)
    with pytest.raises(InsufficientCredits):
        hold(funded, 41)
    hold(funded, 40)
    assert standing(funded) == (100, 0, 100, 0, 0)


def test_unknown_hold_is_not_found(funded: int) -> None:
    other = make_customer()
    for job in ("ho_1", f"ho_{funded}_1", f"ho_{other}_1", "en_1_1", f"ho_{funded}_01"):
        with pytest.raises(NotFound):
            spending.read_hold(job)
    assert accounts.read_balance(funded).held == 0
