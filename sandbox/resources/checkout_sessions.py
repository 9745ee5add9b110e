"""Checkout Sessions."""

from __future__ import annotations

from typing import Any

import stripe.params.checkout as sdk

from sandbox.billing import discounts
from sandbox.billing.items import same_interval
from sandbox.checkout import paying
from sandbox.checkout.amounts import line_item, recalculate
from sandbox.protocol.errors import invalid, unsupported
from sandbox.protocol.lists import Page, page
from sandbox.protocol.routes import Route, supports
from sandbox.resources import prices
from sandbox.shapes import checkout
from sandbox.store import Obj
from sandbox.world import World

_SUPPORTED = supports(
    "adaptive_pricing allow_promotion_codes allowed_payment_method_types automatic_tax billing_address_collection"
    " cancel_url client_reference_id currency customer customer_creation customer_email customer_update discounts"
    " excluded_payment_method_types expires_at integration_identifier invoice_creation line_items locale metadata mode"
    " origin_context payment_intent_data payment_method_collection phone_number_collection submit_type"
    " subscription_data success_url tax_id_collection ui_mode"
)
_SUBSCRIPTION_DATA = {"billing_mode", "description", "metadata", "trial_end", "trial_period_days", "trial_settings"}
_INTENT_DATA = {"description", "metadata", "setup_future_usage"}
_SHORTEST_SECONDS, _LONGEST_SECONDS = 30 * 60, 24 * 3600
_SLACK_SECONDS = 60


def create(world: World, params: dict[str, Any]) -> Obj:
    """POST /v1/checkout/sessions, hosted page, modes ``payment`` and ``subscription``."""
    _check(world, params)
    items = [_line_item(world, params["mode"], n, entry) for n, entry in enumerate(params["line_items"])]
    if params["mode"] == "subscription":
        same_interval([world.need("price", item["_price"]) for item in items])
    currencies = {item["currency"] for item in items}
    if len(currencies) > 1 or params.get("currency", items[0]["currency"]) not in currencies:
        raise invalid("All line items have the same currency.", param="line_items")
    now = world.now()
    expires_at = params.get("expires_at", now + _LONGEST_SECONDS)
    if not now + _SHORTEST_SECONDS - _SLACK_SECONDS <= expires_at <= now + _LONGEST_SECONDS + _SLACK_SECONDS:
        raise invalid(
            "The `expires_at` timestamp must be between 30 minutes and 24 hours from Checkout Session creation.",
            param="expires_at",
        )
    pairs = discounts.resolve(world, params.get("discounts") or [], "discounts")
    session = checkout.session(now, params, items[0]["currency"], world.base_url, expires_at)
    session["discounts"] = [
        {"coupon": coupon["id"], "promotion_code": code["id"] if code else None} for coupon, code in pairs
    ]
    session["_line_items"] = [world.store.add(item)["id"] for item in items]
    data = session["_subscription_data"]
    session["_trial"] = "trial_period_days" in data or "trial_end" in data
    world.store.add(session)
    recalculate(world, session)
    return session


def retrieve(world: World, params: dict[str, Any], id: str) -> Obj:
    """GET /v1/checkout/sessions/{id}."""
    return world.need("checkout.session", id)


def list_(world: World, params: dict[str, Any]) -> Page:
    """GET /v1/checkout/sessions, by customer, e-mail, payment intent, subscription or status."""
    names = ("customer", "payment_intent", "subscription", "status")
    wanted = {name: params[name] for name in names if name in params}
    email = (params.get("customer_details") or {}).get("email")

    def keep(session: Obj) -> bool:
        if email is not None and (session["customer_details"] or {}).get("email") != email:
            return False
        return all(session[name] == value for name, value in wanted.items())

    return page(world, "checkout.session", params, keep)


def line_items(world: World, params: dict[str, Any], id: str) -> Page:
    """GET /v1/checkout/sessions/{id}/line_items."""
    session = world.need("checkout.session", id)
    found = [world.need("item", key) for key in session["_line_items"]]
    return page(world, "item", params, objects=found, newest_first=False)


def expire(world: World, params: dict[str, Any], id: str) -> Obj:
    """POST /v1/checkout/sessions/{id}/expire."""
    session = world.need("checkout.session", id)
    paying.expire(world, session)
    return session


def _check(world: World, params: dict[str, Any]) -> None:
    for name in ("mode", "success_url", "line_items"):
        if not params.get(name):
            raise invalid(f"Missing required param: {name}.", name, "parameter_missing")
    if params["mode"] == "setup":
        raise unsupported("Checkout's setup mode", param="mode")
    if params.get("ui_mode", "hosted_page") != "hosted_page":
        raise unsupported("embedded Checkout", param="ui_mode")
    for name in ("success_url", "cancel_url"):
        if name in params and not params[name].startswith(("http://", "https://")):
            raise invalid("Not a valid URL", name, "url_invalid")
    if "customer" in params and ({"customer_email", "customer_creation"} & set(params)):
        raise invalid("You may only specify one of these parameters: customer, customer_email.", "customer_email")
    if "customer" in params:
        world.need("customer", params["customer"], "customer")
    if params.get("allow_promotion_codes") and params.get("discounts"):
        raise invalid("You may only specify one of these parameters: allow_promotion_codes, discounts.", "discounts")
    if len(params.get("client_reference_id", "")) > 200:
        raise invalid("client_reference_id is at most 200 characters long.", "client_reference_id")
    subscribing = params["mode"] == "subscription"
    foreign = ("payment_intent_data", "invoice_creation") if subscribing else ("subscription_data",)
    for name in foreign:
        if name in params:
            raise invalid(f"You can not pass `{name}` in `{params['mode']}` mode.", name)
    for name, known in (("subscription_data", _SUBSCRIPTION_DATA), ("payment_intent_data", _INTENT_DATA)):
        for field in set(params.get(name) or {}) - known:
            raise unsupported(f"{name}[{field}]", param=f"{name}[{field}]")
    trial = params.get("subscription_data") or {}
    if trial.get("trial_period_days", 1) < 1:
        raise invalid("Trials last at least one day.", "subscription_data[trial_period_days]")
    if "trial_end" in trial and trial["trial_end"] < world.now() + 48 * 3600:
        raise invalid("The trial_end date has to be at least 2 days in the future.", "subscription_data[trial_end]")


def _line_item(world: World, mode: str, n: int, entry: dict[str, Any]) -> Obj:
    at = f"line_items[{n}]"
    for field in set(entry) - {"price", "price_data", "quantity"}:
        raise unsupported(f"{at}[{field}]", param=f"{at}[{field}]")
    if "price_data" in entry:
        price = prices.create(world, entry["price_data"])
    elif "price" in entry:
        price = world.need("price", entry["price"], f"{at}[price]")
    else:
        raise invalid(f"Missing required param: {at}[price].", f"{at}[price]", "parameter_missing")
    if not price["active"]:
        raise invalid(f"The price specified is inactive: {price['id']}", f"{at}[price]")
    if mode == "payment" and price["recurring"] is not None:
        raise invalid("You specified `payment` mode but passed a recurring price.", f"{at}[price]")
    if mode == "subscription" and price["recurring"] is None:
        raise unsupported("one-time prices in subscription mode", param=f"{at}[price]")
    quantity = entry.get("quantity", 1)
    if quantity < 1:
        raise invalid("Quantities are at least 1.", f"{at}[quantity]", "parameter_invalid_integer")
    product = world.need("product", price["product"])
    return line_item(price, quantity, product["name"])


ROUTES = [
    Route("POST", "/v1/checkout/sessions", sdk.SessionCreateParams, create, _SUPPORTED),
    Route("GET", "/v1/checkout/sessions", sdk.SessionListParams, list_),
    Route("GET", "/v1/checkout/sessions/{id}", sdk.SessionRetrieveParams, retrieve),
    Route("GET", "/v1/checkout/sessions/{id}/line_items", sdk.SessionListLineItemsParams, line_items),
    Route("POST", "/v1/checkout/sessions/{id}/expire", sdk.SessionExpireParams, expire),
]
