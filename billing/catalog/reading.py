"""Reads the catalog file into the model. `catalog.toml` explains every key to the person who edits it."""

from __future__ import annotations

import hashlib
import re
import tomllib
from collections.abc import Mapping, Sequence
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any, get_args

from billing.catalog.findings import CatalogFinding, Findings
from billing.catalog.lines import LineIndex
from billing.catalog.model import (
    DEFAULT_PRIORITY,
    FREE_PLAN,
    NO_TEXT,
    Catalog,
    FreePlan,
    Influencer,
    InfluencerStatus,
    Interval,
    Pack,
    Plan,
    Quota,
    QuotaPeriod,
    QuotaRule,
    Text,
    Tier,
    TopUp,
    YearlyGrant,
)
from billing.catalog.reading_actions import read_actions
from billing.catalog.table import MAX_NAME_LENGTH, Table
from billing.errors import CatalogError
from billing.money import MAX_MOVE, MICRO, is_currency

INTERVALS: tuple[Interval, ...] = get_args(Interval)
MAX_TRIAL_DAYS = 730  # Stripe's own limit
MAX_GRACE_DAYS = 90
MAX_EXPIRY_DAYS = 3650
MAX_QUOTA = 10**9


def load_catalog(path: Path) -> Catalog:
    """The catalog in a file. Raises `CatalogError`: a line for each mistake, with what is allowed there."""
    catalog, findings = read_catalog(path)
    if catalog is None or findings.found:
        raise CatalogError("\n".join(map(str, findings.found)))
    return catalog


def read_catalog(path: Path) -> tuple[Catalog | None, Findings]:
    """The catalog in a file and every mistake found in it: with a single one it must not be used.

    There is no catalog at all where there is no file, no text or no TOML.
    """
    try:
        text = path.read_bytes().decode("utf-8-sig")  # editors on Windows begin a file with a mark
        values: dict[str, Any] = tomllib.loads(text, parse_float=_parse_float)
    except (OSError, ValueError) as error:
        findings = Findings(path.name, LineIndex(""))
        findings.found.append(CatalogFinding("wrong", path.name, *_explain_unreadable(error)))
        return None, findings
    findings = Findings(path.name, LineIndex(text.replace("\r\n", "\n")))
    version = hashlib.sha256(text.encode()).hexdigest()[:12]
    return _read_document(Table(findings, (), values), version), findings


def _parse_float(text: str) -> Decimal:
    """Exact; what even Decimal cannot hold is refused later, with its line, as infinity is."""
    try:
        return Decimal(text)
    except ArithmeticError:
        return Decimal("Infinity")


def _explain_unreadable(error: OSError | ValueError) -> tuple[int, str, str]:
    """Line, key and message for a file that cannot be read at all."""
    if isinstance(error, OSError):
        return 0, "", f"cannot be read: {error.strerror}"
    if isinstance(error, UnicodeDecodeError):
        return error.object[: error.start].count(b"\n") + 1, "", "is not UTF-8 text"
    # `tomllib` tells the place in words only: "… (at line 3, column 5)" or "… (at end of document)".
    place = re.search(r" \(at line ([0-9]+), column [0-9]+\)$", str(error))
    return int(place[1]) if place else 0, "", f"is not TOML: {error}"


def _read_document(root: Table, version: str) -> Catalog:
    currency = _read_currency(root)
    credit_value = root.usd("credit_value_usd", Fraction(0)) or None
    quotas = _read_quota_rules(root)
    packs = _read_packs(root, currency, tuple(quotas))
    catalog = Catalog(
        currency=currency,
        credit_value_usd=credit_value,
        free_plan=_read_free_plan(root, quotas),
        quotas=quotas,
        plans=_read_plans(root, currency, quotas),
        packs=packs,
        influencers=_read_influencers(root, currency),
        actions=read_actions(root, tuple(quotas), credit_value),
        topup=_read_topup(root, currency, tuple(packs)),
        version=version,
    )
    root.close()
    return catalog


def _read_currency(root: Table) -> str:
    expected = 'the ISO code of a currency in small letters, like "usd"'
    currency = root.string("currency", pattern="[a-z]{3}", expected=expected, required=True)
    if currency is not None and not is_currency(currency):
        root.wrong("currency", f"is '{currency}'; expected {expected}")
    return currency or "usd"


def _read_quota_rules(root: Table) -> dict[str, QuotaRule]:
    rules = {}
    for quota_id, table in root.items("quotas"):
        period: QuotaPeriod = table.choice("period", get_args(QuotaPeriod), None)
        rules[quota_id] = QuotaRule(quota_id, table.text("name", max_length=MAX_NAME_LENGTH), period)
        table.close()
    return rules


def _read_limits(table: Table, rules: Mapping[str, QuotaRule]) -> dict[str, Quota]:
    limits = table.table("quotas")
    quotas = {
        rule.id: Quota(rule.id, limits.integer(rule.id, 0, low=0, high=MAX_QUOTA), rule.period)
        for rule in rules.values()
        if limits.knows(rule.id)
    }
    limits.close()
    return quotas


def _read_free_plan(root: Table, rules: Mapping[str, QuotaRule]) -> FreePlan:
    table = root.table("free_plan")
    plan = FreePlan(
        name=table.text("name", Text({"en": "Free", "es": "Gratis"}), max_length=MAX_NAME_LENGTH),
        description=table.text("description", NO_TEXT),
        signup_credits=table.credits("signup_credits", 0),
        monthly_refill=table.credits("monthly_refill", 0),
        priority=_read_priority(table),
        quotas=_read_limits(table, rules),
        features=table.texts("features"),
    )
    table.close()
    return plan


def _read_priority(table: Table) -> int:
    return table.integer("priority", DEFAULT_PRIORITY, low=0, high=100)


def _read_plans(root: Table, currency: str, rules: Mapping[str, QuotaRule]) -> dict[str, Plan]:
    plans = {}
    for plan_id, table in root.items("plans"):
        if plan_id == FREE_PLAN:
            table.wrong_altogether("is the id of the plan that is not sold; describe it in [free_plan]")
        plans[plan_id] = _read_plan(plan_id, table, currency, rules)
        table.close()
    return plans


def _read_plan(plan_id: str, table: Table, currency: str, rules: Mapping[str, QuotaRule]) -> Plan:
    credits = table.credits("credits", 0)
    yearly_grant: YearlyGrant = table.choice("yearly_grant", get_args(YearlyGrant), "monthly")
    yearly_credits = table.credits("yearly_credits", 12 * credits)
    if "yearly_credits" in table and yearly_grant == "monthly":
        table.wrong("yearly_credits", 'needs yearly_grant = "upfront"; otherwise each month brings `credits`')
    if yearly_grant == "upfront" and yearly_credits > MAX_MOVE:
        table.wrong("credits", f"make more than {MAX_MOVE // MICRO} credits a year, the most that can be granted")
    return Plan(
        id=plan_id,
        name=table.text("name", max_length=MAX_NAME_LENGTH),
        description=table.text("description", NO_TEXT),
        prices=_read_prices(table, currency),
        credits=credits,
        yearly_credits=yearly_credits,
        per_seat=table.boolean("per_seat"),
        trial_days=table.integer("trial_days", 0, low=0, high=MAX_TRIAL_DAYS),
        trial_credits=table.credits("trial_credits", 0),
        rollover_percent=table.integer("rollover", 0, low=0, high=100),
        yearly_grant=yearly_grant,
        unlimited=table.boolean("unlimited"),
        priority=_read_priority(table),
        quotas=_read_limits(table, rules),
        features=table.texts("features"),
        grace_days=table.integer("grace_days", 0, low=0, high=MAX_GRACE_DAYS),
    )


def _read_prices(table: Table, currency: str) -> dict[Interval, int]:
    prices = table.table("price")
    found: dict[Interval, int] = {
        interval: prices.money(interval, currency) for interval in INTERVALS if prices.knows(interval)
    }
    prices.close()
    if not found:
        table.wrong("price", "names no price; expected a month's, a year's or both: { month = 15, year = 150 }")
    return found


def _read_packs(root: Table, currency: str, quotas: Sequence[str]) -> dict[str, Pack]:
    packs = {}
    for pack_id, table in root.items("packs"):
        packs[pack_id] = pack = Pack(
            id=pack_id,
            name=table.text("name", max_length=MAX_NAME_LENGTH),
            description=table.text("description", NO_TEXT),
            price=table.money("price", currency),
            credits=table.credits("credits", 0),
            bonus=table.credits("bonus", 0),
            expires_after_days=table.optional_integer("expires_after_days", low=1, high=MAX_EXPIRY_DAYS),
            resets=table.names("resets", quotas),
            priority=_read_priority(table),
        )
        if not pack.credits and not pack.resets:
            table.wrong("credits", "sells nothing; expected `credits`, or `resets` with the quotas it resets")
        if pack.bonus and not pack.credits:
            table.wrong("bonus", "comes on top of `credits`, and there are none")
        table.close()
    return packs


def _read_influencers(root: Table, currency: str) -> dict[str, Influencer]:
    influencers = {}
    for influencer_id, table in root.items("influencers"):
        status: InfluencerStatus = table.choice("status", get_args(InfluencerStatus), "active")
        influencers[influencer_id] = Influencer(
            id=influencer_id,
            name=table.text("name", max_length=MAX_NAME_LENGTH),
            handle=table.string("handle", pattern=r"\S{1,64}", expected="1 to 64 characters without spaces"),
            platform=table.string("platform", pattern=r"\S.{0,63}", expected="1 to 64 characters"),
            niche=table.text("niche", NO_TEXT, max_length=MAX_NAME_LENGTH),
            description=table.text("description", NO_TEXT),
            picture_url=table.string(
                "picture_url", pattern=r"(https://|/)\S{1,500}", expected="https://… or a path on this server"
            ),
            status=status,
            tiers={tier_id: _read_tier(tier_id, tier, currency) for tier_id, tier in table.items("tiers")},
        )
        table.close()
    return influencers


def _read_tier(tier_id: str, table: Table, currency: str) -> Tier:
    interval: Interval = table.choice("interval", INTERVALS, "month")
    tier = Tier(
        id=tier_id,
        name=table.text("name", max_length=MAX_NAME_LENGTH),
        description=table.text("description", NO_TEXT),
        price=table.money("price", currency),
        interval=interval,
        credits=table.credits("credits", 0),
        trial_days=table.integer("trial_days", 0, low=0, high=MAX_TRIAL_DAYS),
        trial_credits=table.credits("trial_credits", 0),
        grace_days=table.integer("grace_days", 0, low=0, high=MAX_GRACE_DAYS),
        priority=_read_priority(table),
    )
    table.close()
    return tier


def _read_topup(root: Table, currency: str, packs: Sequence[str]) -> TopUp | None:
    if not root.knows("topup"):
        return None
    table = root.table("topup")
    topup = TopUp(
        packs=table.names("packs", packs),
        max_threshold=table.credits("max_threshold", None, minimum=MICRO),
        max_monthly_amount=table.money("max_monthly_amount", currency),
    )
    if not topup.packs:
        table.wrong("packs", "names no pack; expected the packs that may be bought automatically")
    table.close()
    return topup
