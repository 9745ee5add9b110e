"""Events, of the last 30 days."""

from __future__ import annotations

from typing import Any

import stripe.params as sdk

from sandbox.protocol.errors import invalid
from sandbox.protocol.lists import Page, page
from sandbox.protocol.routes import Route
from sandbox.store import Obj
from sandbox.world import World

_KEPT_SECONDS = 30 * 86_400


def retrieve(world: World, params: dict[str, Any], id: str) -> Obj:
    """GET /v1/events/{id}."""
    return world.need("event", id)


def list_(world: World, params: dict[str, Any]) -> Page:
    """GET /v1/events, by type (``*`` at the end allowed) and by success of delivery."""
    if "type" in params and "types" in params:
        raise invalid("You may only specify one of these parameters: type, types.", param="types")
    patterns = params.get("types") or ([params["type"]] if "type" in params else [])
    wanted = params.get("delivery_success")
    oldest = world.now() - _KEPT_SECONDS

    def keep(event: Obj) -> bool:
        if event["created"] < oldest or (patterns and not any(_fits(event["type"], p) for p in patterns)):
            return False
        return wanted is None or wanted == (event["pending_webhooks"] == 0)

    return page(world, "event", params, keep)


def _fits(type_: str, pattern: str) -> bool:
    return type_.startswith(pattern[:-1]) if pattern.endswith("*") else type_ == pattern


ROUTES = [
    Route("GET", "/v1/events", sdk.EventListParams, list_),
    Route("GET", "/v1/events/{id}", sdk.EventRetrieveParams, retrieve),
]
