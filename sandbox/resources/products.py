"""Products."""

from __future__ import annotations

from typing import Any

import stripe.params as sdk

from sandbox import metadata
from sandbox.events import emit, emit_updated
from sandbox.protocol.errors import StripeFailure, invalid
from sandbox.protocol.lists import Page, page
from sandbox.protocol.routes import Route, supports
from sandbox.resources import prices
from sandbox.shapes import catalog
from sandbox.store import Obj
from sandbox.world import World

_FIELDS = (
    "active description images marketing_features metadata name shippable statement_descriptor tax_code unit_label url"
)


def create(world: World, params: dict[str, Any]) -> Obj:
    """POST /v1/products, with an id of the caller's choice if given."""
    if "id" in params and world.store.get("product", params["id"]):
        raise StripeFailure(400, f"Product already exists: {params['id']}", code="resource_already_exists", param="id")
    product = world.store.add(catalog.product(world.now(), params))
    if "default_price_data" in params:
        data = {**params["default_price_data"], "product": product["id"]}
        price = prices.create(world, data)
        world.store.update(product, default_price=price["id"])
    emit(world, "product.created", product)
    return product


def retrieve(world: World, params: dict[str, Any], id: str) -> Obj:
    """GET /v1/products/{id}."""
    return world.need("product", id)


def update(world: World, params: dict[str, Any], id: str) -> Obj:
    """POST /v1/products/{id}."""
    product = world.need("product", id)
    changes = metadata.changes(params, _FIELDS.replace("metadata ", "") + " default_price")
    if "metadata" in params:
        changes["metadata"] = metadata.merged(product["metadata"], params["metadata"])
    if changes.get("default_price"):
        world.need("price", changes["default_price"], "default_price")
    if any(product.get(name) != value for name, value in changes.items()):
        changes["updated"] = world.now()
    emit_updated(world, "product.updated", product, **changes)
    return product


def delete(world: World, params: dict[str, Any], id: str) -> Obj:
    """DELETE /v1/products/{id}; refused while it has prices."""
    product = world.need("product", id)
    if any(world.store.where("price", product=id)):
        raise invalid("This product cannot be deleted because it has one or more user-created prices.")
    emit(world, "product.deleted", product)
    world.store.update(product, _deleted=True)
    return product


def list_(world: World, params: dict[str, Any]) -> Page:
    """GET /v1/products, by ids or activity."""
    ids, active = params.get("ids"), params.get("active")
    return page(
        world,
        "product",
        params,
        lambda p: (ids is None or p["id"] in ids) and (active is None or p["active"] == active),
    )


ROUTES = [
    Route("POST", "/v1/products", sdk.ProductCreateParams, create, supports(f"{_FIELDS} id default_price_data")),
    Route(
        "GET",
        "/v1/products",
        sdk.ProductListParams,
        list_,
        supports("active created ending_before ids limit starting_after"),
    ),
    Route("GET", "/v1/products/{id}", sdk.ProductRetrieveParams, retrieve),
    Route("POST", "/v1/products/{id}", sdk.ProductUpdateParams, update, supports(f"{_FIELDS} default_price")),
    Route("DELETE", "/v1/products/{id}", sdk.ProductDeleteParams, delete),
]
