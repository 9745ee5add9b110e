"""Subscription schedules that take over a running subscription."""

from __future__ import annotations

from typing import Any

import stripe.params as sdk

from sandbox import metadata
from sandbox.billing import schedules
from sandbox.billing.ending import end_subscription
from sandbox.billing.items import recurring_price, same_interval
from sandbox.billing.lines import items_of, period_end
from sandbox.events import emit, emit_updated
from sandbox.periods import boundary
from sandbox.protocol.errors import invalid, unsupported
from sandbox.protocol.lists import Page, page
from sandbox.protocol.routes import Route, supports
from sandbox.shapes import subscriptions
from sandbox.store import Obj
from sandbox.world import World

_PHASE = {"duration", "end_date", "items", "metadata", "proration_behavior", "start_date"}
_ITEM = {"metadata", "price", "quantity"}


def create(world: World, params: dict[str, Any]) -> Obj:
    """POST /v1/subscription_schedules with ``from_subscription``: one phase, the running period as it is."""
    if "from_subscription" not in params:
        raise unsupported("schedules that start a subscription", param="from_subscription")
    if "phases" in params:
        raise invalid("You cannot set `phases` if `from_subscription` is set.", param="phases")
    subscription = world.need("subscription", params["from_subscription"], "from_subscription")
    if subscription["ended_at"] is not None or subscription["status"] == "incomplete":
        raise invalid(f"This subscription is {subscription['status']}.", param="from_subscription")
    if subscription["schedule"] is not None:
        raise invalid(f"Subscription is already managed by {subscription['schedule']}.", param="from_subscription")
    items = items_of(world, subscription)
    running = subscriptions.phase(
        items[0]["current_period_start"],
        period_end(world, subscription),
        subscription["currency"],
        [subscriptions.phase_item(item["_price"], item["quantity"]) for item in items],
        proration_behavior="create_prorations",
        metadata={},
    )
    # A cancellation that was already asked for becomes the way the schedule ends.
    end_behavior = "cancel" if subscription["cancel_at_period_end"] else params.get("end_behavior", "release")
    schedule = world.store.add(
        subscriptions.schedule(world.now(), subscription, [running], end_behavior, params.get("metadata"))
    )
    emit(world, "subscription_schedule.created", schedule)
    emit_updated(world, "customer.subscription.updated", subscription, schedule=schedule["id"])
    return schedule


def retrieve(world: World, params: dict[str, Any], id: str) -> Obj:
    """GET /v1/subscription_schedules/{id}."""
    return world.need("subscription_schedule", id)


def update(world: World, params: dict[str, Any], id: str) -> Obj:
    """POST /v1/subscription_schedules/{id}: the running phase must be given again as it began."""
    schedule = world.need("subscription_schedule", id)
    if schedule["status"] != "active":
        raise invalid(f"You cannot update a subscription schedule that is {schedule['status']}.")
    changes: dict[str, Any] = metadata.changes(params, "end_behavior")
    if "metadata" in params:
        changes["metadata"] = metadata.merged(schedule["metadata"], params["metadata"])
    if "phases" in params:
        phases = _phases(world, schedule, params["phases"])
        changes["phases"] = phases
        running = next(p for p in phases if p["start_date"] == schedule["current_phase"]["start_date"])
        changes["current_phase"] = {"end_date": running["end_date"], "start_date": running["start_date"]}
    emit_updated(world, "subscription_schedule.updated", schedule, **changes)
    return schedule


def release(world: World, params: dict[str, Any], id: str) -> Obj:
    """POST /v1/subscription_schedules/{id}/release."""
    schedule = world.need("subscription_schedule", id)
    if schedule["status"] != "active":
        raise invalid(f"You cannot release a subscription schedule that is {schedule['status']}.")
    schedules.release(world, schedule)
    return schedule


def cancel(world: World, params: dict[str, Any], id: str) -> Obj:
    """POST /v1/subscription_schedules/{id}/cancel: ends the subscription too."""
    schedule = world.need("subscription_schedule", id)
    if schedule["status"] != "active":
        raise invalid(f"You cannot cancel a subscription schedule that is {schedule['status']}.")
    end_subscription(world, world.need("subscription", schedule["subscription"]), "cancellation_requested")
    return schedule


def list_(world: World, params: dict[str, Any]) -> Page:
    """GET /v1/subscription_schedules, by customer."""
    return page(world, "subscription_schedule", params, lambda s: params.get("customer") in (None, s["customer"]))


def _phases(world: World, schedule: Obj, wanted: list[dict[str, Any]]) -> list[dict[str, Any]]:
    subscription = world.need("subscription", schedule["subscription"])
    phases: list[dict[str, Any]] = []
    for n, given in enumerate(wanted):
        at = f"phases[{n}]"
        for field in set(given) - _PHASE:
            raise unsupported(f"{at}[{field}]", param=f"{at}[{field}]")
        start = given.get("start_date")
        if phases:
            if start not in (None, "now", phases[-1]["end_date"]):
                raise invalid("Phases follow each other without a gap.", f"{at}[start_date]")
            start = phases[-1]["end_date"]
        if not isinstance(start, int):
            raise invalid("The first phase must keep its start_date.", f"{at}[start_date]", "parameter_missing")
        phases.append(_phase(world, subscription, given, start, at))
    if all(phase["start_date"] != schedule["current_phase"]["start_date"] for phase in phases):
        raise invalid("The running phase must be among the phases, with its start_date.", "phases")
    return phases


def _phase(world: World, subscription: Obj, given: dict[str, Any], start: int, at: str) -> dict[str, Any]:
    items, prices = [], []
    for k, entry in enumerate(given["items"]):
        for field in set(entry) - _ITEM:
            raise unsupported(f"{at}[items][{k}][{field}]", param=f"{at}[items][{k}][{field}]")
        price = recurring_price(world, entry.get("price", ""), f"{at}[items][{k}][price]", subscription["currency"])
        prices.append(price)
        items.append(subscriptions.phase_item(price["id"], entry.get("quantity", 1), entry.get("metadata")))
    if not items:
        raise invalid("A phase has at least one item.", f"{at}[items]")
    same_interval(prices)
    if "duration" in given:
        span = given["duration"]
        end = boundary(start, span["interval"], span.get("interval_count", 1), 1)
    elif isinstance(given.get("end_date"), int):
        end = given["end_date"]
    else:
        recurring = prices[0]["recurring"]
        end = boundary(start, recurring["interval"], recurring["interval_count"], 1)
    if end <= start:
        raise invalid("A phase ends after it starts.", f"{at}[end_date]")
    return subscriptions.phase(
        start,
        end,
        subscription["currency"],
        items,
        proration_behavior=given.get("proration_behavior", "create_prorations"),
        metadata=given.get("metadata") or {},
    )


ROUTES = [
    Route(
        "POST",
        "/v1/subscription_schedules",
        sdk.SubscriptionScheduleCreateParams,
        create,
        supports("end_behavior from_subscription metadata phases"),
    ),
    Route(
        "GET",
        "/v1/subscription_schedules",
        sdk.SubscriptionScheduleListParams,
        list_,
        supports("created customer ending_before limit starting_after"),
    ),
    Route("GET", "/v1/subscription_schedules/{id}", sdk.SubscriptionScheduleRetrieveParams, retrieve),
    Route(
        "POST",
        "/v1/subscription_schedules/{id}",
        sdk.SubscriptionScheduleUpdateParams,
        update,
        supports("end_behavior metadata phases proration_behavior"),
    ),
    Route(
        "POST", "/v1/subscription_schedules/{id}/release", sdk.SubscriptionScheduleReleaseParams, release, supports("")
    ),
    Route("POST", "/v1/subscription_schedules/{id}/cancel", sdk.SubscriptionScheduleCancelParams, cancel, supports("")),
]
