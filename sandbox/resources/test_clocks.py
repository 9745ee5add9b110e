"""Test clocks. The sandbox has one clock for all: advancing any of them moves everything."""

from __future__ import annotations

import threading
from typing import Any

import stripe.params.test_helpers as sdk

from sandbox.billing.advancing import advance_to
from sandbox.events import emit
from sandbox.ids import new_id
from sandbox.protocol.errors import invalid
from sandbox.protocol.lists import Page, page
from sandbox.protocol.routes import Route
from sandbox.store import Obj
from sandbox.world import World


def create(world: World, params: dict[str, Any]) -> Obj:
    """POST /v1/test_helpers/test_clocks."""
    clock = world.store.add(
        {
            "id": new_id("test_helpers.test_clock"),
            "object": "test_helpers.test_clock",
            "created": world.now(),
            "deletes_after": world.now() + 30 * 86_400,
            "frozen_time": params["frozen_time"],
            "livemode": False,
            "name": params.get("name"),
            "status": "ready",
            "status_details": {},
        }
    )
    emit(world, "test_helpers.test_clock.created", clock)
    return clock


def retrieve(world: World, params: dict[str, Any], id: str) -> Obj:
    """GET /v1/test_helpers/test_clocks/{id}."""
    return world.need("test_helpers.test_clock", id)


def list_(world: World, params: dict[str, Any]) -> Page:
    """GET /v1/test_helpers/test_clocks."""
    return page(world, "test_helpers.test_clock", params)


def advance(world: World, params: dict[str, Any], id: str) -> Obj:
    """POST /v1/test_helpers/test_clocks/{id}/advance; goes on in the background until ``status`` is ``ready``."""
    clock = world.need("test_helpers.test_clock", id)
    target = params["frozen_time"]
    if clock["status"] != "ready":
        raise invalid("The test clock is already advancing.", code="testmode_clock_advancing")
    if target <= clock["frozen_time"]:
        raise invalid("A test clock can only be advanced to a later time.", param="frozen_time")
    world.store.update(clock, status="advancing", status_details={"advancing": {"target_frozen_time": target}})
    emit(world, "test_helpers.test_clock.advancing", clock)
    threading.Thread(target=_advance, args=(world, clock, target), name="sandbox-test-clock", daemon=True).start()
    return clock


def _advance(world: World, clock: Obj, target: int) -> None:
    advance_to(world, target, settle=False)
    with world.turn():
        world.store.update(clock, status="ready", status_details={}, frozen_time=target)
        emit(world, "test_helpers.test_clock.ready", clock)


ROUTES = [
    Route("POST", "/v1/test_helpers/test_clocks", sdk.TestClockCreateParams, create),
    Route("GET", "/v1/test_helpers/test_clocks", sdk.TestClockListParams, list_),
    Route("GET", "/v1/test_helpers/test_clocks/{id}", sdk.TestClockRetrieveParams, retrieve),
    Route("POST", "/v1/test_helpers/test_clocks/{id}/advance", sdk.TestClockAdvanceParams, advance),
]
