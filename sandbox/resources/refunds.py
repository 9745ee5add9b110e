"""Refunds."""

from __future__ import annotations

from typing import Any

import stripe.params as sdk

from sandbox import metadata
from sandbox.billing import refunding
from sandbox.events import emit_updated
from sandbox.protocol.lists import Page, page
from sandbox.protocol.routes import Route, supports
from sandbox.store import Obj
from sandbox.world import World


def create(world: World, params: dict[str, Any]) -> Obj:
    """POST /v1/refunds."""
    charge = refunding.charge_to_refund(world, params.get("payment_intent"), params.get("charge"))
    return refunding.refund(
        world,
        charge,
        params.get("amount"),
        reason=params.get("reason"),
        metadata=params.get("metadata") or {},
    )


def retrieve(world: World, params: dict[str, Any], id: str) -> Obj:
    """GET /v1/refunds/{id}."""
    return world.need("refund", id)


def update(world: World, params: dict[str, Any], id: str) -> Obj:
    """POST /v1/refunds/{id}: metadata only."""
    refund = world.need("refund", id)
    if "metadata" in params:
        changed = metadata.merged(refund["metadata"], params["metadata"])
        emit_updated(world, "refund.updated", refund, metadata=changed)
    return refund


def list_(world: World, params: dict[str, Any]) -> Page:
    """GET /v1/refunds, by charge or payment intent."""
    wanted = {name: params[name] for name in ("charge", "payment_intent") if name in params}
    return page(world, "refund", params, lambda r: all(r[name] == value for name, value in wanted.items()))


ROUTES = [
    Route(
        "POST",
        "/v1/refunds",
        sdk.RefundCreateParams,
        create,
        supports("amount charge metadata payment_intent reason"),
    ),
    Route("GET", "/v1/refunds", sdk.RefundListParams, list_),
    Route("GET", "/v1/refunds/{id}", sdk.RefundRetrieveParams, retrieve),
    Route("POST", "/v1/refunds/{id}", sdk.RefundUpdateParams, update),
]
