"""The items of a subscription: reading a change from parameters, and carrying it out."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

from sandbox.billing.lines import ItemChange, items_of
from sandbox.events import emit
from sandbox.periods import boundary
from sandbox.protocol.errors import invalid, unsupported
from sandbox.render import wire
from sandbox.shapes import subscriptions
from sandbox.store import Obj
from sandbox.world import World


def recurring_price(world: World, key: str, param: str, currency: str | None = None) -> Obj:
    """An active recurring price. Raises 400 for any other."""
    price = world.need("price", key, param)
    if price["recurring"] is None:
        raise invalid(f"The price specified is set to `type=one_time`: {key}", param=param)
    if not price["active"]:
        raise invalid(f"The price specified is inactive: {key}", param=param)
    if currency is not None and price["currency"] != currency:
        raise invalid("All prices of a subscription have the same currency.", param=param)
    return price


def same_interval(prices: list[Obj]) -> None:
    """Raises 400 when prices of different intervals meet (flexible billing allows that; the sandbox does not)."""
    if len({(p["recurring"]["interval"], p["recurring"]["interval_count"]) for p in prices}) > 1:
        raise unsupported("items of different intervals on one subscription", param="items")


def read_changes(world: World, subscription: Obj, wanted: list[dict[str, Any]]) -> list[ItemChange]:
    """What an ``items`` parameter asks for, one entry per item touched. Raises 400 for items or prices it can't be."""
    current = {item["id"]: item for item in items_of(world, subscription)}
    changes: list[ItemChange] = []
    for index, entry in enumerate(wanted):
        at = f"items[{index}]"
        unknown = set(entry) - {"id", "price", "quantity", "deleted", "metadata"}
        if unknown:
            raise unsupported(f"'{sorted(unknown)[0]}' of subscription items", param=f"{at}[{sorted(unknown)[0]}]")
        old = None
        if "id" in entry:
            if entry["id"] not in current:
                raise invalid(f"No such subscription item: '{entry['id']}'", f"{at}[id]", "resource_missing")
            old = current[entry["id"]]
        if entry.get("deleted"):
            changes.append(ItemChange(old, None, 0))
            continue
        if "price" in entry:
            price = recurring_price(world, entry["price"], f"{at}[price]", subscription["currency"])
        elif old is not None:
            price = world.need("price", old["_price"])
        else:
            raise invalid(f"Missing required param: {at}[price].", f"{at}[price]", "parameter_missing")
        quantity: int = entry["quantity"] if "quantity" in entry else (old["quantity"] if old else 1)
        if quantity < 0:
            raise invalid("Quantities are not negative.", f"{at}[quantity]")
        changes.append(ItemChange(old, price, quantity))
    same_interval([price for _, price, _ in outcome_of(world, subscription, changes)])
    return changes


def outcome_of(world: World, subscription: Obj, changes: list[ItemChange]) -> list[tuple[Obj | None, Obj, int]]:
    """(item, price, quantity) of the whole subscription after the changes. Raises 400 when nothing is left."""
    touched = {change.old["id"]: change for change in changes if change.old is not None}
    after: list[tuple[Obj | None, Obj, int]] = []
    for item in items_of(world, subscription):
        change = touched.get(item["id"])
        if change is None:
            after.append((item, world.need("price", item["_price"]), item["quantity"]))
        elif change.price is not None:
            after.append((item, change.price, change.quantity))
    after += [(None, c.price, c.quantity) for c in changes if c.old is None and c.price is not None]
    if not after:
        raise invalid("A subscription must have at least one active item.", param="items")
    prices = [price["id"] for _, price, _ in after]
    if len(set(prices)) < len(prices):
        raise invalid("A price may only be on one item of a subscription.", param="items")
    return after


def new_cycle_end(world: World, subscription: Obj, changes: list[ItemChange], at: int) -> int | None:
    """The end of the period that a change of interval starts now; ``None`` when the running period goes on."""
    before = world.need("price", items_of(world, subscription)[0]["_price"])["recurring"]
    after = outcome_of(world, subscription, changes)[0][1]["recurring"]
    if all(before[name] == after[name] for name in ("interval", "interval_count")):
        return None
    return boundary(at, after["interval"], after["interval_count"], 1)


def apply_changes(world: World, subscription: Obj, changes: list[ItemChange], at: int, cycle_end: int | None) -> None:
    """Put the changed items in place; with ``cycle_end`` a new period starts at ``at``."""
    running = items_of(world, subscription)[0]
    start, end = running["current_period_start"], running["current_period_end"]
    keys = []
    for item, price, quantity in outcome_of(world, subscription, changes):
        if item is None:
            item = subscriptions.subscription_item(
                world.now(), subscription["id"], price["id"], quantity, start, end, {}
            )
            world.store.add(item)
        world.store.update(item, _price=price["id"], quantity=quantity)
        if cycle_end is not None:
            world.store.update(item, current_period_start=at, current_period_end=cycle_end)
        keys.append(item["id"])
    world.store.update(subscription, _items=keys)
    if cycle_end is not None:
        world.store.update(subscription, billing_cycle_anchor=at)


def set_pending(
    world: World, subscription: Obj, changes: list[ItemChange], invoice: Obj, cycle_end: int | None
) -> None:
    """Keep a change back until its invoice is paid (``payment_behavior=pending_if_incomplete``)."""
    now = world.now()
    shown = []
    running = items_of(world, subscription)[0]
    for item, price, quantity in outcome_of(world, subscription, changes):
        copy = (
            deepcopy(item)
            if item
            else subscriptions.subscription_item(
                now,
                subscription["id"],
                price["id"],
                quantity,
                running["current_period_start"],
                running["current_period_end"],
                {},
            )
        )
        shown.append({**copy, "_price": price["id"], "quantity": quantity})
    world.store.update(
        subscription,
        pending_update={
            "billing_cycle_anchor": None,
            "cancel_at_period_end": None,
            "discount": None,
            "discounts": None,
            "expires_at": now + world.settings.incomplete_expires_after_seconds,
            "metadata": None,
            "subscription_items": shown,
            "trial_end": None,
            "trial_from_plan": None,
        },
        _pending={
            "invoice": invoice["id"],
            "cycle_end": cycle_end,
            "at": now,
            "changes": [
                (c.old["id"] if c.old else None, c.price["id"] if c.price else None, c.quantity) for c in changes
            ],
        },
    )


def apply_pending(world: World, subscription: Obj) -> None:
    """The invoice of a pending update is paid: carry the update out and announce it."""
    pending = subscription["_pending"]
    changes = [
        ItemChange(
            world.need("subscription_item", old) if old else None,
            world.need("price", price) if price else None,
            quantity,
        )
        for old, price, quantity in pending["changes"]
    ]
    previous = items_before(world, subscription)
    apply_changes(world, subscription, changes, pending["at"], pending["cycle_end"])
    world.store.update(subscription, pending_update=None, _pending=None)
    emit(world, "customer.subscription.pending_update_applied", subscription)
    emit(world, "customer.subscription.updated", subscription, previous)


def items_before(world: World, subscription: Obj) -> dict[str, Any]:
    """The items as they are now, for the ``previous_attributes`` of a change that follows."""
    return {"items": wire(world, subscription)["items"]}


def fresh_items(world: World, subscription: Obj, wanted: list[tuple[Obj, int]], start: int, end: int) -> None:
    """Give a new subscription its items."""
    keys = []
    for price, quantity in wanted:
        item = subscriptions.subscription_item(world.now(), subscription["id"], price["id"], quantity, start, end, {})
        world.store.add(item)
        keys.append(item["id"])
    world.store.update(subscription, _items=keys)
