"""Subscription credits: what paid invoice lines are worth, when they come and when they end (R9 to R12)."""

from __future__ import annotations

import itertools
from datetime import timedelta
from typing import Any

import pytest

from billing import fulfilment, refunds, subscriptions
from billing.clock import now
from billing.errors import Conflict, RefundExceeds
from billing.money import MICRO
from billing.stripe_facts import read_invoice
from tests.billing.conftest import Calendar
from tests.billing.shop import Shop
from tests.billing.stripe_stand_in import Object


def balance(shop: Shop) -> int:
    """The balance in whole credits."""
    return shop.balance().balance // MICRO


def expiries(shop: Shop) -> dict[int, str]:
    """What is left in each grant → the day it is shown to end."""
    grants = shop.balance().grants
    return {grant.remaining // MICRO: f"{grant.expires_at:%Y-%m-%d}" for grant in grants}


# ── each line once, whatever brings it ───────────────────────────────────────────────────────────────────────


def test_first_invoice_and_renewal_grant_n_each__F095(shop: Shop, calendar: Calendar) -> None:
    first = shop.subscribe(shop.price("basic", 500, 1500))
    assert shop.tell(first) == "granted"
    calendar.to("2026-02-01")
    assert shop.tell(shop.renew(shop.subscription_of(first))) == "granted"
    assert shop.told() == [
        ("CREDIT", "cycle", 500),
        ("CREDIT", "cycle", 500),
        ("DEBIT", "expired", -500),
    ]


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
def test_invoice_and_its_payment_in_any_order_grant_once__F020_F021(shop: Shop, order: tuple[int, ...]) -> None:
    invoice = shop.subscribe(shop.price("basic", 500, 1500))
    payment = shop.stripe.all("invoice_payment")[0]["id"]
    told = [invoice, invoice, payment]
    for n in order:
        shop.tell(told[n])
    assert shop.told() == [("CREDIT", "cycle", 500)]
    assert [link.payment_id for link in shop.links()] == [shop.payment(invoice).id]


def test_invoice_before_its_checkout_session_grants_once__F027(shop: Shop) -> None:
    invoice = shop.subscribe(shop.price("basic", 500, 1500))
    shop.tell(invoice)
    shop.tell(shop.subscription_of(invoice))
    shop.tell(invoice)
    assert balance(shop) == 500
    assert subscriptions.current_plan(shop.account_id).plan == "basic"


def old_shape(invoice: Object) -> Object:
    """The same invoice as versions before 2025-03-31 wrote it."""
    details = invoice["parent"]["subscription_details"]
    lines = []
    for line in invoice["lines"]["data"]:
        of_item = line["parent"]["subscription_item_details"]
        bought = line["pricing"]["price_details"]
        old = {name: value for name, value in line.items() if name not in ("parent", "pricing")}
        lines.append(
            old
            | {
                "price": {"id": bought["price"], "object": "price", "product": bought["product"]},
                "proration": of_item["proration"],
                "subscription": of_item["subscription"],
                "subscription_item": of_item["subscription_item"],
                "type": "subscription",
            }
        )
    kept = {name: value for name, value in invoice.items() if name not in ("parent", "lines")}
    return kept | {
        "subscription": details["subscription"],
        "subscription_details": {"metadata": details["metadata"]},
        "lines": {"object": "list", "data": lines, "has_more": False},
        "paid": True,
    }


def expanded(invoice: Object) -> Object:
    """The same invoice with objects where ids stood, nulls where nothing stood, and fields that nobody knows."""
    line = invoice["lines"]["data"][0]
    price = line["pricing"]["price_details"]
    return invoice | {
        "customer": {"id": invoice["customer"], "object": "customer"},
        "metadata": None,
        "tomorrow": {"new": [1, 2]},
        "lines": {
            "object": "list",
            "has_more": False,
            "data": [
                line
                | {
                    "discount_amounts": None,
                    "pricing": {"price_details": price | {"price": {"id": price["price"], "object": "price"}}},
                }
            ],
        },
    }


@pytest.mark.parametrize("shape", [dict, old_shape, expanded])
def test_every_shape_of_an_invoice_gives_the_same_books__F036_F037_F041(shop: Shop, shape: Any) -> None:
    stored = shop.stripe.objects[shop.subscribe(shop.price("basic", 500, 1500))]
    invoice = read_invoice(shape(stored))
    assert fulfilment.prepare_invoice(invoice)() == "granted"
    assert shop.told() == [("CREDIT", "cycle", 500)]
    (grant,) = shop.balance().grants
    assert (grant.label, f"{grant.expires_at:%Y-%m-%d}") == ("basic", "2026-02-01")


def test_same_invoice_in_both_shapes_grants_once__F043(shop: Shop) -> None:
    stored = shop.stripe.objects[shop.subscribe(shop.price("basic", 500, 1500))]
    words = [fulfilment.prepare_invoice(read_invoice(shape))() for shape in (old_shape(stored), stored)]
    assert words == ["granted", "duplicate"]
    assert balance(shop) == 500


@pytest.mark.parametrize("reason", ["subscription_update", "subscription_create", "manual", None])
def test_billing_reason_decides_nothing__F038(shop: Shop, reason: str | None) -> None:
    invoice = shop.subscribe(shop.price("basic", 500, 1500))
    shop.stripe.objects[invoice]["billing_reason"] = reason
    shop.tell(invoice)
    assert shop.told() == [("CREDIT", "cycle", 500)]


def test_lines_past_the_first_page_count(shop: Shop) -> None:
    luna = shop.subscribe(shop.price("basic", 500, 1500))
    invoice = shop.stripe.objects[luna]
    subscription = shop.stripe.objects[shop.subscription_of(luna)]
    more = shop.line(subscription, now(), now() + timedelta(days=31))
    more["parent"]["subscription_item_details"]["subscription_item"] = "si_other"
    invoice["_all_lines"] = [*invoice["lines"]["data"], more]
    invoice["lines"] = {"object": "list", "data": invoice["lines"]["data"], "has_more": True}
    shop.tell(luna)
    assert balance(shop) == 1000


# ── what is worth nothing ────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("status", ["draft", "open", "void", "uncollectible"])
def test_invoice_that_is_not_paid_grants_nothing__F114(shop: Shop, status: str) -> None:
    invoice = shop.subscribe(shop.price("basic", 500, 1500))
    shop.stripe.objects[invoice]["status"] = status
    assert shop.tell(invoice) == "foreign"
    assert shop.told() == []


def test_uncollectible_invoice_that_is_paid_later_grants__F114(shop: Shop) -> None:
    invoice = shop.subscribe(shop.price("basic", 500, 1500))
    shop.stripe.objects[invoice]["status"] = "uncollectible"
    shop.tell(invoice)
    assert shop.decide(invoice, "paid") == "granted"


def test_other_customers_and_products_are_none_of_ours__F015(shop: Shop) -> None:
    ours = shop.subscribe(shop.price("basic", 500, 1500))
    theirs = shop.stripe.objects[ours] | {"customer": "cus_of_somebody"}
    assert fulfilment.prepare_invoice(read_invoice(theirs))() == "foreign"
    details = shop.stripe.objects[ours]["lines"]["data"][0]["pricing"]["price_details"]
    details |= {"price": "price_of_something", "product": "prod_of_something"}
    assert shop.tell(ours) == "foreign"
    assert shop.told() == []


def test_manual_invoice_grants_nothing(shop: Shop) -> None:
    subscribed = shop.subscribe(shop.price("basic", 500, 1500))
    line = dict(shop.stripe.objects[subscribed]["lines"]["data"][0])
    line["parent"] = {"type": "invoice_item_details", "invoice_item_details": {"proration": False}}
    assert shop.tell(shop.invoice(None, [line])) == "foreign"
    assert shop.told() == []


def test_pack_on_an_invoice_is_not_granted_as_a_cycle(shop: Shop) -> None:
    plan = shop.subscribe(shop.price("basic", 500, 1500))
    pack = shop.price("small", 100, 499, None)
    line = dict(shop.stripe.objects[plan]["lines"]["data"][0])
    line |= {"id": "il_pack", "amount": 499}
    line["pricing"] = {"price_details": {"price": pack, "product": "saldo_pack_small"}}
    shop.stripe.objects[plan]["lines"]["data"].append(line)
    shop.tell(plan)
    assert shop.told() == [("CREDIT", "cycle", 500)]


def test_quantity_zero_is_worth_nothing(shop: Shop) -> None:
    shop.tell(shop.subscribe(shop.price("team", 100, 1000, per_seat=True), quantity=0))
    shop.tell(shop.subscribe(shop.price("solo", 100, 1000), quantity=0))
    assert shop.told() == []


def test_missing_price_of_ours_parks_and_grants_once_when_it_is_added(shop: Shop) -> None:
    invoice = shop.subscribe(shop.price("basic", 500, 1500))
    details = shop.stripe.objects[invoice]["lines"]["data"][0]["pricing"]["price_details"]
    details["price"] = "price_from_the_dashboard"
    assert shop.tell(invoice) == "parked: price price_from_the_dashboard is not in the price table"
    assert shop.told() == []
    shop.price("basic", 700, 1900, stripe_id="price_from_the_dashboard")
    assert [shop.tell(invoice), shop.tell(invoice)] == ["granted", "duplicate"]
    assert shop.told() == [("CREDIT", "cycle", 700)]


def test_refund_of_a_parked_invoice_is_parked_with_it(shop: Shop) -> None:
    invoice = shop.subscribe(shop.price("basic", 500, 1500))
    details = shop.stripe.objects[invoice]["lines"]["data"][0]["pricing"]["price_details"]
    details["price"] = "price_from_the_dashboard"
    refund = shop.dashboard_refund(invoice, 1500)
    assert shop.tell(refund).startswith("parked: ")
    shop.price("basic", 700, 1900, stripe_id="price_from_the_dashboard")
    assert shop.tell(refund) == "done"
    assert shop.told() == [("CREDIT", "cycle", 700), ("REFUND", "payment_refunded", -700)]


# ── trials, coupons, old prices, paid elsewhere ──────────────────────────────────────────────────────────────


@pytest.mark.parametrize("trial_credits", [0, 50])
def test_trial_brings_its_own_credits_then_the_first_cycle_n__F100(
    shop: Shop, calendar: Calendar, trial_credits: int
) -> None:
    price = shop.price("pro", 500, 1500, trial_credits=trial_credits)
    trial = shop.subscribe(price, trial_until=now() + timedelta(days=14))
    assert shop.tell(trial) == "granted"
    assert balance(shop) == trial_credits
    calendar.to("2026-01-15")
    shop.tell(shop.renew(shop.subscription_of(trial)))
    assert balance(shop) == 500


def test_change_on_trial_makes_no_difference__F100(shop: Shop, calendar: Calendar) -> None:
    basic, premium = shop.price("basic", 500, 1500), shop.price("premium", 1200, 2900)
    trial = shop.subscribe(basic, trial_until=now() + timedelta(days=14))
    shop.tell(trial)
    calendar.to("2026-01-08")
    lines = shop.switch(shop.subscription_of(trial), premium, invoiced=False)
    subscription = shop.stripe.objects[shop.subscription_of(trial)]
    free = [line | {"amount": 0} for line in lines]
    shop.tell(shop.invoice(subscription, free))
    assert shop.told() == []


def test_plan_without_price_is_no_trial(shop: Shop) -> None:
    shop.tell(shop.subscribe(shop.price("charity", 500, 0)))
    assert balance(shop) == 500


def test_full_discount_changes_no_credits_and_leaves_nothing_to_refund(shop: Shop) -> None:
    invoice = shop.subscribe(shop.price("basic", 500, 1500), discounted=True)
    shop.tell(invoice)
    assert balance(shop) == 500
    with pytest.raises(RefundExceeds):
        shop.staff_refund(invoice, 1)


def test_discount_that_brings_the_line_itself_to_zero_is_no_trial(shop: Shop) -> None:
    invoice = shop.subscribe(shop.price("basic", 500, 1500, trial_credits=7), discounted=True)
    line = shop.stripe.objects[invoice]["lines"]["data"][0]
    line["amount"] = 0
    shop.tell(invoice)
    assert balance(shop) == 500


def test_invoice_paid_out_of_band_grants_and_is_not_refunded_through_stripe__F108(shop: Shop) -> None:
    invoice = shop.subscribe(shop.price("basic", 500, 1500))
    (paid,) = shop.stripe.all("invoice_payment")
    paid["payment"] = {"type": "payment_record", "payment_record": "pyr_1"}
    assert shop.tell(invoice) == "granted"
    assert balance(shop) == 500
    with pytest.raises((Conflict, RefundExceeds)):
        shop.staff_refund(invoice, 1500)
    assert shop.stripe.posts() == []


def test_old_price_keeps_its_own_credits__F110(shop: Shop, calendar: Calendar) -> None:
    invoice = shop.subscribe(shop.price("basic", 500, 1500))
    shop.tell(invoice)
    shop.price("basic", 300, 1500)
    calendar.to("2026-02-01")
    shop.tell(shop.renew(shop.subscription_of(invoice)))
    assert balance(shop) == 500


# ── prorations ───────────────────────────────────────────────────────────────────────────────────────────────


def upgraded(shop: Shop, calendar: Calendar) -> tuple[str, str]:
    """Basic for April, Premium from the 16th: the two invoices, not told yet."""
    basic, premium = shop.price("basic", 500, 1500), shop.price("premium", 1200, 2900)
    calendar.to("2026-04-01")
    first = shop.subscribe(basic)
    calendar.to("2026-04-16")
    return first, str(shop.switch(shop.subscription_of(first), premium))


@pytest.mark.parametrize("order", [(0, 1), (1, 0), (1,), (1, 1, 0, 1)])
def test_upgrade_grants_the_difference_in_any_order(shop: Shop, calendar: Calendar, order: tuple[int, ...]) -> None:
    invoices = upgraded(shop, calendar)
    for n in order:
        shop.tell(invoices[n])
    assert sorted(amount for _, _, amount in shop.told()) == [350, 500]
    assert shop.balance().next_expiry == (850 * MICRO, calendar_day(2026, 5, 1))


def calendar_day(year: int, month: int, day: int) -> Any:
    """Midnight UTC."""
    return now().replace(year=year, month=month, day=day)


def test_change_billed_with_the_renewal_grants_both__F099(shop: Shop, calendar: Calendar) -> None:
    basic, premium = shop.price("basic", 500, 1500), shop.price("premium", 1200, 2900)
    calendar.to("2026-04-01")
    first = shop.subscribe(basic)
    shop.tell(first)
    calendar.to("2026-04-16")
    lines = shop.switch(shop.subscription_of(first), premium, invoiced=False)
    calendar.to("2026-05-01 01:00")
    shop.tell(shop.renew(shop.subscription_of(first), *lines))
    # R10: the latest period end of the item's lines on the invoice, also for the difference of April.
    assert expiries(shop) == {350: "2026-06-01", 1200: "2026-06-01"}


def test_downgrade_billed_with_the_renewal_grants_the_new_plan_only__F099(shop: Shop, calendar: Calendar) -> None:
    basic, premium = shop.price("basic", 500, 1500), shop.price("premium", 1200, 2900)
    calendar.to("2026-04-01")
    first = shop.subscribe(premium)
    shop.tell(first)
    calendar.to("2026-04-16")
    lines = shop.switch(shop.subscription_of(first), basic, invoiced=False)
    calendar.to("2026-05-01")
    shop.tell(shop.renew(shop.subscription_of(first), *lines))
    assert expiries(shop) == {500: "2026-06-01"}


@pytest.mark.parametrize(("start", "half"), [("2026-01-31", "2026-02-14"), ("2026-03-31", "2026-04-15")])
def test_half_of_a_short_month_is_half__F192(shop: Shop, calendar: Calendar, start: str, half: str) -> None:
    basic, premium = shop.price("basic", 500, 1500), shop.price("premium", 1200, 2900)
    calendar.to(start)
    first = shop.subscribe(basic)
    shop.tell(first)
    calendar.to(half)
    shop.tell(shop.switch(shop.subscription_of(first), premium))
    assert balance(shop) == 850


@pytest.mark.parametrize(("per_seat", "first", "after"), [(True, 300, 400), (False, 100, 100)])
def test_seats_multiply_only_where_sold_by_seat__F109(
    shop: Shop, calendar: Calendar, per_seat: bool, first: int, after: int
) -> None:
    calendar.to("2026-04-01")
    invoice = shop.subscribe(shop.price("team", 100, 1000, per_seat=per_seat), quantity=3)
    shop.tell(invoice)
    assert balance(shop) == first
    calendar.to("2026-04-16")
    shop.tell(shop.switch(shop.subscription_of(invoice), quantity=5))
    assert balance(shop) == after


def test_flipping_back_and_forth_never_nets_more_than_the_difference(shop: Shop, calendar: Calendar) -> None:
    basic, premium = shop.price("basic", 500, 1500), shop.price("premium", 1200, 2900)
    calendar.to("2026-04-01")
    first = shop.subscribe(basic)
    shop.tell(first)
    for hour, price in enumerate([premium, basic] * 5):
        calendar.to(f"2026-04-16 {hour:02}:00")
        shop.tell(shop.switch(shop.subscription_of(first), price))
    assert balance(shop) == 850


def test_credits_granted_late_go_when_their_payment_has_gone_back(shop: Shop, calendar: Calendar) -> None:
    """Up to Pro (700) and back (400), then to Plus (520, paid last) and to Max (920, given back before that)."""
    basic, plus = shop.price("basic", 300, 900), shop.price("plus", 600, 1800)
    pro, most = shop.price("pro", 900, 2700), shop.price("max", 1800, 5400)
    calendar.to("2026-04-01")
    first = shop.subscribe(basic)
    shop.tell(first)
    subscription = shop.subscription_of(first)
    invoices = []
    for day, price in ((11, pro), (16, basic), (19, plus), (21, most)):
        calendar.to(f"2026-04-{day}")
        invoices.append(str(shop.switch(subscription, price)))
    shop.stripe.objects[invoices[2]]["status"] = "open"
    for n in (0, 1, 3):
        shop.tell(invoices[n])
    assert balance(shop) == 800
    shop.tell(shop.dashboard_refund(invoices[3], shop.stripe.objects[invoices[3]]["total"]))
    assert balance(shop) == 700
    shop.decide(invoices[2], "paid")
    assert [entry[2] for entry in shop.told()] == [300, 400, 100, -100, 120, -120]
    assert balance(shop) == 700


# ── how long they live ───────────────────────────────────────────────────────────────────────────────────────


def test_one_grant_for_each_invoice_and_no_drift__F192(shop: Shop, calendar: Calendar) -> None:
    calendar.to("2027-01-31")
    invoice = shop.subscribe(shop.price("basic", 500, 1500))
    shop.tell(invoice)
    ends = []
    for _ in range(14):
        amount, at = shop.balance().next_expiry or (0, now())
        assert amount == 500 * MICRO
        ends.append(f"{at:%m-%d}")
        calendar.to(f"{at:%Y-%m-%d}")
        shop.tell(shop.renew(shop.subscription_of(invoice)))
    assert ends[:3] == ["02-28", "03-31", "04-30"]
    assert ends[11:] == ["01-31", "02-29", "03-31"]
    assert sum(1 for kind, _, _ in shop.told() if kind == "CREDIT") == 15


def test_old_credits_wait_two_hours_for_the_renewal_and_never_lie_beside_it__F198(
    shop: Shop, calendar: Calendar
) -> None:
    invoice = shop.subscribe(shop.price("basic", 500, 1500))
    shop.tell(invoice)
    calendar.to("2026-02-01 02:00")
    assert shop.balance().available == 500 * MICRO
    shop.tell(shop.renew(shop.subscription_of(invoice)))
    assert shop.told()[-1] == ("DEBIT", "expired", -500)
    assert shop.balance().available == 500 * MICRO


def test_declined_renewal_leaves_the_old_credits_and_grants_once_when_paid__F103(
    shop: Shop, calendar: Calendar
) -> None:
    invoice = shop.subscribe(shop.price("basic", 500, 1500))
    shop.tell(invoice)
    subscription = shop.subscription_of(invoice)
    calendar.to("2026-02-01 01:00")
    shop.decide(subscription, "past_due")
    assert subscriptions.current_plan(shop.account_id).past_due
    calendar.to("2026-02-04")
    assert balance(shop) == 500
    shop.tell(shop.renew(subscription))
    shop.tell(subscription)
    assert balance(shop) == 500
    assert not subscriptions.current_plan(shop.account_id).past_due


def test_renewal_paid_after_its_period_lives_seven_days(shop: Shop, calendar: Calendar) -> None:
    invoice = shop.subscribe(shop.price("basic", 500, 1500))
    calendar.to("2026-03-10")
    shop.tell(invoice)
    assert expiries(shop) == {500: "2026-03-17"}


def test_cancelled_at_period_end_runs_to_the_end_and_no_longer__F106(shop: Shop, calendar: Calendar) -> None:
    invoice = shop.subscribe(shop.price("basic", 500, 1500))
    shop.tell(invoice)
    subscription = shop.subscription_of(invoice)
    shop.stripe.objects[subscription]["cancel_at_period_end"] = True
    shop.tell(subscription)
    calendar.to("2026-01-31 23:59")
    assert balance(shop) == 500
    calendar.to("2026-02-01")
    assert balance(shop) == 0
    shop.tell(shop.end(subscription))
    assert subscriptions.current_plan(shop.account_id).plan == "free"
    assert sum(amount for kind, _, amount in shop.told() if kind == "CREDIT") == 500


def test_end_that_lies_beyond_the_next_renewal_leaves_the_grace(shop: Shop, calendar: Calendar) -> None:
    """The portal or the Dashboard may set any day; until then the subscription renews like any other."""
    invoice = shop.subscribe(shop.price("basic", 500, 1500))
    shop.tell(invoice)
    subscription = shop.subscription_of(invoice)
    shop.stripe.objects[subscription]["cancel_at"] = int(calendar_day(2026, 3, 15).timestamp())
    shop.tell(subscription)
    calendar.to("2026-02-03")
    assert balance(shop) == 500


def test_end_within_the_grace_ends_it(shop: Shop, calendar: Calendar) -> None:
    invoice = shop.subscribe(shop.price("basic", 500, 1500))
    shop.tell(invoice)
    subscription = shop.subscription_of(invoice)
    shop.stripe.objects[subscription]["cancel_at"] = int(calendar_day(2026, 2, 3).timestamp())
    shop.tell(subscription)
    calendar.to("2026-02-02")
    assert balance(shop) == 500
    calendar.to("2026-02-03")
    assert balance(shop) == 0


def test_older_subscription_that_ends_leaves_the_newer_one_alone__F031(shop: Shop, calendar: Calendar) -> None:
    price = shop.price("basic", 500, 1500)
    old = shop.subscribe(price)
    shop.tell(old)
    shop.stripe.objects[shop.subscription_of(old)]["cancel_at_period_end"] = True
    shop.tell(shop.subscription_of(old))
    calendar.to("2026-01-31 12:00")
    new = shop.subscribe(price)
    shop.tell(new)
    calendar.to("2026-02-01")
    shop.tell(shop.end(shop.subscription_of(old)))
    assert balance(shop) == 500
    plan = subscriptions.current_plan(shop.account_id)
    assert plan.subscription is not None
    assert plan.subscription.stripe_id == shop.subscription_of(new)


def test_payment_that_needs_a_customer_grants_nothing_until_it_is_done__F104(shop: Shop) -> None:
    invoice = shop.subscribe(shop.price("basic", 500, 1500))
    shop.stripe.objects[invoice]["status"] = "open"
    subscription = shop.subscription_of(invoice)
    for status in ("incomplete", "incomplete_expired"):
        shop.decide(subscription, status)
        shop.tell(invoice)
    assert shop.told() == []
    assert subscriptions.current_plan(shop.account_id).plan == "free"


def test_late_snapshot_of_a_subscription_changes_nothing__F028(shop: Shop) -> None:
    invoice = shop.subscribe(shop.price("basic", 500, 1500))
    shop.tell(invoice)
    subscription = shop.subscription_of(invoice)
    shop.tell(subscription)
    shop.decide(subscription, "incomplete")
    assert subscriptions.list_subscriptions(shop.account_id)[0].status == "active"


def test_two_plans_paid_by_accident_grant_both_and_flag_the_second__F107(shop: Shop, calendar: Calendar) -> None:
    price = shop.price("basic", 500, 1500)
    first = shop.subscribe(price)
    calendar.later(seconds=5)
    second = shop.subscribe(price)
    for invoice in (second, first):
        shop.tell(invoice)
    assert balance(shop) == 1000
    flags = {view.stripe_id: view.flagged for view in subscriptions.list_subscriptions(shop.account_id)}
    assert flags == {shop.subscription_of(first): None, shop.subscription_of(second): "second_plan"}
    shop.staff_refund(second)
    assert balance(shop) == 500


# ── a share that rolls over ──────────────────────────────────────────────────────────────────────────────────


def test_rolled_over_share_leaves_the_grace_of_the_rest(shop: Shop, calendar: Calendar) -> None:
    invoice = shop.subscribe(shop.price("saver", 100, 1000, rollover_percent=20))
    shop.tell(invoice)
    subscription = shop.subscription_of(invoice)
    shop.decide(subscription, "past_due")
    calendar.to("2026-02-02")
    assert balance(shop) == 100
    shop.decide(subscription, "active")
    calendar.to("2026-02-08")
    assert balance(shop) == 20


def test_difference_of_an_upgrade_rolls_over_and_waits_too(shop: Shop, calendar: Calendar) -> None:
    basic = shop.price("basic", 100, 1000, rollover_percent=20)
    plus = shop.price("plus", 200, 2000, rollover_percent=20)
    calendar.to("2026-04-01")
    first = shop.subscribe(basic)
    shop.tell(first)
    calendar.to("2026-04-16")
    shop.tell(shop.switch(shop.subscription_of(first), plus))
    assert balance(shop) == 150
    calendar.to("2026-05-02")
    assert balance(shop) == 150
    shop.tell(shop.renew(shop.subscription_of(first)))
    assert balance(shop) == 230


def test_rolled_over_share_of_a_year_granted_by_month(shop: Shop, calendar: Calendar) -> None:
    year = shop.subscribe(shop.price("saver", 100, 9000, "year", rollover_percent=20))
    shop.tell(year)
    assert balance(shop) == 100
    calendar.to("2026-02-01")
    assert balance(shop) == 120
    calendar.to("2026-03-01")
    assert balance(shop) == 120
    shop.staff_refund(year, 4500)
    calendar.to("2026-06-15")
    assert balance(shop) == 120
    calendar.to("2026-07-15")
    assert balance(shop) == 20


# ── years ────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(("grant", "credits", "monthly"), [("upfront", 6000, 0), ("monthly", 500, 500)])
def test_year_comes_at_once_or_by_the_month__F096(
    shop: Shop, calendar: Calendar, grant: str, credits: int, monthly: int
) -> None:
    year = shop.subscribe(shop.price("basic", credits, 21000, "year", yearly_grant=grant))
    shop.tell(year)
    for month in range(2, 13):
        calendar.to(f"2026-{month:02}-01")
        assert balance(shop) == (monthly or credits)
    assert sum(amount for kind, _, amount in shop.told() if kind == "CREDIT") == 6000
    calendar.to("2027-01-01")
    shop.tell(shop.renew(shop.subscription_of(year)))
    assert balance(shop) == credits
    assert sum(amount for kind, _, amount in shop.told() if kind == "CREDIT") == 6000 + credits


def test_year_heard_of_late_brings_every_month_that_was_missed(shop: Shop, calendar: Calendar) -> None:
    year = shop.subscribe(shop.price("basic", 500, 21000, "year"))
    calendar.to("2026-03-10")
    shop.tell(year)
    ends = [f"{grant.expires_at:%Y-%m-%d}" for grant in shop.balance().grants]
    assert ends == ["2026-03-17", "2026-03-17", "2026-04-01"]
    assert balance(shop) == 1500
    calendar.to("2026-03-17")
    assert balance(shop) == 500


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_year_and_its_end_in_any_order_bring_the_same_months(
    shop: Shop, calendar: Calendar, order: tuple[int, int]
) -> None:
    year = shop.subscribe(shop.price("basic", 500, 21000, "year"))
    calendar.to("2026-01-20")
    told = (year, shop.end(shop.subscription_of(year)))
    for n in order:
        shop.tell(told[n])
    calendar.to("2026-06-01")
    assert sum(amount for kind, _, amount in shop.told() if kind == "CREDIT") == 500


def test_upgrade_within_a_year_by_month_changes_this_month_in_part_and_the_rest_in_full(
    shop: Shop, calendar: Calendar
) -> None:
    basic, premium = shop.price("basic", 500, 21000, "year"), shop.price("premium", 1200, 29000, "year")
    calendar.to("2026-04-01")
    year = shop.subscribe(basic)
    shop.tell(year)
    calendar.to("2026-06-16")
    shop.tell(shop.switch(shop.subscription_of(year), premium))
    assert balance(shop) == 850
    calendar.to("2026-07-01")
    assert balance(shop) == 1200
    calendar.to("2027-03-31")
    assert sum(amount for kind, _, amount in shop.told() if kind == "CREDIT") == 3 * 500 + 350 + 9 * 1200


def test_smaller_plan_within_a_refunded_year_takes_no_more_than_there_is(shop: Shop, calendar: Calendar) -> None:
    """Nine tenths of the year are given back, then somebody changes the plan in the Dashboard to a smaller one."""
    premium, basic = shop.price("premium", 1200, 29000, "year"), shop.price("basic", 500, 21000, "year")
    year = shop.subscribe(premium)
    shop.tell(year)
    shop.staff_refund(year, 26100)
    calendar.to("2026-01-16 12:00")
    lines = shop.switch(shop.subscription_of(year), basic, invoiced=False)
    subscription = shop.stripe.objects[shop.subscription_of(year)]
    shop.tell(shop.invoice(subscription, lines))
    calendar.to("2026-12-31")
    assert sum(amount for _, _, amount in shop.told()) >= 0


def test_month_taken_by_a_refund_leaves_the_last_one_its_grace(shop: Shop, calendar: Calendar) -> None:
    year = shop.subscribe(shop.price("basic", 500, 21000, "year"))
    shop.tell(year)
    shop.staff_refund(year, 19250)
    calendar.to("2026-02-03")
    assert balance(shop) == 500
    calendar.to("2026-02-08")
    assert balance(shop) == 0


def test_switch_to_a_year_starts_its_months_whichever_way_the_line_is_marked(shop: Shop, calendar: Calendar) -> None:
    month, year = shop.price("basic", 500, 1500), shop.price("basic", 500, 21000, "year")
    calendar.to("2026-04-01")
    first = shop.subscribe(month)
    shop.tell(first)
    calendar.to("2026-04-16")
    lines = shop.switch(shop.subscription_of(first), year, invoiced=False)
    lines[1]["parent"]["subscription_item_details"]["proration"] = True
    shop.tell(shop.invoice(shop.stripe.objects[shop.subscription_of(first)], lines))
    assert balance(shop) == 1000
    calendar.to("2026-05-16")
    assert balance(shop) == 500
    calendar.to("2027-04-15")
    assert sum(amount for kind, _, amount in shop.told() if kind == "CREDIT") == 500 + 12 * 500


# ── influencers ──────────────────────────────────────────────────────────────────────────────────────────────


def test_influencer_invoice_brings_credits_for_that_influencer_only__F122_F123(shop: Shop) -> None:
    luna = shop.subscribe(shop.price("luna", 50, 999, kind="influencer", tier="basic"))
    nico = shop.subscribe(shop.price("nico", 40, 799, kind="influencer", tier="basic"))
    shop.tell(luna)
    shop.tell(nico)
    assert shop.balance().available == 0
    assert shop.balance().scoped == {"luna": 50 * MICRO, "nico": 40 * MICRO}
    shop.staff_refund(luna)
    assert shop.balance().scoped == {"nico": 40 * MICRO}


def test_cancelling_one_influencer_leaves_the_other__F116(shop: Shop, calendar: Calendar) -> None:
    luna = shop.subscribe(shop.price("luna", 50, 999, kind="influencer", tier="basic"))
    nico = shop.subscribe(shop.price("nico", 40, 799, kind="influencer", tier="basic"))
    for invoice in (luna, nico):
        shop.tell(invoice)
    shop.stripe.objects[shop.subscription_of(luna)]["cancel_at_period_end"] = True
    shop.tell(shop.subscription_of(luna))
    calendar.to("2026-01-31 23:00")
    assert subscriptions.access_to(shop.account_id, "luna").access
    calendar.to("2026-02-01")
    shop.tell(shop.end(shop.subscription_of(luna)))
    shop.tell(shop.renew(shop.subscription_of(nico)))
    assert not subscriptions.access_to(shop.account_id, "luna").access
    assert subscriptions.access_to(shop.account_id, "nico").access


def test_preview_of_a_year_says_what_months_go(shop: Shop) -> None:
    year = shop.subscribe(shop.price("basic", 500, 21000, "year"))
    shop.tell(year)
    preview = refunds.preview_refund(shop.payment(year).id, amount_minor=10500, credits="proportional")
    assert (preview.months_cancelled, preview.credits_taken) == (3000 * MICRO, 0)
    assert preview.balance_after == 500 * MICRO
