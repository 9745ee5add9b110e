"""Credits follow money (R7): what goes, in which order, as debt on which grant, and how it comes back."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from billing import adjustments, payments, refunds, spending
from billing.ledger.history import EntryView
from billing.money import MICRO
from billing.spending import Order
from tests.billing.conftest import Calendar
from tests.billing.shop import Shop


def balance(shop: Shop) -> int:
    """The balance in whole credits."""
    return shop.balance().balance // MICRO


def debt(shop: Shop) -> int:
    """The debt in whole credits."""
    return shop.balance().debt // MICRO


def pack(shop: Shop, credits: int = 100, amount_minor: int = 1000, **terms: Any) -> str:
    """A bought pack, told."""
    session = shop.buy(shop.price("small", credits, amount_minor, None, **terms))
    shop.tell(session)
    return session


def spend(shop: Shop, credits: int) -> EntryView:
    """Spend whole credits."""
    return spending.debit(shop.account_id, Order(amount=credits * MICRO), actor="app:studio").entry


def give(shop: Shop, credits: int) -> EntryView:
    """A gift of staff."""
    return adjustments.grant_credits(shop.account_id, credits * MICRO, "a gift", "staff:sam")


def year(shop: Shop, credits: int = 500) -> str:
    """A paid year that comes by the month, told."""
    invoice = shop.subscribe(shop.price("basic", credits, 12000, "year"))
    shop.tell(invoice)
    return invoice


# ── how much ─────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("credits", [1, 7, 100, 999_999_999])
@pytest.mark.parametrize("steps", [[333, 333, 333], [1, 998], [998, 1], [500, 499]])
def test_cumulative_taking_is_the_ceiling_and_never_above_all__F078(shop: Shop, credits: int, steps: list[int]) -> None:
    bought = pack(shop, credits, 999)
    refunded = 0
    for amount in steps:
        shop.tell(shop.dashboard_refund(bought, amount))
        refunded += amount
        assert credits - balance(shop) == -(-credits * refunded // 999)
    assert balance(shop) == 0


def test_bonus_of_a_pack_goes_with_it(shop: Shop) -> None:
    bought = pack(shop, 1000, 3900, bonus=150)
    assert balance(shop) == 1150
    shop.staff_refund(bought, 1950)
    assert balance(shop) == 575


def test_each_grant_of_a_payment_shares_alike(shop: Shop) -> None:
    invoice = shop.subscribe(shop.price("saver", 100, 1000, rollover_percent=20))
    shop.tell(invoice)
    shop.staff_refund(invoice, 500)
    assert [grant.remaining // MICRO for grant in shop.balance().grants] == [40, 10]


def test_only_the_difference_is_written(shop: Shop) -> None:
    bought = pack(shop)
    for _ in range(3):
        shop.tell(shop.dashboard_refund(bought, 3))
    assert [entry[2] for entry in shop.told()] == [100, -1]


# ── where from ───────────────────────────────────────────────────────────────────────────────────────────────


def test_what_was_let_go_counts_as_gone(shop: Shop) -> None:
    bought = pack(shop)
    spend(shop, 100)
    shop.staff_refund(bought, 400, credits="unspent")
    assert (balance(shop), debt(shop)) == (0, 0)
    shop.staff_refund(bought, 600)
    assert (balance(shop), debt(shop)) == (-60, 60)


def test_debt_of_a_year_stands_on_the_month_that_was_spent(shop: Shop, calendar: Calendar) -> None:
    """January is spent, February has expired, March is unspent: its job given back must find its debt's payer."""
    invoice = year(shop)
    job = spend(shop, 500)
    calendar.to("2026-03-10")
    shop.staff_refund(invoice)
    assert (balance(shop), debt(shop)) == (-500, 500)
    give(shop, 800)
    assert (balance(shop), debt(shop)) == (300, 0)
    spending.refund_debit(job.id, actor="app:studio")
    assert (balance(shop), shop.balance().available // MICRO) == (800, 800)


def test_months_to_come_go_first_also_where_earlier_ones_have_expired(shop: Shop, calendar: Calendar) -> None:
    invoice = year(shop)
    calendar.to("2026-03-10")
    shop.staff_refund(invoice, 6000)
    calendar.to("2026-06-30")
    assert balance(shop) == 500
    calendar.to("2026-07-09")
    assert balance(shop) == 0
    calendar.to("2026-12-31")
    assert sum(1 for kind, _, _ in shop.told() if kind == "CREDIT") == 6


def test_two_halves_of_a_year_take_what_the_whole_takes(shop: Shop, calendar: Calendar) -> None:
    invoice = year(shop)
    calendar.to("2026-03-10")
    shop.staff_refund(invoice, 6000)
    calendar.to("2026-05-10")
    shop.staff_refund(invoice, 6000)
    # Seven months never came, four have expired, and May is taken.
    assert shop.told()[-1] == ("REFUND", "payment_refunded", -500)
    assert (balance(shop), debt(shop)) == (0, 0)


# ── putting back ─────────────────────────────────────────────────────────────────────────────────────────────


def test_failed_refund_puts_back_on_the_entry_that_it_undoes__F085(shop: Shop) -> None:
    bought = pack(shop)
    refund = shop.staff_refund(bought, 400)
    shop.decide(str(refund.stripe_id), "failed")
    purchase, taken, back = shop.entries()
    assert (back.kind, back.reason, back.amount) == ("REFUND", "refund_failed", 40 * MICRO)
    assert (taken.reverses, back.reverses) == (purchase.id, taken.id)
    assert payments.view_payment(shop.payment(bought)).refundable_minor == 1000


def test_failed_refund_puts_back_what_it_took_itself(shop: Shop) -> None:
    bought = pack(shop, 7, 999)
    first, second = (shop.staff_refund(bought, 333) for _ in range(2))
    shop.decide(str(first.stripe_id), "failed")
    taken = {entry.id: entry for entry in shop.entries()}
    assert taken[str(shop.entries()[-1].reverses)].amount == -3 * MICRO
    assert balance(shop) == 4
    shop.decide(str(second.stripe_id), "failed")
    assert balance(shop) == 7


def test_failed_refund_leaves_what_another_took_before_the_rest_expired(shop: Shop, calendar: Calendar) -> None:
    """The first took 50 of 100, the others expired, so the second took nothing: when it fails nothing comes back."""
    bought = pack(shop, expires_after_days=30)
    shop.staff_refund(bought, 500)
    calendar.to("2026-02-01")
    second = shop.staff_refund(bought, 500)
    assert [entry[2] for entry in shop.told()] == [100, -50, -50]
    shop.decide(str(second.stripe_id), "failed")
    assert [entry[2] for entry in shop.told()] == [100, -50, -50]


def test_failed_refund_of_half_a_year_restores_its_months(shop: Shop, calendar: Calendar) -> None:
    invoice = year(shop)
    refund = shop.staff_refund(invoice, 6000)
    calendar.to("2026-08-15")
    assert balance(shop) == 0
    shop.decide(str(refund.stripe_id), "failed")
    # July and August should have come meanwhile: both come now. July's lives seven days, August's to its end.
    assert balance(shop) == 1000
    assert f"{shop.balance().grants[0].expires_at:%Y-%m-%d}" == "2026-08-22"
    calendar.to("2026-08-30")
    assert balance(shop) == 500
    calendar.to("2026-12-31")
    assert sum(entry[2] for entry in shop.told() if entry[0] == "CREDIT") == 6000


@pytest.mark.parametrize("order", list(itertools.permutations(["A", "B", "A fails"])))
def test_order_of_refunds_of_a_year_does_not_matter(shop: Shop, calendar: Calendar, order: tuple[str, ...]) -> None:
    """Two halves, of which one fails: what is heard first changes neither balance nor what is to come."""
    invoice = year(shop)
    calendar.to("2026-02-10")
    halves = {name: shop.dashboard_refund(invoice, 6000) for name in "AB"}
    for event in order:
        if event == "A fails":
            shop.stripe.objects[halves["A"]]["status"] = "failed"
        shop.tell(halves[event[0]])
    calendar.to("2026-02-20")
    assert balance(shop) == 500
    calendar.to("2026-12-31")
    assert sum(entry[2] for entry in shop.told() if entry[0] == "CREDIT") == 3000


def test_credits_given_for_a_debt_come_back_to_their_giver(shop: Shop) -> None:
    bought = pack(shop)
    spend(shop, 80)
    refund = shop.staff_refund(bought)
    give(shop, 30)
    give(shop, 30)
    assert (balance(shop), debt(shop)) == (-20, 20)
    shop.decide(str(refund.stripe_id), "failed")
    assert (balance(shop), debt(shop)) == (80, 0)
    assert sorted(grant.remaining // MICRO for grant in shop.balance().grants) == [20, 30, 30]


def test_same_story_twice_changes_nothing(shop: Shop) -> None:
    bought = pack(shop)
    refund = shop.dashboard_refund(bought, 400)
    for _ in range(3):
        shop.tell(refund)
    shop.stripe.objects[refund]["status"] = "failed"
    for _ in range(3):
        shop.tell(refund)
    assert [entry[2] for entry in shop.told()] == [100, -40, 40]


# ── in advance ───────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("mode", ["proportional", "unspent", "keep"])
@pytest.mark.parametrize("spent", [0, 70, 100])
@pytest.mark.parametrize("amount", [1, 500, 1000])
def test_preview_says_what_then_happens(shop: Shop, mode: str, spent: int, amount: int) -> None:
    bought = pack(shop)
    if spent:
        spend(shop, spent)
    preview = refunds.preview_refund(shop.payment(bought).id, amount_minor=amount, credits=mode)
    before = shop.balance()
    made = shop.staff_refund(bought, amount, mode)
    assert preview.credits_taken == made.credits_taken == before.balance - shop.balance().balance
    assert preview.debt_created == made.debt_created == shop.balance().debt
    assert preview.balance_after == shop.balance().balance


@pytest.mark.parametrize("day", ["2026-01-15", "2026-03-15", "2026-12-15"])
@pytest.mark.parametrize("amount", [1000, 6000, 12000])
def test_preview_of_a_year_says_what_then_happens(shop: Shop, calendar: Calendar, day: str, amount: int) -> None:
    invoice = year(shop)
    spend(shop, 300)
    calendar.to(day)
    preview = refunds.preview_refund(shop.payment(invoice).id, amount_minor=amount, credits="proportional")
    before = shop.balance().balance
    shop.staff_refund(invoice, amount)
    assert preview.credits_taken == before - shop.balance().balance
    assert preview.debt_created == shop.balance().debt
    calendar.to("2027-01-09")
    granted = sum(entry[2] for entry in shop.told() if entry[0] == "CREDIT")
    assert granted == 6000 - preview.months_cancelled // MICRO
