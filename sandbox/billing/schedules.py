"""Schedules: phases that change a subscription's items at set times."""

from __future__ import annotations

from typing import Any

from sandbox.billing import lines
from sandbox.billing.changing import change_items
from sandbox.billing.ending import end_subscription
from sandbox.billing.items import apply_changes, items_before, outcome_of
from sandbox.billing.lines import ItemChange
from sandbox.events import emit
from sandbox.store import Obj
from sandbox.world import World


def next_turn(schedule: Obj) -> int | None:
    """When the running phase of an active schedule ends."""
    if schedule["status"] != "active" or schedule["current_phase"] is None:
        return None
    end: int = schedule["current_phase"]["end_date"]
    return end


def turn(world: World, schedule: Obj, at: int) -> None:
    """Leave the running phase: enter the next one, or end as ``end_behavior`` says."""
    subscription = world.need("subscription", schedule["subscription"])
    following = [phase for phase in schedule["phases"] if phase["start_date"] >= at]
    if following:
        _enter(world, schedule, subscription, following[0], at)
    elif schedule["end_behavior"] == "cancel":
        world.store.update(schedule, status="completed", completed_at=world.now(), current_phase=None)
        world.store.update(subscription, schedule=None)
        emit(world, "subscription_schedule.completed", schedule)
        end_subscription(world, subscription, reason=None)
    else:
        release(world, schedule, completed=True)


def release(world: World, schedule: Obj, completed: bool = False) -> None:
    """Let the subscription go on without the schedule; ``completed`` when its phases are over."""
    subscription = world.need("subscription", schedule["subscription"])
    if completed:
        world.store.update(schedule, status="completed", completed_at=world.now(), current_phase=None)
    else:
        world.store.update(
            schedule,
            status="released",
            released_at=world.now(),
            released_subscription=subscription["id"],
            subscription=None,
            current_phase=None,
        )
    previous = world.store.update(subscription, schedule=None)
    emit(world, "subscription_schedule.completed" if completed else "subscription_schedule.released", schedule)
    emit(world, "customer.subscription.updated", subscription, previous)


def _enter(world: World, schedule: Obj, subscription: Obj, phase: dict[str, Any], at: int) -> None:
    dates = {"end_date": phase["end_date"], "start_date": phase["start_date"]}
    world.store.update(schedule, current_phase=dates)
    changes = _changes(world, subscription, phase)
    previous = items_before(world, subscription)
    in_force = True
    if any(change.changes_value for change in changes):
        if at >= lines.period_end(world, subscription):
            # At a period's turn nothing is left to prorate: the renewal that follows bills the new items.
            _swap_at_turn(world, subscription, changes, at)
        else:
            in_force = change_items(
                world,
                subscription,
                changes,
                proration_behavior=phase["proration_behavior"],
                payment_behavior="allow_incomplete",
            )
    previous |= world.store.update(subscription, metadata={**subscription["metadata"], **phase["metadata"]})
    emit(world, "subscription_schedule.updated", schedule)
    if in_force:
        emit(world, "customer.subscription.updated", subscription, previous)


def _swap_at_turn(world: World, subscription: Obj, changes: list[ItemChange], at: int) -> None:
    before = lines.recurring_of(world, subscription)
    after = outcome_of(world, subscription, changes)[0][1]["recurring"]
    apply_changes(world, subscription, changes, at, None)
    if any(before[name] != after[name] for name in ("interval", "interval_count")):
        world.store.update(subscription, billing_cycle_anchor=at)


def _changes(world: World, subscription: Obj, phase: dict[str, Any]) -> list[ItemChange]:
    """From the running items to the phase's: kept by price, then by position."""
    current = lines.items_of(world, subscription)
    wanted = [(world.need("price", entry["price"]), entry.get("quantity", 1)) for entry in phase["items"]]
    changes, left = [], list(current)
    rest = []
    for price, quantity in wanted:
        same = next((item for item in left if item["_price"] == price["id"]), None)
        if same is None:
            rest.append((price, quantity))
        else:
            left.remove(same)
            changes.append(ItemChange(same, price, quantity))
    for price, quantity in rest:
        changes.append(ItemChange(left.pop(0) if left else None, price, quantity))
    changes += [ItemChange(item, None, 0) for item in left]
    return changes
