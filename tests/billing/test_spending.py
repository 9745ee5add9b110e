"""One check before anything is spent: subscription, then quota, then credits; what holds, failures and refunds do."""

from __future__ import annotations

from pathlib import Path

import pytest

from billing import accounts, audit, audit_log, enforcement, monthly_use, quotas, quotes, spending, usage
from billing.clock import now
from billing.errors import (
    CaptureExceedsHold,
    HoldExpired,
    InsufficientCredits,
    Invalid,
    NotFound,
    QuotaExceeded,
    RefundExceeds,
    SubscriptionRequired,
    UnknownAction,
)
from billing.money import MICRO
from billing.spending import Order
from tests.billing.conftest import Calendar
from tests.factories import make_customer, make_grant, use_catalog

CATALOG = """
currency = "usd"
credit_value_usd = "0.01"
[free_plan]
name = "Free"
quotas = { searches = 3, images = 5 }
[quotas.searches]
name = "Searches"
period = "month"
[quotas.images]
name = "Images"
period = "lifetime"
[influencers.luna]
name = "Luna"
[influencers.luna.tiers.basic]
name = "Basic"
price = "9.99"
[actions.search]
name = "Search"
cost = 1
quotas = ["searches"]
[actions.image]
name = "Image"
cost = 5
quotas = ["images"]
on_failure = { moderation = 50, user_cancelled = 100 }
[actions.audio]
name = "Audio"
kind = "per_unit"
cost = 1
per = 15
unit = "second"
[actions.chat]
name = "Chat"
kind = "tokens"
models."gpt-4o-mini" = { input_per_million_usd = "0.15", output_per_million_usd = "0.60" }
[actions.private]
name = "Private chat"
cost = 2
requires_influencer = true
[actions.trial]
name = "Only watched"
cost = 7
enforcement = "observe"
"""
APP = "app:test"


@pytest.fixture
def ana(calendar: Calendar, database: None, tmp_path: Path) -> int:
    """A customer with 100 credits."""
    use_catalog(tmp_path, CATALOG)
    account_id = make_customer("ana")
    make_grant(account_id, 100)
    return account_id


def debit(account_id: int, action: str, **fields: object) -> spending.Charge:
    return spending.debit(account_id, Order(action=action, **fields), actor=APP)  # type: ignore[arg-type]


def used(account_id: int) -> dict[str, int]:
    return {each.resource: each.used for each in quotas.list_quotas(account_id)}


def available(account_id: int) -> int:
    """Whole credits; the books are right when this answers."""
    assert [violation.line for violation in audit.audit()] == []
    return accounts.read_balance(account_id).available // MICRO


def test_debit_costs_what_the_catalog_says_and_counts(ana: int) -> None:
    charge = debit(ana, "search", quantity=2, reference="job-1")
    assert charge.entry is not None
    assert (charge.amount, charge.entry.amount, charge.entry.action) == (2 * MICRO, -2 * MICRO, "search")
    assert [(each.resource, each.used, each.remaining) for each in charge.quotas] == [("searches", 2, 1)]
    assert available(ana) == 98


def test_tokens_are_exact_to_the_sixth_place(ana: int) -> None:
    charge = debit(ana, "chat", model="gpt-4o-mini", input_tokens=40, output_tokens=12)
    assert charge.amount == 1320  # 0.000006 + 0.0000072 dollars are 0.00132 credits
    row = usage.list_events(ana).rows[0]
    assert (row.credits, str(row.cost_usd)) == (1320, "0.0000132")


def test_over_the_limit_is_refused_with_what_is_left(ana: int) -> None:
    debit(ana, "search", quantity=2)
    with pytest.raises(QuotaExceeded) as refused:
        debit(ana, "search", quantity=2)
    error = refused.value
    assert (error.resource, error.limit, error.used, error.remaining, error.period) == ("searches", 3, 2, 1, "month")
    assert available(ana) == 98
    assert used(ana)["searches"] == 2


def test_months_begin_anew_and_lifetimes_do_not(ana: int, calendar: Calendar) -> None:
    debit(ana, "search", quantity=3)
    debit(ana, "image", quantity=5)
    calendar.to("2026-02-01")
    assert used(ana) == {"searches": 0, "images": 5}
    debit(ana, "search", quantity=3)
    with pytest.raises(QuotaExceeded, match="lifetime"):
        debit(ana, "image")


def test_quota_comes_before_credits(ana: int) -> None:
    debit(ana, "image", quantity=5)
    spending.debit(ana, Order(amount=75 * MICRO), actor=APP)
    with pytest.raises(QuotaExceeded):
        debit(ana, "image")


def test_subscription_comes_first_and_an_influencer_must_be_named(ana: int) -> None:
    with pytest.raises(SubscriptionRequired):
        debit(ana, "private", influencer="luna", quantity=1000)
    with pytest.raises(Invalid):
        debit(ana, "private")
    with pytest.raises(UnknownAction):
        debit(ana, "dance")


def test_hold_reserves_credits_and_quota_until_it_ends(ana: int, calendar: Calendar) -> None:
    hold = spending.place_hold(ana, Order(action="image", quantity=4), actor=APP)
    assert (hold.amount, available(ana), used(ana)["images"]) == (20 * MICRO, 80, 4)
    with pytest.raises(QuotaExceeded):
        debit(ana, "image", quantity=2)
    view, entry = spending.capture_hold(hold.id, quantity=1)
    assert entry is not None
    assert (view.status, view.captured, entry.amount) == ("captured", 5 * MICRO, -5 * MICRO)
    assert (available(ana), used(ana)["images"]) == (95, 1)


@pytest.mark.parametrize("seconds", [60, 900])
def test_hold_out_of_time_frees_credits_and_quota_without_a_worker(ana: int, calendar: Calendar, seconds: int) -> None:
    """F072."""
    hold = spending.place_hold(ana, Order(action="image", quantity=4), seconds, actor=APP)
    calendar.later(seconds=seconds)
    assert (available(ana), used(ana)["images"]) == (100, 0)
    with pytest.raises(HoldExpired):
        spending.capture_hold(hold.id)
    assert spending.read_hold(hold.id).status == "expired"


def test_capture_measures_what_was_really_done_and_never_more_than_held(ana: int) -> None:
    hold = spending.place_hold(ana, Order(action="audio", units=60), actor=APP)
    assert hold.amount == 4 * MICRO
    with pytest.raises(CaptureExceedsHold):
        spending.capture_hold(hold.id, units=61)
    view, _ = spending.capture_hold(hold.id, units=31)
    assert (view.captured, available(ana)) == (3 * MICRO, 97)


@pytest.mark.parametrize(
    ("reason", "status", "left", "counted"),
    [
        ("provider_error", "voided", 100, 0),
        ("moderation", "captured", 95, 2),
        ("user_cancelled", "captured", 90, 2),
    ],
)
def test_failure_charges_the_share_of_its_reason(ana: int, reason: str, status: str, left: int, counted: int) -> None:
    hold = spending.place_hold(ana, Order(action="image", quantity=2), actor=APP)
    assert spending.fail_hold(hold.id, reason).status == status
    assert (available(ana), used(ana)["images"]) == (left, counted)


def test_failure_for_an_unknown_reason_is_refused(ana: int) -> None:
    hold = spending.place_hold(ana, Order(action="image"), actor=APP)
    with pytest.raises(Invalid):
        spending.fail_hold(hold.id, "boredom")
    assert spending.read_hold(hold.id).status == "active"


def test_all_of_a_debit_given_back_gives_the_quota_back(ana: int) -> None:
    entry = debit(ana, "image", quantity=2).entry
    assert entry is not None
    spending.refund_debit(entry.id, 4 * MICRO, actor=APP)
    assert used(ana)["images"] == 2
    spending.refund_debit(entry.id, actor=APP)
    assert (available(ana), used(ana)["images"]) == (100, 0)
    with pytest.raises(RefundExceeds):
        spending.refund_debit(entry.id, 1, actor=APP)


def test_what_a_reset_has_forgiven_is_never_given_back(ana: int) -> None:
    before = debit(ana, "image", quantity=2).entry
    held = spending.place_hold(ana, Order(action="image", quantity=3), actor=APP)
    view = quotas.reset_quota(ana, "images", reason="a present", actor="staff:test")
    assert (view.used, view.remaining) == (0, 5)
    (record,) = audit_log.list_records(account_id=ana)
    assert (record.action, record.subject, record.detail) == ("quota_reset", "images", {"used": 5})
    debit(ana, "image", quantity=4)
    spending.capture_hold(held.id)
    assert before is not None
    spending.refund_debit(before.id, actor=APP)
    assert used(ana)["images"] == 4
    with pytest.raises(Invalid):
        quotas.reset_quota(ana, "images", reason=" ", actor="staff:test")
    with pytest.raises(NotFound):
        quotas.reset_quota(ana, "kisses", reason="none", actor="staff:test")


def test_own_monthly_limit_counts_spending_and_holds(ana: int, calendar: Calendar) -> None:
    monthly_use.set_monthly_limit(ana, 20 * MICRO)
    entry = debit(ana, "image", quantity=2).entry
    hold = spending.place_hold(ana, Order(action="image"), actor=APP)
    with pytest.raises(QuotaExceeded) as refused:
        spending.debit(ana, Order(amount=6 * MICRO), actor=APP)
    assert (refused.value.resource, refused.value.used) == ("spending", 15 * MICRO)
    spending.void_hold(hold.id)
    assert entry is not None
    spending.refund_debit(entry.id, actor=APP)
    spending.debit(ana, Order(amount=20 * MICRO), actor=APP)
    assert monthly_use.spent_this_month(ana, now()) == 20 * MICRO
    calendar.to("2026-02-01")
    assert monthly_use.spent_this_month(ana, now()) == 0
    spending.debit(ana, Order(amount=20 * MICRO), actor=APP)
    monthly_use.set_monthly_limit(ana, None)
    spending.debit(ana, Order(amount=21 * MICRO), actor=APP)


def test_observing_refuses_nothing_and_says_what_it_would_have_refused(ana: int) -> None:
    enforcement.configure("observe")
    try:
        debit(ana, "image", quantity=5)
        over = debit(ana, "image", quantity=2)  # over the limit, but there are credits
        denied = debit(ana, "private", influencer="luna")
        short = debit(ana, "audio", units=15 * 64)
    finally:
        enforcement.configure("enforce")
    assert (over.would_refuse, denied.would_refuse, short.would_refuse) == ("quota", "subscription", "credits")
    assert over.entry is not None
    assert short.entry is None
    assert (available(ana), used(ana)["images"]) == (63, 7)
    found = usage.list_refusals(now().replace(year=2025), now().replace(year=2027))
    assert {(each.action, each.reason, each.amount // MICRO) for each in found} == {
        *{("image", "quota", 10), ("private", "subscription", 2), ("audio", "credits", 64)}
    }
    with pytest.raises(QuotaExceeded):
        debit(ana, "image")


def test_one_action_alone_may_be_observed(ana: int) -> None:
    spending.debit(ana, Order(amount=94 * MICRO), actor=APP)
    charge = debit(ana, "trial")
    assert (charge.entry, charge.would_refuse, charge.amount) == (None, "credits", 7 * MICRO)
    hold = spending.place_hold(ana, Order(action="trial"), actor=APP)
    assert (hold.amount, hold.would_refuse) == (0, "credits")
    view, entry = spending.capture_hold(hold.id, 3 * MICRO)
    assert (view.status, view.captured, entry) == ("captured", 0, None)
    with pytest.raises(InsufficientCredits):
        debit(ana, "audio", units=15 * 7)
    assert available(ana) == 6


def test_quote_holds_its_price_for_the_same_order_until_it_expires(
    ana: int, calendar: Calendar, tmp_path: Path
) -> None:
    quote = quotes.make_quote(ana, Order(action="image", quantity=2))
    assert (quote.amount, quote.affordable, quote.blocked_by, quote.shortfall) == (10 * MICRO, True, None, 0)
    use_catalog(tmp_path, CATALOG.replace("cost = 5", "cost = 9"))
    with pytest.raises(Invalid):
        debit(ana, "image", quantity=3, quote=quote.id)
    with pytest.raises(NotFound):
        debit(make_customer("bob"), "image", quantity=2, quote=quote.id)
    assert debit(ana, "image", quantity=2, quote=quote.id).amount == 10 * MICRO
    assert debit(ana, "image").amount == 9 * MICRO
    calendar.later(minutes=15)
    with pytest.raises(Invalid, match="expired"):
        debit(ana, "image", quantity=2, quote=quote.id)


def test_price_that_changes_under_a_job_never_makes_it_dearer_than_was_held(ana: int, tmp_path: Path) -> None:
    quote = quotes.make_quote(ana, Order(action="image", quantity=3))
    held = [
        spending.place_hold(ana, Order(action="image", quantity=quantity, quote=named), actor=APP).id
        for quantity, named in ((3, quote.id), (2, None))
    ]
    use_catalog(tmp_path, CATALOG.replace("cost = 5", "cost = 9"))
    assert spending.capture_hold(held[0], quantity=3)[0].captured == 15 * MICRO
    assert spending.capture_hold(held[1], quantity=1)[0].captured == 9 * MICRO
    assert available(ana) == 76


def test_quote_says_what_stops_the_order(ana: int) -> None:
    assert quotes.make_quote(ana, Order(action="private", influencer="luna")).blocked_by == "subscription"
    assert quotes.make_quote(ana, Order(action="search", quantity=4)).blocked_by == "quota"
    dear = quotes.make_quote(ana, Order(action="audio", units=15 * 101))
    assert (dear.blocked_by, dear.affordable, dear.shortfall) == ("credits", False, MICRO)


def test_same_source_answers_the_first_debit_also_where_nothing_was_charged(ana: int) -> None:
    spending.debit(ana, Order(amount=94 * MICRO), actor=APP)
    order = Order(action="trial")
    first = spending.debit(ana, order, actor=APP, source="app:key-1")
    assert spending.debit(ana, order, actor=APP, source="app:key-1").usage_id == first.usage_id
    assert len(usage.list_events(ana).rows) == 2
