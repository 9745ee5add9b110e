"""Customers."""

from __future__ import annotations

from typing import Any

import stripe.params as sdk

from sandbox import metadata
from sandbox.billing.ending import end_subscription
from sandbox.events import emit, emit_updated
from sandbox.protocol.errors import StripeFailure, invalid
from sandbox.protocol.lists import Page, page
from sandbox.protocol.routes import Route, supports
from sandbox.shapes import customers
from sandbox.store import Obj
from sandbox.world import World

_FIELDS = "address balance description email invoice_settings metadata name phone preferred_locales tax_exempt"


def create(world: World, params: dict[str, Any]) -> Obj:
    """POST /v1/customers."""
    _check_email(params)
    if "test_clock" in params:
        world.need("test_helpers.test_clock", params["test_clock"], "test_clock")
    customer = world.store.add(customers.customer(world.now(), params))
    emit(world, "customer.created", customer)
    if "payment_method" in params:
        raise invalid("No such PaymentMethod; cards are entered on the sandbox's pages.", param="payment_method")
    return customer


def retrieve(world: World, params: dict[str, Any], id: str) -> Obj:
    """GET /v1/customers/{id}; a deleted customer is answered as such."""
    found = world.store.get("customer", id)
    return found if found is not None else world.need("customer", id)


def update(world: World, params: dict[str, Any], id: str) -> Obj:
    """POST /v1/customers/{id}."""
    customer = world.need("customer", id)
    _check_email(params)
    changes = metadata.changes(params, "balance description email name phone preferred_locales tax_exempt")
    if "metadata" in params:
        changes["metadata"] = metadata.merged(customer["metadata"], params["metadata"])
    if "address" in params:
        changes["address"] = customers.address(params["address"] or None)
    if "invoice_settings" in params:
        key = params["invoice_settings"].get("default_payment_method")
        if key:
            world.need("payment_method", key, "invoice_settings[default_payment_method]")
        changes["invoice_settings"] = {**customer["invoice_settings"], "default_payment_method": key}
    emit_updated(world, "customer.updated", customer, **changes)
    return customer


def delete(world: World, params: dict[str, Any], id: str) -> Obj:
    """DELETE /v1/customers/{id}: ends its subscriptions at once, then the customer."""
    customer = world.need("customer", id)
    for subscription in list(world.store.where("subscription", customer=id)):
        if subscription["ended_at"] is None:
            end_subscription(world, subscription, reason=None)
    emit(world, "customer.deleted", customer)
    world.store.update(customer, _deleted=True)
    return customer


def list_(world: World, params: dict[str, Any]) -> Page:
    """GET /v1/customers, by e-mail (exact, case-sensitive) or test clock."""
    wanted = {name: params[name] for name in ("email", "test_clock") if name in params}
    return page(world, "customer", params, lambda c: all(c[name] == value for name, value in wanted.items()))


def list_payment_methods(world: World, params: dict[str, Any], customer: str) -> Page:
    """GET /v1/customers/{customer}/payment_methods."""
    world.need("customer", customer)
    kind = params.get("type")
    return page(world, "payment_method", params, lambda m: m["customer"] == customer and kind in (None, m["type"]))


def _check_email(params: dict[str, Any]) -> None:
    email = params.get("email")
    if email and ("@" not in email or len(email) > 512):
        raise StripeFailure(400, f"Invalid email address: {email[:80]}", code="email_invalid", param="email")


ROUTES = [
    Route("POST", "/v1/customers", sdk.CustomerCreateParams, create, supports(f"{_FIELDS} test_clock payment_method")),
    Route("GET", "/v1/customers", sdk.CustomerListParams, list_),
    Route("GET", "/v1/customers/{id}", sdk.CustomerRetrieveParams, retrieve),
    Route("POST", "/v1/customers/{id}", sdk.CustomerUpdateParams, update, supports(_FIELDS)),
    Route("DELETE", "/v1/customers/{id}", sdk.CustomerDeleteParams, delete),
    Route(
        "GET",
        "/v1/customers/{customer}/payment_methods",
        sdk.CustomerPaymentMethodListParams,
        list_payment_methods,
    ),
]
