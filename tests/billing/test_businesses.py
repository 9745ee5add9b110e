"""Five businesses, each by its catalog alone (`examples/catalogs/`): sold to, spent from, every figure checked."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from api.balance import write_balance
from billing import accounts, catalog, enforcement, monthly_use, quotas, refunds, spending, usage
from billing.catalog import check_catalog
from billing.clock import now
from billing.errors import InsufficientCredits, QuotaExceeded, SubscriptionRequired, UnitOutOfRange
from billing.ledger.history import list_entries
from billing.money import MICRO
from billing.spending import Charge, Order
from config import ROOT
from tests.billing.conftest import Calendar, every_invariant_holds
from tests.billing.shop import Shop
from tests.billing.stripe_stand_in import StripeStandIn

EXAMPLES = ROOT / "examples" / "catalogs"
APP = "app:example"
Opener = Callable[[Path], Shop]


@pytest.fixture
def open_business(calendar: Calendar, database: None, stripe: StripeStandIn) -> Iterator[Opener]:
    """Runs a business on its catalog and answers its first customer; at the end every invariant holds."""

    def open_(path: Path) -> Shop:
        catalog.configure(catalog.load_catalog(path))
        return Shop(stripe)

    yield open_
    enforcement.configure("enforce")
    every_invariant_holds()


def subscribe(shop: Shop, plan_id: str, interval: str = "month") -> str:
    """Buy a plan of the catalog; answers the first invoice."""
    invoice = shop.subscribe(plan_price(shop, plan_id, interval))
    shop.tell(shop.subscription_of(invoice))
    shop.tell(invoice)
    return invoice


def plan_price(shop: Shop, plan_id: str, interval: str = "month") -> str:
    plan = catalog.current().plan(plan_id)
    terms = {"rollover_percent": plan.rollover_percent, "priority": plan.priority}
    return shop.price(plan.id, plan.credits // MICRO, plan.prices[interval], interval, **terms)  # type: ignore[index]


def follow(shop: Shop, influencer: str, tier_id: str) -> str:
    """Subscribe to an influencer; answers the first invoice."""
    tier = catalog.current().tier(influencer, tier_id)
    terms = {"kind": "influencer", "tier": tier.id, "grace_days": tier.grace_days}
    invoice = shop.subscribe(shop.price(influencer, tier.credits // MICRO, tier.price, "month", **terms))
    shop.tell(shop.subscription_of(invoice))
    shop.tell(invoice)
    return invoice


def buy(shop: Shop, pack_id: str) -> str:
    """Buy a pack; answers its session."""
    pack = catalog.current().pack(pack_id)
    terms = {"bonus": pack.bonus // MICRO, "expires_after_days": pack.expires_after_days}
    session = shop.buy(shop.price(pack.id, pack.credits // MICRO, pack.price, None, **terms))
    shop.tell(session)
    return session


def do(shop: Shop, action: str, **fields: object) -> Charge:
    return spending.debit(shop.account_id, Order(action=action, **fields), actor=APP)  # type: ignore[arg-type]


def cost(shop: Shop, action: str, **fields: object) -> int:
    """What it cost, in whole credits."""
    return do(shop, action, **fields).amount // MICRO


def available(shop: Shop) -> int:
    return accounts.read_balance(shop.account_id).available // MICRO


def used(shop: Shop) -> dict[str, tuple[int, int]]:
    """Used and limit of each resource."""
    return {each.resource: (each.used, each.limit) for each in quotas.list_quotas(shop.account_id)}


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.toml")), ids=lambda path: path.stem)
def test_example_has_nothing_wrong_or_odd(path: Path) -> None:
    assert [str(finding) for finding in check_catalog(path)] == []


def test_generation_studio_charges_each_part_of_a_scene_when_it_is_there(
    open_business: Opener, calendar: Calendar
) -> None:
    """A: a monthly allowance, hold and capture, limits that reset by the month, a limit of the customer's own."""
    shop = open_business(EXAMPLES / "generation-studio.toml")
    subscribe(shop, "studio")
    assert available(shop) == 2430  # the plan's 2400 beside the free refill of the day before
    for action, fields, price in (
        ("preview-image", {}, 2),
        ("scene-video", {"units": 8}, 32),
        ("scene-audio", {"units": 41}, 5),
    ):
        order = Order(action=action, reference="scene-1", **fields)  # type: ignore[arg-type]
        hold = spending.place_hold(shop.account_id, order, actor=APP)
        assert hold.amount == price * MICRO
        spending.capture_hold(hold.id)
    assert available(shop) == 2391
    failed = spending.place_hold(shop.account_id, Order(action="scene-video", units=10), actor=APP)
    spending.fail_hold(failed.id, "provider_error")
    moderated = spending.place_hold(shop.account_id, Order(action="scene-video", units=10), actor=APP)
    assert spending.fail_hold(moderated.id, "moderation").captured == 10 * MICRO
    assert used(shop) == {"scenes": (1, 400)}
    lines, total = usage.summarize(shop.account_id, now().replace(day=1), now().replace(day=28), "action")
    by_service = {line.key: line.credits // MICRO for line in lines}
    assert by_service == {"preview-image": 2, "scene-video": 42, "scene-audio": 5}
    assert total.credits == 49 * MICRO
    monthly_use.set_monthly_limit(shop.account_id, 50 * MICRO)
    with pytest.raises(QuotaExceeded) as refused:
        do(shop, "preview-image")
    assert refused.value.resource == "spending"
    calendar.to("2026-02-01")
    assert used(shop) == {"scenes": (0, 400), "spending": (0, 50 * MICRO)}


@pytest.mark.parametrize(("plan", "searches"), [(None, 10), ("basic", 50), ("premium", 200), ("business", 1000)])
def test_profile_analysis_checks_searches_and_credits_at_once(
    open_business: Opener, plan: str | None, searches: int
) -> None:
    """B: three credits at sign-up; 1 per profile, 1 per video, 1 for insights; searches by plan."""
    shop = open_business(EXAMPLES / "profile-analysis.toml")
    assert available(shop) == 3
    if plan is not None:
        subscribe(shop, plan)
    assert used(shop) == {"searches": (0, searches)}
    before = available(shop)
    assert (cost(shop, "scrape-profile"), cost(shop, "regenerate-insights")) == (1, 1)
    assert used(shop) == {"searches": (1, searches)}
    assert available(shop) == before - 2
    with pytest.raises(InsufficientCredits) as short:
        do(shop, "analyse-video", quantity=before - 1)
    assert (short.value.required, short.value.available) == ((before - 1) * MICRO, (before - 2) * MICRO)
    buy(shop, "hundred")
    buy(shop, "ten")
    assert cost(shop, "analyse-video", quantity=7) == 7
    if plan is None:
        for _ in range(9):
            do(shop, "scrape-profile")
        with pytest.raises(QuotaExceeded) as refused:
            do(shop, "scrape-profile")
        assert (refused.value.used, refused.value.limit, refused.value.period) == (10, 10, "month")
        balances = [entry.balance_after // MICRO for entry in list_entries(shop.account_id).entries]
        assert balances[0] == 95


def test_default_catalog_sells_cycles_and_charges_steps_and_units(open_business: Opener) -> None:
    """C: 60, 500 and 1200 credits; images 5, videos 25 and 50, audio by 15 s, lip sync by 10 s."""
    path = ROOT / "catalog.toml"
    shop = open_business(path)
    known = catalog.current()
    assert available(shop) == 60
    assert {plan.id: (plan.credits // MICRO, dict(plan.prices)) for plan in known.plans.values()} == {
        "basic": (500, {"month": 1500, "year": 21000}),
        "premium": (1200, {"month": 2900, "year": 29000}),
    }
    assert ["basic" in str(finding) for finding in check_catalog(path)] == [True]
    invoice = subscribe(shop, "basic")
    assert available(shop) == 560
    assert [cost(shop, action) for action in ("text-to-image", "image-to-image", "upscale")] == [5, 5, 5]
    assert [cost(shop, "video", units=seconds) for seconds in (1, 5, 6, 10)] == [25, 25, 50, 50]
    with pytest.raises(UnitOutOfRange):
        do(shop, "video", units=11)
    assert [cost(shop, "audio", units=seconds) for seconds in (1, 15, 16)] == [1, 1, 2]
    assert [cost(shop, "lipsync", units=seconds) for seconds in (10, 11)] == [20, 40]
    assert available(shop) == 560 - 15 - 150 - 4 - 60
    failed = do(shop, "video", units=5, description="a failed clip").entry
    assert failed is not None
    spending.refund_debit(failed.id, actor=APP, reason="generation failed")
    estimate = spending.place_hold(shop.account_id, Order(action="audio", units=120), actor=APP)
    view, _ = spending.capture_hold(estimate.id, units=76)
    assert (estimate.amount, view.captured) == (8 * MICRO, 6 * MICRO)
    buy(shop, "small")
    shop.tell(shop.switch(shop.subscription_of(invoice), plan_price(shop, "premium")))
    assert available(shop) == 560 - 229 - 6 + 100 + 700
    kinds = {entry.kind for entry in list_entries(shop.account_id).entries}
    assert kinds == {"PURCHASE", "CREDIT", "DEBIT", "REFUND"}


@pytest.mark.parametrize(
    ("model", "tokens_in", "tokens_out", "micro", "usd"),
    [
        ("grok-4-fast", 100, 100, 1_000, "0.00001"),
        ("grok-4-fast", 1_000_000, 1_000_000, 10_000_000, "0.1"),
        ("gpt-4o-mini", 1_000_000, 1_000_000, 75_000_000, "0.75"),
        ("gpt-4o-mini", 50, 5, 1_050, "0.0000105"),
        ("gpt-5", 1_000, 100, 225_000, "0.00225"),
        ("gemini-1.5-flash", 1, 0, 35, "0.00000035"),
        ("gemini-1.5-flash", 0, 1, 140, "0.0000014"),
    ],
)
def test_llm_agents_pay_by_model_and_token_exactly(
    open_business: Opener, model: str, tokens_in: int, tokens_out: int, micro: int, usd: str
) -> None:
    """D: a credit is a cent; about 0.001 credit a message, so 100 credits are about 100 000 messages."""
    shop = open_business(EXAMPLES / "llm-agents.toml")
    known = catalog.current()
    assert (available(shop), [plan.credits // MICRO for plan in known.plans.values()]) == (100, [2500, 7500, 0])
    charge = do(
        shop,
        "message",
        model=model,
        input_tokens=tokens_in,
        output_tokens=tokens_out,
        agent="writer",
        thread="t-1",
        execution="run-9",
    )
    row = usage.list_events(shop.account_id).rows[0]
    assert (charge.amount, row.credits, f"{row.cost_usd:f}") == (micro, micro, usd)
    assert (row.model, row.agent, row.thread, row.execution) == (model, "writer", "t-1", "run-9")


def test_llm_agents_observe_first_then_enforce_by_one_setting(open_business: Opener) -> None:
    shop = open_business(EXAMPLES / "llm-agents.toml")
    dear = {"model": "gpt-5", "input_tokens": 0, "output_tokens": 80_000}  # 80 credits
    enforcement.configure("observe")
    assert [do(shop, "message", **dear).would_refuse for _ in range(2)] == [None, "credits"]
    assert available(shop) == 20
    (refusal,) = usage.list_refusals(now().replace(year=2025), now().replace(year=2027))
    assert (refusal.action, refusal.reason, refusal.calls, refusal.amount // MICRO) == ("message", "credits", 1, 80)
    enforcement.configure("enforce")
    with pytest.raises(InsufficientCredits):
        do(shop, "message", **dear)


def test_llm_agents_unlimited_plan_is_recorded_and_not_charged(open_business: Opener, calendar: Calendar) -> None:
    """R13: it lasts to the paid period's end and its grace, and rests while its payment is disputed."""
    shop = open_business(EXAMPLES / "llm-agents.toml")
    dear = {"model": "gpt-5", "input_tokens": 0, "output_tokens": 1_000_000}  # 1000 credits
    invoice = subscribe(shop, "business")
    charge = do(shop, "message", **dear)
    assert (charge.entry, charge.amount, charge.would_refuse) == (None, 1000 * MICRO, None)
    hold = spending.place_hold(shop.account_id, Order(action="message", **dear), actor=APP)  # type: ignore[arg-type]
    view, entry = spending.capture_hold(hold.id)
    assert (hold.amount, view.status, view.captured, entry) == (0, "captured", 0, None)
    _, total = usage.summarize(shop.account_id, now().replace(year=2025), now().replace(year=2027), "model")
    assert (total.calls, total.output_tokens, total.credits, total.cost_usd) == (2, 2_000_000, 0, 20)
    assert available(shop) == 100
    assert write_balance("ana", shop.account_id)["unlimited"] is True
    dispute = shop.dispute(invoice, 19900)
    shop.tell(dispute)
    assert write_balance("ana", shop.account_id)["unlimited"] is False
    with pytest.raises(InsufficientCredits):
        do(shop, "message", **dear)
    shop.decide(dispute, "won")
    do(shop, "message", **dear)
    calendar.to("2026-02-03 23:59")
    do(shop, "message", **dear)
    calendar.to("2026-02-04")
    with pytest.raises(InsufficientCredits):
        do(shop, "message", **dear)


def test_llm_agents_unlimited_plan_ends_with_a_full_refund(open_business: Opener) -> None:
    shop = open_business(EXAMPLES / "llm-agents.toml")
    dear = {"model": "gpt-5", "input_tokens": 0, "output_tokens": 1_000_000}
    invoice = subscribe(shop, "business")
    do(shop, "message", **dear)
    refunds.request_refund(
        shop.payment(invoice).id,
        amount_minor=None,
        credits="proportional",
        reason="requested_by_customer",
        note=None,
        actor="staff:sam",
    )
    with pytest.raises(InsufficientCredits):
        do(shop, "message", **dear)


LIFETIME = {
    "free": {"influencers": 2, "stories": 3, "images": 5, "videos": 1, "content": 10},
    "basic": {"influencers": 10, "stories": 15, "images": 30, "videos": 5, "content": 50},
    "premium": {"influencers": 50, "stories": 60, "images": 150, "videos": 20, "content": 300},
    "pro": {"influencers": 500, "stories": 999, "images": 999, "videos": 999, "content": 999},
}


@pytest.mark.parametrize("plan", LIFETIME)
def test_influencers_have_lifetime_limits_by_tier(open_business: Opener, plan: str) -> None:
    """E."""
    shop = open_business(EXAMPLES / "influencers.toml")
    if plan != "free":
        subscribe(shop, plan)
    assert {name: limit for name, (_, limit) in used(shop).items()} == LIFETIME[plan]
    for action, resource in (
        ("create-influencer", "influencers"),
        ("create-story", "stories"),
        ("create-image", "images"),
        ("create-video", "videos"),
    ):
        limit = LIFETIME[plan][resource]
        with pytest.raises(QuotaExceeded, match="lifetime"):
            do(shop, action, quantity=limit + 1)


def test_influencers_upgrade_keeps_what_was_used_and_a_pack_sets_it_back_once(
    open_business: Opener, calendar: Calendar
) -> None:
    shop = open_business(EXAMPLES / "influencers.toml")
    do(shop, "create-image", quantity=5)
    do(shop, "create-story", quantity=3)
    do(shop, "create-video")
    calendar.to("2027-01-01")
    assert used(shop)["content"] == (9, 10)
    subscribe(shop, "basic")
    do(shop, "create-image")
    assert used(shop)["content"] == (10, 50)
    session = buy(shop, "start-over")
    assert used(shop) == {name: (0, limit) for name, limit in LIFETIME["basic"].items()}
    do(shop, "create-image")
    assert shop.tell(session) == "duplicate"
    assert used(shop)["images"] == (1, 30)


def test_influencers_failed_generation_costs_and_counts_nothing(open_business: Opener) -> None:
    shop = open_business(EXAMPLES / "influencers.toml")
    hold = spending.place_hold(shop.account_id, Order(action="create-video"), actor=APP)
    with pytest.raises(QuotaExceeded):
        do(shop, "create-video")
    assert spending.fail_hold(hold.id, "provider_error").status == "voided"
    assert used(shop)["videos"] == (0, 1)


def test_influencers_chat_is_for_subscribers_and_paid_by_their_own_credits(
    open_business: Opener, calendar: Calendar
) -> None:
    shop = open_business(EXAMPLES / "influencers.toml")
    with pytest.raises(SubscriptionRequired) as refused:
        do(shop, "private-chat", influencer="luna-style")
    assert refused.value.influencer == "luna-style"
    follow(shop, "luna-style", "basic")
    with pytest.raises(SubscriptionRequired):
        do(shop, "private-chat", influencer="nico-trail")
    follow(shop, "nico-trail", "basic")
    do(shop, "private-chat", influencer="luna-style", quantity=40)
    with pytest.raises(InsufficientCredits):
        do(shop, "private-chat", influencer="luna-style")
    do(shop, "private-chat", influencer="nico-trail", quantity=30)
    calendar.to("2026-02-05")
    with pytest.raises(SubscriptionRequired):
        do(shop, "private-chat", influencer="nico-trail")
