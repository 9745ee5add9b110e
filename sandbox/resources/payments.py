"""Payment intents, charges, payment methods, balance transactions: read only, the pages make them."""

from __future__ import annotations

from typing import Any

import stripe.params as sdk

from sandbox import metadata
from sandbox.events import emit_updated
from sandbox.protocol.lists import Page, page
from sandbox.protocol.routes import Handler, Route, supports
from sandbox.store import Obj
from sandbox.world import World


def _retrieve(kind: str) -> Handler:
    def retrieve(world: World, params: dict[str, Any], id: str) -> Obj:
        return world.need(kind, id)

    return retrieve


def _list(kind: str, names: tuple[str, ...]) -> Handler:
    def list_(world: World, params: dict[str, Any]) -> Page:
        wanted = {name: params[name] for name in names if name in params}
        return page(world, kind, params, lambda obj: all(obj[name] == value for name, value in wanted.items()))

    return list_


def _update(kind: str, event: str) -> Handler:
    def update(world: World, params: dict[str, Any], id: str) -> Obj:
        obj = world.need(kind, id)
        changes = metadata.changes(params, "description")
        if "metadata" in params:
            changes["metadata"] = metadata.merged(obj["metadata"], params["metadata"])
        if event:
            emit_updated(world, event, obj, **changes)
        else:  # payment intents have no event for this
            world.store.update(obj, **changes)
        return obj

    return update


ROUTES = [
    Route("GET", "/v1/payment_intents", sdk.PaymentIntentListParams, _list("payment_intent", ("customer",))),
    Route(
        "GET", "/v1/payment_intents/{id}", sdk.PaymentIntentRetrieveParams, _retrieve("payment_intent"), supports("")
    ),
    Route(
        "POST",
        "/v1/payment_intents/{id}",
        sdk.PaymentIntentUpdateParams,
        _update("payment_intent", ""),
        supports("description metadata"),
    ),
    Route(
        "GET",
        "/v1/charges",
        sdk.ChargeListParams,
        _list("charge", ("customer", "payment_intent")),
        supports("created customer ending_before limit payment_intent starting_after"),
    ),
    Route("GET", "/v1/charges/{id}", sdk.ChargeRetrieveParams, _retrieve("charge")),
    Route(
        "POST",
        "/v1/charges/{id}",
        sdk.ChargeUpdateParams,
        _update("charge", "charge.updated"),
        supports("description metadata"),
    ),
    Route(
        "GET",
        "/v1/payment_methods",
        sdk.PaymentMethodListParams,
        _list("payment_method", ("customer", "type")),
        supports("customer ending_before limit starting_after type"),
    ),
    Route("GET", "/v1/payment_methods/{id}", sdk.PaymentMethodRetrieveParams, _retrieve("payment_method")),
    Route(
        "GET",
        "/v1/balance_transactions",
        sdk.BalanceTransactionListParams,
        _list("balance_transaction", ("source", "type", "currency")),
        supports("created currency ending_before limit source starting_after type"),
    ),
    Route(
        "GET",
        "/v1/balance_transactions/{id}",
        sdk.BalanceTransactionRetrieveParams,
        _retrieve("balance_transaction"),
    ),
]
