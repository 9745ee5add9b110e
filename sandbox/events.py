"""Events: what happened, with a snapshot of the object at that moment."""

from __future__ import annotations

from typing import Any

from sandbox.ids import new_id
from sandbox.render import wire
from sandbox.settings import API_VERSION
from sandbox.store import Obj
from sandbox.world import World


def emit(world: World, type_: str, obj: Obj, previous: dict[str, Any] | None = None) -> Obj:
    """Record an event and plan its deliveries.

    ``previous`` holds the old values of what changed (``data.previous_attributes``); only ``*.updated`` has it.
    """
    data: dict[str, Any] = {"object": wire(world, obj)}
    if previous is not None:
        data["previous_attributes"] = previous
    endpoints = [
        endpoint
        for endpoint in world.store.where("webhook_endpoint", status="enabled")
        if "*" in endpoint["enabled_events"] or type_ in endpoint["enabled_events"]
    ]
    event = world.store.add(
        {
            "id": new_id("event"),
            "object": "event",
            "api_version": API_VERSION,
            "created": world.now(),
            "data": data,
            "livemode": False,
            "pending_webhooks": len(endpoints),
            "request": {
                "id": world.cause.request_id,
                "idempotency_key": world.cause.idempotency_key,
            },
            "type": type_,
        }
    )
    for endpoint in endpoints:
        world.sender.queue(event, endpoint)
    return event


def emit_updated(world: World, type_: str, obj: Obj, **changes: Any) -> None:
    """Change an object and record ``type_`` with the old values; nothing at all when nothing changed."""
    previous = world.store.update(obj, **changes)
    if previous:
        emit(world, type_, obj, previous)
