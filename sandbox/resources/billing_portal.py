"""The customer portal: configurations and sessions."""

from __future__ import annotations

from typing import Any

import stripe.params.billing_portal as sdk

from sandbox import metadata
from sandbox.events import emit, emit_updated
from sandbox.protocol.errors import invalid
from sandbox.protocol.lists import Page, page
from sandbox.protocol.routes import Route, supports
from sandbox.shapes import checkout
from sandbox.store import Obj
from sandbox.world import World

_MOST_PRODUCTS = 10


def create_configuration(world: World, params: dict[str, Any]) -> Obj:
    """POST /v1/billing_portal/configurations; the first one is the default."""
    _check_features(world, params["features"])
    first = not world.store.all("billing_portal.configuration")
    made = world.store.add(checkout.portal_configuration(world.now(), params, is_default=first))
    emit(world, "billing_portal.configuration.created", made)
    return made


def retrieve_configuration(world: World, params: dict[str, Any], id: str) -> Obj:
    """GET /v1/billing_portal/configurations/{id}."""
    return world.need("billing_portal.configuration", id)


def update_configuration(world: World, params: dict[str, Any], id: str) -> Obj:
    """POST /v1/billing_portal/configurations/{id}: a feature that is given is replaced field by field."""
    found = world.need("billing_portal.configuration", id)
    changes = metadata.changes(params, "active default_return_url name")
    if "metadata" in params:
        changes["metadata"] = metadata.merged(found["metadata"], params["metadata"])
    if "business_profile" in params:
        given = metadata.changes(params["business_profile"], "headline privacy_policy_url terms_of_service_url")
        changes["business_profile"] = {**found["business_profile"], **given}
    if "features" in params:
        _check_features(world, params["features"])
        joined = {name: {**found["features"][name], **params["features"].get(name, {})} for name in found["features"]}
        changes["features"] = checkout.portal_features(joined)
    if any(found.get(name) != value for name, value in changes.items()):
        changes["updated"] = world.now()
    emit_updated(world, "billing_portal.configuration.updated", found, **changes)
    return found


def list_configurations(world: World, params: dict[str, Any]) -> Page:
    """GET /v1/billing_portal/configurations."""
    wanted = {name: params[name] for name in ("active", "is_default") if name in params}
    return page(
        world, "billing_portal.configuration", params, lambda c: all(c[name] == value for name, value in wanted.items())
    )


def create_session(world: World, params: dict[str, Any]) -> Obj:
    """POST /v1/billing_portal/sessions. Raises 400 when there is no configuration to use."""
    if "customer" not in params:
        raise invalid("Missing required param: customer.", "customer", "parameter_missing")
    customer = world.need("customer", params["customer"], "customer")
    if "configuration" in params:
        found = world.need("billing_portal.configuration", params["configuration"], "configuration")
    else:
        default = list(world.store.where("billing_portal.configuration", is_default=True))
        if not default:
            raise invalid("No configuration provided and your default configuration has not been created.")
        found = default[0]
    for name in ("subscription_cancel", "subscription_update", "subscription_update_confirm"):
        part = (params.get("flow_data") or {}).get(name)
        if part:
            at = f"flow_data[{name}][subscription]"
            subscription = world.need("subscription", part["subscription"], at)
            if subscription["customer"] != customer["id"]:
                raise invalid("The subscription belongs to another customer.", param=at)
    return_url = params.get("return_url") or found["default_return_url"]
    made = world.store.add(checkout.portal_session(world.now(), params, found["id"], return_url, world.base_url))
    emit(world, "billing_portal.session.created", made)
    return made


def _check_features(world: World, features: dict[str, Any]) -> None:
    products = (features.get("subscription_update") or {}).get("products") or []
    if len(products) > _MOST_PRODUCTS:
        raise invalid(f"You can offer at most {_MOST_PRODUCTS} products.", "features[subscription_update][products]")
    for n, product in enumerate(products):
        at = f"features[subscription_update][products][{n}]"
        world.need("product", product["product"], f"{at}[product]")
        for k, price in enumerate(product["prices"]):
            found = world.need("price", price, f"{at}[prices][{k}]")
            if found["product"] != product["product"] or found["recurring"] is None:
                raise invalid("Prices here are recurring and of this product.", f"{at}[prices][{k}]")


ROUTES = [
    Route(
        "POST",
        "/v1/billing_portal/configurations",
        sdk.ConfigurationCreateParams,
        create_configuration,
        supports("business_profile default_return_url features login_page metadata name"),
    ),
    Route("GET", "/v1/billing_portal/configurations", sdk.ConfigurationListParams, list_configurations),
    Route("GET", "/v1/billing_portal/configurations/{id}", sdk.ConfigurationRetrieveParams, retrieve_configuration),
    Route(
        "POST",
        "/v1/billing_portal/configurations/{id}",
        sdk.ConfigurationUpdateParams,
        update_configuration,
        supports("active business_profile default_return_url features metadata name"),
    ),
    Route(
        "POST",
        "/v1/billing_portal/sessions",
        sdk.SessionCreateParams,
        create_session,
        supports("configuration customer flow_data locale return_url"),
    ),
]
