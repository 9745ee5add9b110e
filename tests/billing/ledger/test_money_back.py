"""R7: credits follow money: how many go, from where, and what comes back when a refund fails."""

from __future__ import annotations

import pytest

from tests.billing.ledger.acts import capture, debit, hold, remaining, standing, told
from tests.factories import buy_pack, make_grant, tell_dispute, tell_refund


def taken(account: int) -> list[int]:
    """Whole credits of each REFUND of a payment, in order."""
    return [amount for kind, _, amount in told(account) if kind == "REFUND"]


def test_refunds_take_in_proportion_and_only_the_difference(account: int) -> None:
    """F076."""
    bought = buy_pack(account, 100)
    tell_refund(bought, 300)
    tell_refund(bought, 300)
    assert taken(account) == [-30, -30]
    assert standing(account) == (40, 40, 0, 0, 0)


def test_share_is_rounded_up_to_whole_credits_and_never_above_all(account: int) -> None:
    """F078."""
    bought = buy_pack(account, 7, 999)
    for _ in range(3):
        tell_refund(bought, 333)
    assert taken(account) == [-3, -2, -2]
    assert standing(account) == (0, 0, 0, 0, 0)


def test_refund_takes_what_is_unspent_of_its_own_grant_only(account: int) -> None:
    """F087."""
    bought = buy_pack(account, 100, priority=0)
    other = make_grant(account, 50)
    debit(account, 80)
    tell_refund(bought, 1000)
    assert remaining(account) == {other: 50}
    assert standing(account) == (-30, 0, 0, 0, 80)


def test_what_expired_unspent_counts_as_gone(account: int, calendar: object) -> None:
    bought = buy_pack(account, 100, expires_after_days=1)
    debit(account, 30)
    calendar.later(days=1)  # type: ignore[attr-defined]
    tell_refund(bought, 1000)
    assert told(account)[-2:] == [("DEBIT", "expired", -70), ("REFUND", "payment_refunded", -30)]
    assert standing(account) == (-30, 0, 0, 0, 30)


def test_refund_pending_freezes_and_takes_when_it_has_succeeded(account: int) -> None:
    """F085."""
    bought = buy_pack(account, 100)
    refund = tell_refund(bought, 300, "pending")
    assert standing(account) == (100, 70, 0, 30, 0)
    assert taken(account) == []
    tell_refund(bought, 300, "succeeded", refund)
    tell_refund(bought, 300, "succeeded", refund)
    assert taken(account) == [-30]
    assert standing(account) == (70, 70, 0, 0, 0)


def test_refund_that_fails_while_pending_sets_free(account: int) -> None:
    bought = buy_pack(account, 100)
    refund = tell_refund(bought, 300, "pending")
    tell_refund(bought, 300, "failed", refund)
    assert standing(account) == (100, 100, 0, 0, 0)
    assert taken(account) == []


def test_refund_that_fails_later_puts_back_what_it_took(account: int) -> None:
    bought = buy_pack(account, 100)
    refund = tell_refund(bought, 300)
    debit(account, 50)
    tell_refund(bought, 300, "failed", refund)
    assert told(account)[-1] == ("REFUND", "refund_failed", 30)
    assert standing(account) == (50, 50, 0, 0, 0)


def test_putting_back_cancels_debt_then_repays_its_payers_then_the_grant(account: int) -> None:
    bought = buy_pack(account, 100)
    debit(account, 80)
    refund = tell_refund(bought, 1000)
    payer = make_grant(account, 50)
    assert standing(account) == (-30, 0, 0, 0, 30)
    tell_refund(bought, 1000, "failed", refund)
    assert remaining(account) == {bought.seq: 20, payer: 50}
    assert standing(account) == (70, 70, 0, 0, 0)


def test_rounding_of_a_refund_that_fell_away_comes_from_the_newest_other(account: int) -> None:
    """Each of three took 3, 2 and 2 of 7. When the first falls, 5 must be gone: 2 of its 3 come back."""
    bought = buy_pack(account, 7, 999)
    refunds = [tell_refund(bought, 333) for _ in range(3)]
    tell_refund(bought, 333, "failed", refunds[0])
    assert taken(account) == [-3, -2, -2, 2]
    assert standing(account) == (2, 2, 0, 0, 0)
    tell_refund(bought, 333, "failed", refunds[1])
    assert taken(account)[4:] == [2]
    assert standing(account) == (4, 4, 0, 0, 0)
    tell_refund(bought, 333, "failed", refunds[2])
    assert sum(taken(account)) == 0
    assert standing(account) == (7, 7, 0, 0, 0)


def test_refund_that_fell_away_puts_back_no_more_than_it_took(account: int, calendar: object) -> None:
    bought = buy_pack(account, 100, expires_after_days=1)
    debit(account, 60)
    tell_refund(bought, 100)
    calendar.later(days=1)  # type: ignore[attr-defined]
    # 30 have expired, so the second takes 60, not 90; its fall leaves what the first took.
    second = tell_refund(bought, 900)
    tell_refund(bought, 900, "failed", second)
    assert taken(account) == [-10, -60, 60]
    assert standing(account) == (0, 0, 0, 0, 0)


def test_hold_stands_when_its_grant_is_taken_back(account: int) -> None:
    bought = buy_pack(account, 100)
    job = hold(account, 60)
    tell_refund(bought, 1000)
    assert taken(account) == [-100]
    capture(job)
    assert standing(account) == (-60, 0, 0, 0, 60)


@pytest.mark.parametrize("order", [("refund", "dispute"), ("dispute", "refund")])
def test_refund_and_lost_dispute_together_take_no_more_than_all(account: int, order: tuple[str, str]) -> None:
    bought = buy_pack(account, 100)
    for what in order:
        if what == "refund":
            tell_refund(bought, 700)
        else:
            tell_dispute(bought, "lost", 1000)
    assert standing(account) == (0, 0, 0, 0, 0)
    assert sum(taken(account)) == -100


def test_pack_paid_with_nothing_has_nothing_to_give_back(account: int) -> None:
    bought = buy_pack(account, 100, 0)
    assert bought.session.payment_status == "no_payment_required"
    assert standing(account) == (100, 100, 0, 0, 0)
