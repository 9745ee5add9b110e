"""Prices: immutable in amount, replaced by lookup key."""

from __future__ import annotations

from typing import Any

import stripe.params as sdk

from sandbox import metadata
from sandbox.events import emit, emit_updated
from sandbox.protocol.errors import invalid, unsupported
from sandbox.protocol.lists import Page, page
from sandbox.protocol.routes import Route, supports
from sandbox.shapes import catalog
from sandbox.store import Obj
from sandbox.world import World

_MOST_LOOKUP_KEYS = 10


def create(world: World, params: dict[str, Any]) -> Obj:
    """POST /v1/prices: per unit, one-time or recurring.

    Raises 400 when another price holds the lookup key and ``transfer_lookup_key`` is not set.
    """
    if "product" not in params and "product_data" not in params:
        raise invalid("You must pass either product or product_data.", "product", "parameter_missing")
    if "unit_amount" not in params:
        raise invalid("The sandbox needs unit_amount.", "unit_amount", "parameter_missing")
    if params["unit_amount"] < 0:
        raise invalid("Invalid non-negative integer", "unit_amount", "parameter_invalid_integer")
    recurring = params.get("recurring") or {}
    if recurring.get("usage_type", "licensed") != "licensed" or "meter" in recurring:
        raise unsupported("metered prices", param="recurring")
    _claim_lookup_key(world, params.get("lookup_key"), params.get("transfer_lookup_key", False), None)
    if "product_data" in params:
        product = world.store.add(catalog.product(world.now(), params["product_data"]))
        emit(world, "product.created", product)
    else:
        product = world.need("product", params["product"], "product")
    price = world.store.add(catalog.price(world.now(), product["id"], params))
    emit(world, "price.created", price)
    return price


def retrieve(world: World, params: dict[str, Any], id: str) -> Obj:
    """GET /v1/prices/{id}."""
    return world.need("price", id)


def update(world: World, params: dict[str, Any], id: str) -> Obj:
    """POST /v1/prices/{id}: activity, lookup key, nickname, metadata; never the amount."""
    price = world.need("price", id)
    changes = metadata.changes(params, "active nickname lookup_key tax_behavior")
    if changes.get("lookup_key"):
        _claim_lookup_key(world, changes["lookup_key"], params.get("transfer_lookup_key", False), price)
    if "metadata" in params:
        changes["metadata"] = metadata.merged(price["metadata"], params["metadata"])
    emit_updated(world, "price.updated", price, **changes)
    return price


def list_(world: World, params: dict[str, Any]) -> Page:
    """GET /v1/prices, by lookup keys (at most 10), activity, product, currency, type or interval."""
    keys = params.get("lookup_keys")
    if keys is not None and len(keys) > _MOST_LOOKUP_KEYS:
        raise invalid(f"You can list at most {_MOST_LOOKUP_KEYS} lookup keys at once.", param="lookup_keys")
    plain = {name: params[name] for name in ("active", "product", "currency", "type") if name in params}
    interval = (params.get("recurring") or {}).get("interval")

    def keep(price: Obj) -> bool:
        if keys is not None and price["lookup_key"] not in keys:
            return False
        if interval is not None and (price["recurring"] or {}).get("interval") != interval:
            return False
        return all(price[name] == value for name, value in plain.items())

    return page(world, "price", params, keep)


def _claim_lookup_key(world: World, key: str | None, transfer: bool, mine: Obj | None) -> None:
    if key is None:
        return
    if len(key) > 200:
        raise invalid("Lookup keys are at most 200 characters long.", param="lookup_key")
    for other in world.store.where("price", lookup_key=key):
        if other is mine:
            continue
        if not transfer:
            raise invalid(
                f"A price (`{other['id']}`) already uses that lookup key. To transfer it, set `transfer_lookup_key`.",
                param="lookup_key",
            )
        emit_updated(world, "price.updated", other, lookup_key=None)


ROUTES = [
    Route(
        "POST",
        "/v1/prices",
        sdk.PriceCreateParams,
        create,
        supports(
            "active billing_scheme currency lookup_key metadata nickname product product_data recurring tax_behavior"
            " transfer_lookup_key unit_amount"
        ),
    ),
    Route("GET", "/v1/prices", sdk.PriceListParams, list_),
    Route("GET", "/v1/prices/{id}", sdk.PriceRetrieveParams, retrieve),
    Route(
        "POST",
        "/v1/prices/{id}",
        sdk.PriceUpdateParams,
        update,
        supports("active lookup_key metadata nickname tax_behavior transfer_lookup_key"),
    ),
]
