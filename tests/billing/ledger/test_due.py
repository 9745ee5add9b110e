"""R5: what is due is booked before anything is read or written, as if on time."""

from __future__ import annotations

from datetime import timedelta

import pytest

from billing import accounts, clock, spending
from billing.errors import HoldExpired, InsufficientCredits
from billing.ids import parse_ledger_id
from tests.billing.conftest import Calendar
from tests.billing.ledger.acts import capture, debit, entries, hold, remaining, standing, told
from tests.factories import buy_pack, make_grant

SECOND = timedelta(seconds=1)


def test_grant_is_spendable_until_just_before_its_end(account: int, calendar: Calendar) -> None:
    """F200."""
    make_grant(account, 100, expires_at=clock.now() + timedelta(days=1))
    calendar.later(days=1, microseconds=-1)
    debit(account, 10)
    assert standing(account) == (90, 90, 0, 0, 0)
    calendar.later(microseconds=1)
    with pytest.raises(InsufficientCredits):
        debit(account, 1)
    assert standing(account) == (0, 0, 0, 0, 0)


def test_expiry_is_booked_at_its_own_time_whenever_somebody_looks(account: int, calendar: Calendar) -> None:
    ends_at = clock.now() + timedelta(days=1)
    make_grant(account, 100, expires_at=ends_at)
    calendar.later(days=40)
    assert accounts.read_balance(account).balance == 0
    assert (entries(account)[-1].reason, entries(account)[-1].at) == ("expired", ends_at)
    standing(account)
    assert told(account).count(("DEBIT", "expired", -100)) == 1


def test_grant_that_begins_later_is_not_spent_before(account: int, calendar: Calendar) -> None:
    make_grant(account, 100, effective_at=clock.now() + timedelta(days=1))
    assert standing(account) == (100, 0, 0, 0, 0)
    calendar.later(days=1)
    debit(account, 100)
    assert standing(account) == (0, 0, 0, 0, 0)


def test_hold_is_over_at_its_end_without_any_worker(account: int, calendar: Calendar) -> None:
    """F072."""
    make_grant(account, 100)
    job = hold(account, 60)
    calendar.later(seconds=899)
    assert standing(account) == (100, 40, 60, 0, 0)
    calendar.later(seconds=1)
    assert standing(account) == (100, 100, 0, 0, 0)
    with pytest.raises(HoldExpired):
        capture(job)
    assert spending.read_hold(job).status == "expired"


def test_hold_at_its_very_end_can_no_longer_be_captured(account: int, calendar: Calendar) -> None:
    """F200."""
    make_grant(account, 100)
    job = hold(account, 60)
    calendar.later(seconds=900)
    with pytest.raises(HoldExpired):
        capture(job)
    assert standing(account) == (100, 100, 0, 0, 0)


def test_hold_outlives_its_grant_and_what_it_leaves_expires_then(account: int, calendar: Calendar) -> None:
    """I12: one expiry for what was unheld at the grant's end, one for what the hold left."""
    make_grant(account, 100, expires_at=clock.now() + timedelta(hours=1))
    job = hold(account, 60, 86_400)
    calendar.later(hours=2)
    assert standing(account) == (60, 0, 60, 0, 0)
    capture(job, 45)
    assert told(account)[1:] == [("DEBIT", "expired", -40), ("DEBIT", "amount", -45), ("DEBIT", "expired", -15)]
    assert standing(account) == (0, 0, 0, 0, 0)


def test_holds_and_grants_that_were_missed_end_in_the_order_of_their_time(account: int, calendar: Calendar) -> None:
    start = clock.now()
    make_grant(account, 10, expires_at=start + timedelta(days=2))
    make_grant(account, 10, expires_at=start + timedelta(days=1))
    make_grant(account, 10, expires_at=start + timedelta(hours=1))
    hold(account, 10, 7200)
    calendar.later(days=30)
    standing(account)
    at = [(entry.at - start) for entry in entries(account, reason="expired")]
    assert at == [timedelta(hours=2), timedelta(days=1), timedelta(days=2)]


def test_pack_expires_as_its_price_says(account: int, calendar: Calendar) -> None:
    forever = buy_pack(account, 10).seq
    month = buy_pack(account, 20, expires_after_days=30).seq
    calendar.later(days=30, seconds=-1)
    assert remaining(account) == {month: 20, forever: 10}
    calendar.later(seconds=1)
    assert remaining(account) == {forever: 10}


def test_clock_that_steps_back_never_turns_the_books_back(account: int, calendar: Calendar) -> None:
    """I04: two workers' clocks differ a little; entries keep the order of their numbers."""
    make_grant(account, 10)
    calendar.later(seconds=-2)
    debit(account, 1)
    first, second = entries(account)
    assert first.at == second.at
    assert parse_ledger_id("en", second.id) == (account, 2)
    assert standing(account) == (9, 9, 0, 0, 0)
