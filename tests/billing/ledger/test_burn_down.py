"""R3: what is spent first, and where a debit goes that is given back."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from billing import clock
from billing.errors import InsufficientCredits, RefundExceeds
from tests.billing.conftest import Calendar
from tests.billing.ledger.acts import debit, entries, give_back, hold, remaining, standing, told
from tests.factories import buy_pack, make_grant, tell_refund


def in_days(days: float) -> datetime:
    return clock.now() + timedelta(days=days)


def test_debit_eats_what_expires_soonest_first(account: int) -> None:
    """F053."""
    make_grant(account, 20)
    make_grant(account, 50, expires_at=in_days(30))
    make_grant(account, 30, expires_at=in_days(1))
    debit(account, 60)
    assert remaining(account) == {2: 20, 1: 20}
    assert entries(account)[-1].grants == [(f"gr_{account}_3", 30_000_000), (f"gr_{account}_2", 30_000_000)]
    assert standing(account) == (40, 40, 0, 0, 0)


def test_debit_eats_by_scope_then_priority_then_expiry_then_granted_then_oldest(account: int) -> None:
    bought = buy_pack(account, 1).seq
    oldest = make_grant(account, 1)
    newer = make_grant(account, 1)
    expiring = make_grant(account, 1, expires_at=in_days(9))
    first_by_priority = make_grant(account, 1, priority=0)
    scoped = make_grant(account, 1, scope="luna", priority=90)
    order = [scoped, first_by_priority, expiring, oldest, newer, bought]
    for eaten in range(1, len(order) + 1):
        debit(account, 1, influencer="luna")
        assert set(remaining(account)) == set(order[eaten:])


def test_credits_of_an_influencer_pay_for_no_other(account: int) -> None:
    make_grant(account, 30, scope="luna")
    make_grant(account, 5)
    with pytest.raises(InsufficientCredits) as short:
        debit(account, 6, influencer="nico")
    assert (short.value.available, short.value.shortfall) == (5_000_000, 1_000_000)
    with pytest.raises(InsufficientCredits):
        debit(account, 6)
    debit(account, 35, influencer="luna")
    assert standing(account) == (0, 0, 0, 0, 0)


def test_debit_given_back_returns_last_eaten_first(account: int) -> None:
    make_grant(account, 30, expires_at=in_days(1))
    make_grant(account, 50)
    spent = debit(account, 60)
    give_back(spent, 40)
    assert remaining(account) == {1: 10, 2: 50}
    give_back(spent)
    assert remaining(account) == {1: 30, 2: 50}
    with pytest.raises(RefundExceeds):
        give_back(spent, 1)
    assert standing(account) == (80, 80, 0, 0, 0)


def test_debit_given_back_to_a_grant_that_has_expired_expires_at_once(account: int, calendar: Calendar) -> None:
    make_grant(account, 30, expires_at=in_days(1))
    make_grant(account, 50)
    spent = debit(account, 60)
    calendar.later(days=2)
    give_back(spent)
    assert told(account)[-2:] == [("REFUND", "debit_refunded", 60), ("DEBIT", "expired", -30)]
    assert standing(account) == (50, 50, 0, 0, 0)


def test_expiry_cannot_be_given_back(account: int, calendar: Calendar) -> None:
    make_grant(account, 30, expires_at=in_days(1))
    calendar.later(days=2)
    assert standing(account) == (0, 0, 0, 0, 0)
    expiry = entries(account)[-1]
    assert expiry.reason == "expired"
    with pytest.raises(RefundExceeds):
        give_back(expiry.id)


def test_only_a_debit_can_be_given_back(account: int) -> None:
    make_grant(account, 30)
    spent = debit(account, 10)
    give_back(spent)
    credit, _, refund = entries(account)
    for entry in (credit, refund):
        with pytest.raises(RefundExceeds):
            give_back(entry.id, 1)


def test_debit_given_back_to_a_grant_taken_back_lowers_the_debt_it_left(account: int) -> None:
    bought = buy_pack(account, 100)
    spent = debit(account, 80)
    tell_refund(bought, 1000)
    assert standing(account) == (-80, 0, 0, 0, 80)
    give_back(spent, 30)
    assert standing(account) == (-50, 0, 0, 0, 50)


def test_debit_given_back_to_a_grant_taken_back_goes_to_the_grant_that_paid_its_debt(account: int) -> None:
    bought = buy_pack(account, 100)
    spent = debit(account, 80)
    tell_refund(bought, 1000)
    payer = make_grant(account, 200)
    assert remaining(account) == {payer: 120}
    give_back(spent, 30)
    assert remaining(account) == {payer: 150}
    give_back(spent)
    assert remaining(account) == {payer: 200}
    assert standing(account) == (200, 200, 0, 0, 0)


def test_last_payer_of_a_debt_is_paid_back_first(account: int) -> None:
    bought = buy_pack(account, 100)
    spent = debit(account, 80)
    tell_refund(bought, 1000)
    first = make_grant(account, 50)
    last = make_grant(account, 50)
    assert remaining(account) == {last: 20}
    give_back(spent, 40)
    assert remaining(account) == {first: 10, last: 50}
    assert standing(account) == (60, 60, 0, 0, 0)


def test_hold_reserves_in_burn_order(account: int) -> None:
    lasting = make_grant(account, 50)
    ending = make_grant(account, 30, expires_at=in_days(1))
    hold(account, 40)
    debit(account, 40)
    assert remaining(account) == {ending: 30, lasting: 10}
    assert standing(account) == (40, 0, 40, 0, 0)
