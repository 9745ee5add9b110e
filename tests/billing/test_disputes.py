"""Disputes: what the bank's word does to credits, whatever event brings it (R8)."""

from __future__ import annotations

import itertools

import pytest

from billing import payments, spending, subscriptions
from billing.errors import InsufficientCredits
from billing.money import MICRO
from billing.spending import Order
from tests.billing.conftest import Calendar
from tests.billing.shop import Shop


def standing(shop: Shop) -> tuple[int, int, int]:
    """Balance, frozen and available in whole credits."""
    view = shop.balance()
    return view.balance // MICRO, view.frozen // MICRO, view.available // MICRO


@pytest.fixture
def bought(shop: Shop) -> str:
    """A pack of 100 credits for 10.00, told."""
    session = shop.buy(shop.price("small", 100, 1000, None))
    shop.tell(session)
    return session


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        ("warning_needs_response", (100, 0, 100)),
        ("warning_under_review", (100, 0, 100)),
        ("warning_closed", (100, 0, 100)),
        ("needs_response", (100, 100, 0)),
        ("under_review", (100, 100, 0)),
        ("won", (100, 0, 100)),
        ("prevented", (100, 0, 100)),
        ("lost", (0, 0, 0)),
        ("appeal_needs_response", (0, 0, 0)),
        ("appeal_under_review", (0, 0, 0)),
    ],
)
def test_status_alone_decides__F091(shop: Shop, bought: str, status: str, expected: tuple[int, int, int]) -> None:
    dispute = shop.dispute(bought, 1000, status)
    assert [shop.tell(dispute), shop.tell(dispute)] == ["done", "duplicate"]
    assert standing(shop) == expected


@pytest.mark.parametrize("way", [["needs_response", "under_review", "won"], ["lost", "appeal_under_review", "won"]])
@pytest.mark.parametrize("spent", [0, 30, 100])
def test_won_leaves_everything_as_it_was(shop: Shop, bought: str, way: list[str], spent: int) -> None:
    if spent:
        spending.debit(shop.account_id, Order(amount=spent * MICRO), actor="app:studio")
    dispute = shop.dispute(bought, 1000, way[0])
    for status in way:
        shop.decide(dispute, status)
    assert standing(shop) == (100 - spent, 0, 100 - spent)
    assert shop.balance().debt == 0


def test_loss_after_spending_is_debt(shop: Shop, bought: str) -> None:
    spending.debit(shop.account_id, Order(amount=70 * MICRO), actor="app:studio")
    dispute = shop.dispute(bought, 1000)
    shop.tell(dispute)
    with pytest.raises(InsufficientCredits):
        spending.debit(shop.account_id, Order(amount=1), actor="app:studio")
    shop.decide(dispute, "lost")
    assert shop.told()[-1] == ("REFUND", "dispute_lost", -100)
    assert standing(shop)[0] == -70
    assert payments.view_payment(shop.payment(bought)).status == "dispute_lost"


def test_bank_may_take_more_than_was_charged(shop: Shop, bought: str) -> None:
    dispute = shop.dispute(bought, 1500)
    shop.tell(dispute)
    assert standing(shop) == (100, 100, 0)
    shop.decide(dispute, "lost")
    assert standing(shop) == (0, 0, 0)


def test_amount_that_changes_freezes_anew(shop: Shop, bought: str) -> None:
    dispute = shop.dispute(bought, 1000)
    shop.tell(dispute)
    shop.stripe.objects[dispute]["amount"] = 250
    shop.tell(dispute)
    assert standing(shop) == (100, 25, 75)


def test_dispute_before_its_purchase_books_the_purchase_first(shop: Shop) -> None:
    session = shop.buy(shop.price("small", 100, 1000, None))
    assert shop.tell(shop.dispute(session, 1000)) == "done"
    shop.tell(session)
    assert standing(shop) == (100, 100, 0)


def test_dispute_of_somebody_elses_payment_is_none_of_ours__F015(shop: Shop, bought: str) -> None:
    dispute = shop.dispute(bought, 1000)
    shop.stripe.objects[dispute]["payment_intent"] = "pi_of_another_shop"
    assert shop.tell(dispute) == "foreign"
    assert standing(shop) == (100, 0, 100)


@pytest.mark.parametrize("order", list(itertools.permutations(["refund", "dispute", "other"])))
def test_refunds_and_disputes_add_up_in_any_order(shop: Shop, bought: str, order: tuple[str, ...]) -> None:
    events = {
        "refund": shop.dashboard_refund(bought, 333),
        "dispute": shop.dispute(bought, 333, "lost"),
        "other": shop.dashboard_refund(bought, 333),
    }
    for event in order:
        shop.tell(events[event])
    assert standing(shop) == (0, 0, 0)


def test_refund_and_dispute_of_all_take_all_once(shop: Shop, bought: str) -> None:
    shop.tell(shop.dashboard_refund(bought, 1000))
    shop.tell(shop.dispute(bought, 1000, "lost"))
    assert [entry[2] for entry in shop.told()] == [100, -100]


def test_kept_credits_are_not_at_stake(shop: Shop, bought: str) -> None:
    shop.staff_refund(bought, 400, credits="keep")
    shop.tell(shop.dispute(bought, 1000))
    assert standing(shop) == (100, 60, 40)


def test_hold_placed_before_may_be_captured(shop: Shop, bought: str) -> None:
    hold = spending.place_hold(shop.account_id, Order(amount=60 * MICRO), actor="app:studio")
    dispute = shop.dispute(bought, 1000)
    shop.tell(dispute)
    assert standing(shop) == (100, 40, 0)
    shop.decide(dispute, "lost")
    assert standing(shop) == (0, 0, 0)
    assert shop.balance().debt == 60 * MICRO
    spending.capture_hold(hold.id, 50 * MICRO)
    assert standing(shop)[0] == -50
    assert shop.balance().debt == 50 * MICRO


def test_other_credits_stay_free(shop: Shop, bought: str) -> None:
    other = shop.buy(shop.price("large", 40, 500, None))
    shop.tell(other)
    shop.tell(shop.dispute(bought, 1000))
    assert standing(shop) == (140, 100, 40)


def test_half_in_dispute_is_set_free_when_the_other_half_has_expired(shop: Shop, calendar: Calendar) -> None:
    session = shop.buy(shop.price("small", 100, 1000, None, expires_after_days=30))
    shop.tell(session)
    dispute = shop.dispute(session, 500)
    shop.tell(dispute)
    # Half was free and expires, and counts as gone: nothing more is at stake, and what is set free lives seven days.
    calendar.to("2026-02-06")
    assert standing(shop) == (50, 0, 50)
    shop.decide(dispute, "lost")
    assert standing(shop) == (50, 0, 50)
    calendar.to("2026-02-07")
    assert standing(shop) == (0, 0, 0)


def test_year_in_dispute_freezes_each_month_as_it_comes(shop: Shop, calendar: Calendar) -> None:
    invoice = shop.subscribe(shop.price("basic", 500, 12000, "year"))
    shop.tell(invoice)
    dispute = shop.dispute(invoice, 12000)
    shop.tell(dispute)
    assert standing(shop) == (500, 500, 0)
    calendar.to("2026-02-01")
    assert standing(shop) == (1000, 1000, 0)
    shop.decide(dispute, "lost")
    assert standing(shop) == (0, 0, 0)
    calendar.to("2026-12-31")
    assert sum(1 for kind, _, _ in shop.told() if kind == "CREDIT") == 2


def test_renewal_is_not_touched_by_the_dispute_of_an_earlier_month(shop: Shop, calendar: Calendar) -> None:
    invoice = shop.subscribe(shop.price("basic", 500, 1500))
    shop.tell(invoice)
    dispute = shop.dispute(invoice, 1500)
    shop.tell(dispute)
    calendar.to("2026-02-01")
    shop.tell(shop.renew(shop.subscription_of(invoice)))
    assert standing(shop) == (1000, 500, 500)
    shop.decide(dispute, "lost")
    assert standing(shop) == (500, 0, 500)


def test_lost_dispute_ends_access_and_a_won_appeal_gives_it_back(shop: Shop) -> None:
    luna = shop.subscribe(shop.price("luna", 50, 999, kind="influencer", tier="basic"))
    shop.tell(luna)
    dispute = shop.dispute(luna, 999)

    def has_access() -> bool:
        return subscriptions.access_to(shop.account_id, "luna").access

    shop.tell(dispute)
    assert has_access()
    shop.decide(dispute, "lost")
    assert not has_access()
    shop.decide(dispute, "won")
    assert has_access()
