"""R4: what a taking back cannot find is debt; who pays it, and what it leaves alone."""

from __future__ import annotations

from datetime import timedelta

import pytest

from billing import accounts, clock, spending
from billing.errors import InsufficientCredits
from tests.billing.conftest import Calendar
from tests.billing.ledger.acts import capture, debit, give_back, hold, remaining, standing, told
from tests.factories import buy_pack, make_grant, tell_refund


def test_full_refund_of_a_spent_pack_leaves_debt_that_the_next_grant_pays(account: int) -> None:
    """F087."""
    bought = buy_pack(account, 100)
    debit(account, 80)
    tell_refund(bought, 1000)
    assert standing(account) == (-80, 0, 0, 0, 80)
    with pytest.raises(InsufficientCredits):
        debit(account, 1)
    make_grant(account, 100)
    assert standing(account) == (20, 20, 0, 0, 0)


def test_debt_leaves_other_grants_standing_and_lowers_what_can_be_spent(account: int) -> None:
    bought = buy_pack(account, 100, priority=0)
    other = make_grant(account, 60)
    scoped = make_grant(account, 10, scope="luna")
    debit(account, 50)
    tell_refund(bought, 1000)
    assert standing(account) == (20, 20, 0, 0, 50)
    assert remaining(account) == {other: 60, scoped: 10}
    assert accounts.read_balance(account).scoped == {"luna": 20_000_000}
    with pytest.raises(InsufficientCredits):
        debit(account, 21, influencer="luna")
    debit(account, 20)
    assert standing(account) == (0, 0, 0, 0, 50)


def test_what_expires_pays_debt_before_it_is_booked_as_expired(account: int, calendar: Calendar) -> None:
    bought = buy_pack(account, 100, priority=0)
    make_grant(account, 60, expires_at=clock.now() + timedelta(days=1))
    debit(account, 50)
    tell_refund(bought, 1000)
    assert standing(account) == (10, 10, 0, 0, 50)
    calendar.later(days=1)
    assert standing(account) == (0, 0, 0, 0, 0)
    assert told(account)[-1] == ("DEBIT", "expired", -10)


def test_what_is_given_back_pays_debt(account: int) -> None:
    bought = buy_pack(account, 100, priority=0)
    debit(account, 100)
    make_grant(account, 30)
    other = debit(account, 30)
    tell_refund(bought, 1000)
    assert standing(account) == (-100, 0, 0, 0, 100)
    give_back(other)
    assert standing(account) == (-70, 0, 0, 0, 70)


def test_hold_older_than_the_taking_back_may_be_captured_below_zero(account: int) -> None:
    bought = buy_pack(account, 100)
    job = hold(account, 60)
    tell_refund(bought, 1000)
    assert standing(account) == (0, 0, 60, 0, 60)
    capture(job)
    assert standing(account) == (-60, 0, 0, 0, 60)


def test_what_a_hold_leaves_on_a_grant_taken_back_lowers_its_debt(account: int) -> None:
    bought = buy_pack(account, 100)
    job = hold(account, 60)
    tell_refund(bought, 1000)
    capture(job, 20)
    assert standing(account) == (-20, 0, 0, 0, 20)


@pytest.mark.parametrize("days", [0, 11])
def test_what_a_hold_leaves_goes_to_who_paid_the_debt_even_if_its_grant_has_ended(
    account: int, calendar: Calendar, days: int
) -> None:
    bought = buy_pack(account, 100, expires_after_days=10)
    calendar.later(days=9, hours=23)
    job = hold(account, 60, 86_400)
    tell_refund(bought, 1000)
    payer = make_grant(account, 80)
    assert remaining(account) == {bought.seq: 60, payer: 20}
    if days:
        calendar.later(hours=2)
    spending.void_hold(job)
    assert remaining(account) == {payer: 80}
    assert standing(account) == (80, 80, 0, 0, 0)
    assert ("DEBIT", "expired", -60) not in told(account)


def test_what_a_hold_leaves_pays_no_debt_of_others(account: int) -> None:
    """Debt is paid by what comes in, is given back or expires (R4); a hold's rest is none of these."""
    spent = buy_pack(account, 40, priority=0)
    debit(account, 40)
    make_grant(account, 30)
    job = hold(account, 30)
    tell_refund(spent, 1000)
    assert standing(account) == (-10, 0, 30, 0, 40)
    spending.void_hold(job)
    assert standing(account) == (-10, 0, 0, 0, 40)
    assert remaining(account) == {3: 30}


def test_hold_over_two_packs_that_owe_each_other_is_set_free(account: int) -> None:
    """What the first hands on pays the second's debt, so the second has less to hand on than was set free in it."""
    first, second = (buy_pack(account, credits, expires_after_days=1) for credits in (10, 20))
    job = hold(account, 15)
    spent = debit(account, 10)
    tell_refund(first, 500)
    give_back(spent, 5)
    tell_refund(second, 1000)
    assert standing(account) == (0, 0, 15, 0, 15)
    spending.void_hold(job)
    assert standing(account) == (0, 0, 0, 0, 5)
    assert remaining(account) == {first.seq: 5}, "not given back, so it pays no other's debt"
