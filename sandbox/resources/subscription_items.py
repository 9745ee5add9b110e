"""Subscription items, read only: they are changed through their subscription."""

from __future__ import annotations

from typing import Any

import stripe.params as sdk

from sandbox.billing.lines import items_of
from sandbox.protocol.lists import Page, page
from sandbox.protocol.routes import Route
from sandbox.store import Obj
from sandbox.world import World


def retrieve(world: World, params: dict[str, Any], id: str) -> Obj:
    """GET /v1/subscription_items/{id}."""
    return world.need("subscription_item", id)


def list_(world: World, params: dict[str, Any]) -> Page:
    """GET /v1/subscription_items of one subscription."""
    subscription = world.need("subscription", params["subscription"], "subscription")
    return page(world, "subscription_item", params, objects=items_of(world, subscription), newest_first=False)


ROUTES = [
    Route("GET", "/v1/subscription_items", sdk.SubscriptionItemListParams, list_),
    Route("GET", "/v1/subscription_items/{id}", sdk.SubscriptionItemRetrieveParams, retrieve),
]
