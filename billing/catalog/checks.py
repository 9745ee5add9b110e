"""What `flask catalog check` says: mistakes, and what may be meant but looks like a slip."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise
from pathlib import Path

from billing.catalog.findings import CatalogFinding, Findings
from billing.catalog.lines import KeyPath
from billing.catalog.model import Catalog, FreePlan, Plan, Step
from billing.catalog.reading import read_catalog
from billing.money import MICRO, format_credits_plain, format_money, format_unit_price

MAX_PORTAL_PRODUCTS = 10
"""As many plans as Stripe's portal can offer for a change."""


def check_catalog(path: Path) -> list[CatalogFinding]:
    """Everything `wrong` with a catalog file, or else everything `odd`, by line; empty when all is well."""
    catalog, findings = read_catalog(path)
    if catalog is not None and not findings.found:
        _look_at_offer(catalog, findings)
        _look_at_plans(catalog, findings)
        _look_at_packs(catalog, findings)
        _look_at_influencers(catalog, findings)
        _look_at_actions(catalog, findings)
        _look_at_quotas(catalog, findings)
        _look_at_languages(findings)
    return sorted(findings.found, key=lambda finding: finding.line)


def _look_at_offer(catalog: Catalog, findings: Findings) -> None:
    if not catalog.plans and not catalog.packs and not catalog.influencers:
        findings.odd((), "nothing is for sale: there are no plans, packs or influencers")
    if not catalog.actions:
        findings.odd((), "nothing costs anything: there are no actions")
    if len(catalog.plans) > MAX_PORTAL_PRODUCTS:
        findings.odd(("plans",), f"are more than the {MAX_PORTAL_PRODUCTS} that Stripe's portal can offer")


def _look_at_plans(catalog: Catalog, findings: Findings) -> None:
    for plan in catalog.plans.values():
        _look_at_plan(catalog, plan, findings)
    by_price = sorted(
        (plan for plan in catalog.plans.values() if "month" in plan.prices and not plan.unlimited),
        key=lambda plan: plan.prices["month"],
    )
    for cheaper, dearer in pairwise(by_price):
        if dearer.prices["month"] > cheaper.prices["month"] and dearer.credits < cheaper.credits:
            path = ("plans", dearer.id, "credits")
            findings.odd(path, f'are fewer than those of "{cheaper.id}", which costs less')


def _look_at_plan(catalog: Catalog, plan: Plan, findings: Findings) -> None:
    path = ("plans", plan.id)
    year, month = plan.prices.get("year"), plan.prices.get("month")
    if year is not None and month is not None and year > 12 * month:
        costs, would = (format_money(amount, catalog.currency, "en") for amount in (year, 12 * month))
        findings.odd((*path, "price", "year"), f"is {costs}, dearer than 12 months, which cost {would}")
    if not plan.credits and not plan.unlimited and not plan.quotas:
        findings.odd(path, "brings no credits, is not unlimited and sets no quotas")
    if plan.unlimited and plan.credits:
        findings.odd((*path, "credits"), "are never needed: the plan is unlimited")
    if plan.unlimited and not plan.grace_days:
        findings.odd(path, "has no grace_days: it stops being unlimited at each renewal until the invoice is paid")
    if plan.trial_credits and not plan.trial_days:
        findings.odd((*path, "trial_credits"), "are never granted: there are no trial_days")
    if plan.rollover_percent and not plan.credits:
        findings.odd((*path, "rollover"), "has nothing to roll over: the plan brings no credits")


def _look_at_packs(catalog: Catalog, findings: Findings) -> None:
    """Nobody who can count buys a bigger pack that is dearer per credit."""
    by_size = sorted(
        (pack for pack in catalog.packs.values() if pack.credits), key=lambda pack: pack.credits + pack.bonus
    )
    for smaller, bigger in pairwise(by_size):
        small_price, big_price = (Fraction(pack.price * MICRO, pack.credits + pack.bonus) for pack in (smaller, bigger))
        if bigger.credits + bigger.bonus > smaller.credits + smaller.bonus and big_price > small_price:
            small, big = (format_unit_price(each, catalog.currency, "en") for each in (small_price, big_price))
            findings.odd(
                ("packs", bigger.id, "price"),
                f'makes {big} a credit, dearer than the smaller "{smaller.id}" at {small}',
            )


def _look_at_influencers(catalog: Catalog, findings: Findings) -> None:
    for influencer in catalog.influencers.values():
        path = ("influencers", influencer.id)
        if not influencer.tiers:
            findings.odd(path, "has no tiers, so nobody can subscribe")
        for tier in influencer.tiers.values():
            if tier.trial_credits and not tier.trial_days:
                findings.odd((*path, "tiers", tier.id, "trial_credits"), "are never granted: no trial_days")


def _look_at_actions(catalog: Catalog, findings: Findings) -> None:
    for action in catalog.actions.values():
        path = ("actions", action.id)
        _look_at_steps((*path, "steps"), action.steps, findings)
        for model, price in action.models.items():
            _look_at_steps((*path, "models", model, "steps"), price.steps, findings)
        if action.kind == "flat" and not action.cost and not action.models and not action.quotas:
            findings.odd((*path, "cost"), "is 0 and no quota is used: the action is free without limit")


def _look_at_steps(path: KeyPath, steps: tuple[Step, ...], findings: Findings) -> None:
    for index, (shorter, longer) in enumerate(pairwise(steps), start=1):
        if longer.cost < shorter.cost:
            cost = format_credits_plain(shorter.cost)
            findings.odd((*path, index, "cost"), f"is less than the {cost} of the step before")


def _look_at_quotas(catalog: Catalog, findings: Findings) -> None:
    used = {resource for action in catalog.actions.values() for resource in action.quotas}
    for resource in catalog.quotas:
        path = ("quotas", resource)
        if resource not in used:
            findings.odd(path, "is used by no action")
        plans: list[FreePlan | Plan] = [catalog.free_plan, *catalog.plans.values()]
        without = [f'"{plan.id}"' for plan in plans if resource not in plan.quotas]
        if without:
            findings.odd(path, f"has no limit on {', '.join(without)}: it is unlimited there")


def _look_at_languages(findings: Findings) -> None:
    """A text that is given in some languages, but not in one that other texts have."""
    texts = [(path, text) for path, text in findings.texts if len(text.translations) > 1]
    languages = sorted({locale for _, text in texts for locale in text.translations} - {"es_MX"})
    for path, text in texts:
        for language in languages:
            if language not in text.translations:
                findings.odd(path, f'has no "{language}", which other texts have')
