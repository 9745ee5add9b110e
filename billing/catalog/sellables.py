"""What Stripe must know of the catalog: one sellable per price, under the names that CONTRACT 4 fixes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from billing.catalog.model import Catalog, Influencer, Interval, Pack, Plan, Tier, YearlyGrant

SellableKind = Literal["plan", "pack", "influencer"]


@dataclass(frozen=True, slots=True)
class Sellable:
    """One price to be made at Stripe, and what a full payment of it is worth (R9).

    `credits` are micro-credits of one paid line: a month's on a yearly price that grants monthly, a year's on
    one that grants upfront. `item` is the plan's, pack's or influencer's id.
    """

    lookup_key: str
    product_id: str
    product_name: str
    kind: SellableKind
    item: str
    tier: str | None
    interval: Interval | None
    amount_minor: int
    currency: str
    credits: int
    bonus: int = 0
    trial_days: int = 0
    trial_credits: int = 0
    per_seat: bool = False
    rollover_percent: int = 0
    yearly_grant: YearlyGrant | None = None
    priority: int = 50
    expires_after_days: int | None = None
    grace_days: int = 0
    resets: tuple[str, ...] = ()


def plan_lookup_key(plan: str, interval: Interval) -> str:
    """The lookup key of a plan's price: `plan:<plan>:<month|year>`."""
    return f"plan:{plan}:{interval}"


def pack_lookup_key(pack: str) -> str:
    """The lookup key of a pack's price: `pack:<pack>`."""
    return f"pack:{pack}"


def tier_lookup_key(influencer: str, tier: str) -> str:
    """The lookup key of an influencer tier's price: `influencer:<influencer>:<tier>`."""
    return f"influencer:{influencer}:{tier}"


def product_id(kind: SellableKind, item: str) -> str:
    """The fixed id of a product at Stripe: `saldo_plan_<plan>`, `saldo_pack_<pack>` and so on."""
    return f"saldo_{kind}_{item}"


def sellables(catalog: Catalog, locale: str = "en") -> list[Sellable]:
    """Everything that can be bought now, in the order of the file; `locale` decides the products' names.

    Suspended and retired influencers are included: their subscribers' prices stay known.
    """
    found = [
        _plan_price(catalog, plan, interval, locale) for plan in catalog.plans.values() for interval in plan.prices
    ]
    found += [_pack_price(catalog, pack, locale) for pack in catalog.packs.values()]
    found += [
        _tier_price(catalog, influencer, tier, locale)
        for influencer in catalog.influencers.values()
        for tier in influencer.tiers.values()
    ]
    return found


def _plan_price(catalog: Catalog, plan: Plan, interval: Interval, locale: str) -> Sellable:
    upfront = interval == "year" and plan.yearly_grant == "upfront"
    return Sellable(
        lookup_key=plan_lookup_key(plan.id, interval),
        product_id=product_id("plan", plan.id),
        product_name=plan.name.get(locale),
        kind="plan",
        item=plan.id,
        tier=None,
        interval=interval,
        amount_minor=plan.prices[interval],
        currency=catalog.currency,
        credits=plan.yearly_credits if upfront else plan.credits,
        trial_days=plan.trial_days,
        trial_credits=plan.trial_credits,
        per_seat=plan.per_seat,
        rollover_percent=plan.rollover_percent,
        yearly_grant=plan.yearly_grant if interval == "year" else None,
        priority=plan.priority,
    )


def _pack_price(catalog: Catalog, pack: Pack, locale: str) -> Sellable:
    return Sellable(
        lookup_key=pack_lookup_key(pack.id),
        product_id=product_id("pack", pack.id),
        product_name=pack.name.get(locale),
        kind="pack",
        item=pack.id,
        tier=None,
        interval=None,
        amount_minor=pack.price,
        currency=catalog.currency,
        credits=pack.credits,
        bonus=pack.bonus,
        priority=pack.priority,
        expires_after_days=pack.expires_after_days,
        resets=pack.resets,
    )


def _tier_price(catalog: Catalog, influencer: Influencer, tier: Tier, locale: str) -> Sellable:
    return Sellable(
        lookup_key=tier_lookup_key(influencer.id, tier.id),
        product_id=product_id("influencer", influencer.id),
        product_name=influencer.name.get(locale),
        kind="influencer",
        item=influencer.id,
        tier=tier.id,
        interval=tier.interval,
        amount_minor=tier.price,
        currency=catalog.currency,
        credits=tier.credits,
        trial_days=tier.trial_days,
        trial_credits=tier.trial_credits,
        # R11's months are for plans; a tier's credits are those of its whole paid period.
        yearly_grant="upfront" if tier.interval == "year" else None,
        priority=tier.priority,
        grace_days=tier.grace_days,
    )
