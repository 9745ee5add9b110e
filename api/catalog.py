"""`GET /plans`, `/packs`, `/actions`, `/influencers`: what is for sale and what things cost. No key is needed."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from fractions import Fraction
from typing import Any

from babel.core import negotiate_locale
from flask import Response, current_app, g, request

from api import query
from api.answers import answer, credits, page_of
from api.auth import public
from api.blueprint import bp
from billing import catalog, influencers, pictures
from billing.catalog import Action, Catalog, FreePlan, Influencer, ModelPrice, Pack, Plan, Quota, Step, Text, Tier
from billing.money import exact_to_decimal

LOCALES = ("en", "es", "es_MX")


@bp.get("/plans")
@public
def list_plans() -> Response:
    """The free plan, then those that are sold, in the catalog's order."""
    known = catalog.current()
    return _list([_write_free_plan(known.free_plan), *(_write_plan(known, p) for p in known.plans.values())])


@bp.get("/packs")
@public
def list_packs() -> Response:
    """Credits to buy once."""
    known = catalog.current()
    return _list([_write_pack(known, pack) for pack in known.packs.values()])


@bp.get("/actions")
@public
def list_actions() -> Response:
    """The price list: what an app charges for, and how much; `version` changes whenever the catalog does."""
    known = catalog.current()
    return answer(
        {
            "data": [_write_action(action) for action in known.actions.values()],
            "next_cursor": None,
            "version": known.version,
            "credit_value_usd": _exact(known.credit_value_usd),
        }
    )


@bp.get("/influencers")
@public
def list_influencers() -> Response:
    """One page of characters to subscribe to: apps may have added any number of them."""
    known = influencers.known()
    return page_of(
        list(known.influencers.values()),
        id_of=lambda influencer: influencer.id,
        write=lambda influencer: write_influencer(known.currency, influencer),
        limit=query.limit(),
        cursor=request.args.get("cursor"),
    )


def _list(data: list[dict[str, Any]]) -> Response:
    return answer({"data": data, "next_cursor": None})


def _words(text: Text) -> str:
    """A text in the language the caller prefers, by default the installation's."""
    default = current_app.config["SETTINGS"].default_locale
    wished = [locale.replace("-", "_") for locale in request.accept_languages.values()]
    return text.get(negotiate_locale(wished, LOCALES) or default)


def _write_free_plan(plan: FreePlan) -> dict[str, Any]:
    return {
        "id": plan.id,
        "name": _words(plan.name),
        "description": _words(plan.description),
        "prices": {},
        "credits": credits(plan.monthly_refill or plan.signup_credits),
        "signup_credits": credits(plan.signup_credits),
        "unlimited": False,
        "quotas": _write_quotas(plan.quotas),
        "features": [_words(text) for text in plan.features],
    }


def _write_plan(known: Catalog, plan: Plan) -> dict[str, Any]:
    year, month = plan.prices.get("year"), plan.prices.get("month")
    saving = 0 if year is None or not month else max(0, (12 * month - year) * 100 // (12 * month))
    return {
        "id": plan.id,
        "name": _words(plan.name),
        "description": _words(plan.description),
        "prices": {
            interval: {
                "amount_minor": amount,
                "currency": known.currency,
                "saving_percent": saving if interval == "year" else 0,
            }
            for interval, amount in plan.prices.items()
        },
        "credits": credits(plan.credits),
        "signup_credits": credits(0),
        "unlimited": plan.unlimited,
        "quotas": _write_quotas(plan.quotas),
        "features": [_words(text) for text in plan.features],
    }


def _write_quotas(quotas: Mapping[str, Quota]) -> list[dict[str, Any]]:
    return [{"resource": q.resource, "limit": q.limit, "period": q.period} for q in quotas.values()]


def _write_pack(known: Catalog, pack: Pack) -> dict[str, Any]:
    return {
        "id": pack.id,
        "name": _words(pack.name),
        "amount_minor": pack.price,
        "currency": known.currency,
        "credits": credits(pack.credits),
        "bonus": credits(pack.bonus),
        "expires_after_days": pack.expires_after_days,
        "resets": list(pack.resets),
    }


def _write_action(action: Action) -> dict[str, Any]:
    return {
        "id": action.id,
        "name": _words(action.name),
        "kind": action.kind,
        "cost": credits(action.cost),
        "unit": action.unit,
        "per": action.per,
        "max_units": action.max_units,
        "steps": _write_steps(action.steps),
        "models": {model: _write_model(price) for model, price in action.models.items()},
        "markup": _exact(action.markup),
        "on_failure": dict(action.on_failure),
        "quotas": list(action.quotas),
        "requires_influencer": action.requires_influencer,
    }


def _write_steps(steps: tuple[Step, ...]) -> list[dict[str, Any]]:
    return [{"up_to": step.up_to, "cost": credits(step.cost)} for step in steps]


def _write_model(price: ModelPrice) -> dict[str, Any]:
    return {
        "cost": None if price.cost is None else credits(price.cost),
        "steps": _write_steps(price.steps),
        "input_per_million_usd": _exact(price.input_per_million_usd),
        "output_per_million_usd": _exact(price.output_per_million_usd),
    }


def _exact(value: Fraction | None) -> Decimal | None:
    return None if value is None else exact_to_decimal(value)


def write_influencer(currency: str, influencer: Influencer) -> dict[str, Any]:
    """An influencer as JSON; prices in minor units of the catalog's currency."""
    return {
        "id": influencer.id,
        "name": _words(influencer.name),
        "handle": influencer.handle,
        "platform": influencer.platform,
        "niche": _words(influencer.niche) or None,
        "description": _words(influencer.description) or None,
        "picture_url": _picture_url(influencer),
        "status": influencer.status,
        "tiers": [_write_tier(currency, tier) for tier in influencer.tiers.values()],
    }


def _picture_url(influencer: Influencer) -> str | None:
    """Where the picture is that staff have uploaded, else the one that the catalog names; of all read at once."""
    if "picture_versions" not in g:
        g.picture_versions = pictures.list_versions()
    home = current_app.config["SETTINGS"].public_url
    version = g.picture_versions.get(influencer.id)
    if version is not None:
        return f"{home}/influencers/{influencer.id}/picture?v={version}"
    named = influencer.picture_url
    return home + named if named is not None and named.startswith("/") else named


def _write_tier(currency: str, tier: Tier) -> dict[str, Any]:
    return {
        "id": tier.id,
        "amount_minor": tier.price,
        "currency": currency,
        "interval": tier.interval,
        "credits": credits(tier.credits),
    }
