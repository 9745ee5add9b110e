"""Disputes."""

from __future__ import annotations

from typing import Any

import stripe.params as sdk

from sandbox import metadata
from sandbox.billing import disputing
from sandbox.events import emit_updated
from sandbox.protocol.lists import Page, page
from sandbox.protocol.routes import Route, supports
from sandbox.store import Obj
from sandbox.world import World


def retrieve(world: World, params: dict[str, Any], id: str) -> Obj:
    """GET /v1/disputes/{id}."""
    return world.need("dispute", id)


def update(world: World, params: dict[str, Any], id: str) -> Obj:
    """POST /v1/disputes/{id}: evidence (with ``submit`` it goes to the bank) and metadata."""
    dispute = world.need("dispute", id)
    changes: dict[str, Any] = {}
    if "metadata" in params:
        changes["metadata"] = metadata.merged(dispute["metadata"], params["metadata"])
    given = {name: value for name, value in (params.get("evidence") or {}).items() if isinstance(value, str)}
    if given:
        changes["evidence"] = {**dispute["evidence"], **given}
        sent = params.get("submit", True)
        changes["evidence_details"] = {
            **dispute["evidence_details"],
            "has_evidence": True,
            "submission_count": dispute["evidence_details"]["submission_count"] + int(sent),
            "submission_method": "manual" if sent else "not_submitted",
        }
        if sent and dispute["status"].endswith("needs_response"):
            changes["status"] = dispute["status"].replace("needs_response", "under_review")
    emit_updated(world, "charge.dispute.updated", dispute, **changes)
    return dispute


def close(world: World, params: dict[str, Any], id: str) -> Obj:
    """POST /v1/disputes/{id}/close: accept it as lost."""
    dispute = world.need("dispute", id)
    disputing.set_status(world, dispute, "lost")
    return dispute


def list_(world: World, params: dict[str, Any]) -> Page:
    """GET /v1/disputes, by charge or payment intent."""
    wanted = {name: params[name] for name in ("charge", "payment_intent") if name in params}
    return page(world, "dispute", params, lambda d: all(d[name] == value for name, value in wanted.items()))


ROUTES = [
    Route("GET", "/v1/disputes", sdk.DisputeListParams, list_),
    Route("GET", "/v1/disputes/{id}", sdk.DisputeRetrieveParams, retrieve),
    Route("POST", "/v1/disputes/{id}", sdk.DisputeUpdateParams, update, supports("evidence metadata submit")),
    Route("POST", "/v1/disputes/{id}/close", sdk.DisputeCloseParams, close),
]
