"""R8: what a dispute or a pending refund would take is frozen at every moment, and thaws into seven days."""

from __future__ import annotations

from datetime import timedelta

import pytest

from billing import spending
from billing.errors import InsufficientCredits
from tests.billing.conftest import Calendar
from tests.billing.ledger.acts import capture, debit, entries, give_back, hold, standing
from tests.factories import buy_pack, make_grant, tell_dispute, tell_refund


def test_open_dispute_freezes_what_is_unspent(account: int) -> None:
    bought = buy_pack(account, 100)
    debit(account, 30)
    tell_dispute(bought, "needs_response")
    assert standing(account) == (70, 0, 0, 70, 0)
    with pytest.raises(InsufficientCredits):
        debit(account, 1)


def test_inquiry_freezes_nothing_until_it_becomes_a_dispute(account: int) -> None:
    bought = buy_pack(account, 100)
    dispute = tell_dispute(bought, "warning_needs_response")
    assert standing(account) == (100, 100, 0, 0, 0)
    tell_dispute(bought, "needs_response", stripe_id=dispute)
    assert standing(account) == (100, 0, 0, 100, 0)
    tell_dispute(bought, "warning_closed", stripe_id=dispute)
    assert standing(account) == (100, 100, 0, 0, 0)


def test_dispute_over_a_part_freezes_that_part_rounded_up(account: int) -> None:
    bought = buy_pack(account, 7, 999)
    tell_dispute(bought, "needs_response", 333)
    assert standing(account) == (7, 4, 0, 3, 0)


def test_debit_given_back_while_disputed_comes_back_frozen(account: int) -> None:
    bought = buy_pack(account, 100)
    spent = debit(account, 70)
    tell_dispute(bought, "needs_response")
    give_back(spent, 20)
    assert standing(account) == (50, 0, 0, 50, 0)


def test_debit_given_back_to_a_disputed_grant_that_has_ended_does_not_expire(account: int, calendar: Calendar) -> None:
    bought = buy_pack(account, 100, expires_after_days=10)
    spent = debit(account, 70)
    tell_dispute(bought, "needs_response")
    calendar.later(days=11)
    give_back(spent, 20)
    assert standing(account) == (50, 0, 0, 50, 0)


def test_what_a_capture_leaves_is_frozen(account: int) -> None:
    bought = buy_pack(account, 100)
    job = hold(account, 60)
    tell_dispute(bought, "needs_response")
    assert standing(account) == (100, 0, 60, 40, 0)
    capture(job, 10)
    assert standing(account) == (90, 0, 0, 90, 0)


def test_voided_hold_on_a_disputed_grant_leaves_no_more_free_than_losing_would(
    account: int, calendar: Calendar
) -> None:
    """Half is disputed: the free half expires with the grant, so that losing would take nothing any more (R7)."""
    bought = buy_pack(account, 100, expires_after_days=10)
    job = hold(account, 60, 86_400)
    tell_dispute(bought, "needs_response", 500)
    assert standing(account) == (100, 0, 60, 40, 0)
    calendar.later(hours=1)
    spending.void_hold(job)
    assert standing(account) == (100, 50, 0, 50, 0)


def test_frozen_credits_do_not_expire_and_thaw_into_seven_days(account: int, calendar: Calendar) -> None:
    bought = buy_pack(account, 100, expires_after_days=10)
    dispute = tell_dispute(bought, "needs_response")
    calendar.later(days=30)
    assert standing(account) == (100, 0, 0, 100, 0)
    tell_dispute(bought, "won", stripe_id=dispute)
    assert standing(account) == (100, 100, 0, 0, 0)
    calendar.later(days=6, hours=23)
    assert standing(account) == (100, 100, 0, 0, 0)
    calendar.later(hours=1)
    assert standing(account) == (0, 0, 0, 0, 0)


@pytest.mark.parametrize("days_until_seen", [0, 20])
def test_what_thaws_because_the_rest_expired_lives_seven_days_from_then(
    account: int, calendar: Calendar, days_until_seen: int
) -> None:
    """Half is disputed. When the other half expires it counts as gone, so nothing is left to freeze (R7, R8)."""
    bought = buy_pack(account, 100, expires_after_days=10)
    tell_dispute(bought, "needs_response", 500)
    calendar.later(days=10)
    if not days_until_seen:
        assert standing(account) == (50, 50, 0, 0, 0)
    calendar.later(days=7 + days_until_seen)
    assert standing(account) == (0, 0, 0, 0, 0)
    first, second = entries(account, reason="expired")
    assert second.at - first.at == timedelta(days=7)


def test_lost_dispute_takes_back_and_won_appeal_puts_back(account: int) -> None:
    bought = buy_pack(account, 100)
    debit(account, 30)
    dispute = tell_dispute(bought, "needs_response")
    tell_dispute(bought, "lost", stripe_id=dispute)
    assert standing(account) == (-30, 0, 0, 0, 30)
    tell_dispute(bought, "appeal_under_review", stripe_id=dispute)
    assert standing(account) == (-30, 0, 0, 0, 30)
    tell_dispute(bought, "won", stripe_id=dispute)
    assert standing(account) == (70, 70, 0, 0, 0)


def test_dispute_and_pending_refund_of_one_payment_freeze_each(account: int) -> None:
    bought = buy_pack(account, 100)
    refund = tell_refund(bought, 200, "pending")
    assert standing(account) == (100, 80, 0, 20, 0)
    dispute = tell_dispute(bought, "needs_response", 300)
    assert standing(account) == (100, 50, 0, 50, 0)
    tell_refund(bought, 200, "succeeded", refund)
    assert standing(account) == (80, 50, 0, 30, 0)
    tell_dispute(bought, "won", 300, dispute)
    assert standing(account) == (80, 80, 0, 0, 0)


def test_hold_older_than_the_dispute_may_be_captured_after_it_is_lost(account: int) -> None:
    bought = buy_pack(account, 100)
    job = hold(account, 60)
    dispute = tell_dispute(bought, "needs_response")
    tell_dispute(bought, "lost", stripe_id=dispute)
    assert standing(account) == (0, 0, 60, 0, 60)
    capture(job)
    assert standing(account) == (-60, 0, 0, 0, 60)


def test_frozen_credits_pay_no_debt(account: int) -> None:
    spent = buy_pack(account, 40, priority=0)
    debit(account, 40)
    other = buy_pack(account, 100)
    tell_dispute(other, "needs_response")
    tell_refund(spent, 1000)
    assert standing(account) == (60, 0, 0, 100, 40)
    make_grant(account, 10)
    assert standing(account) == (70, 0, 0, 100, 30)
