"""Changes of plan in the portal: at once, or at the end of the period when the configuration says so."""

from __future__ import annotations

from sandbox.billing import lines
from sandbox.protocol.errors import invalid
from sandbox.resources import subscription_schedules, subscriptions
from sandbox.store import Obj
from sandbox.world import World

_LENGTH = {"day": 1, "week": 7, "month": 30, "year": 365}


def choices_for(world: World, subscription: Obj, configuration: Obj) -> list[Obj]:
    """The prices a subscription may be changed to; none for one with several items."""
    update = configuration["features"]["subscription_update"]
    items = lines.items_of(world, subscription)
    if not update["enabled"] or len(items) > 1:
        return []
    offered = [key for product in update["products"] or [] for key in product["prices"]]
    found = [price for key in offered if (price := world.store.get("price", key))]
    return [
        p for p in found if p["active"] and p["id"] != items[0]["_price"] and p["currency"] == subscription["currency"]
    ]


def change_plan(world: World, subscription: Obj, configuration: Obj, price_id: str) -> None:
    """Change now, or by a schedule at the period's end. Raises 400 for a price not offered, 402 when declined."""
    price = next((p for p in choices_for(world, subscription, configuration) if p["id"] == price_id), None)
    if price is None:
        raise invalid("This portal does not offer that plan.", param="price")
    if subscription["schedule"] is not None:
        subscription_schedules.release(world, {}, subscription["schedule"])
    update = configuration["features"]["subscription_update"]
    item = lines.items_of(world, subscription)[0]
    conditions = {condition["type"] for condition in update["schedule_at_period_end"]["conditions"]}
    if conditions & _conditions_met(world.need("price", item["_price"]), price):
        _change_later(world, subscription, item, price)
        return
    subscriptions.update(
        world,
        {
            "items": [{"id": item["id"], "price": price["id"], "quantity": item["quantity"]}],
            "proration_behavior": update["proration_behavior"],
            "payment_behavior": "error_if_incomplete",
        },
        subscription["id"],
    )


def _conditions_met(old: Obj, new: Obj) -> set[str]:
    met = set()
    if new["unit_amount"] < old["unit_amount"]:
        met.add("decreasing_item_amount")
    if _days(new) < _days(old):
        met.add("shortening_interval")
    return met


def _days(price: Obj) -> int:
    days: int = _LENGTH[price["recurring"]["interval"]] * price["recurring"]["interval_count"]
    return days


def _change_later(world: World, subscription: Obj, item: Obj, price: Obj) -> None:
    schedule = subscription_schedules.create(world, {"from_subscription": subscription["id"]})
    running = schedule["phases"][0]
    subscription_schedules.update(
        world,
        {
            "end_behavior": "release",
            "phases": [
                {
                    "start_date": running["start_date"],
                    "end_date": running["end_date"],
                    "items": [{"price": item["_price"], "quantity": item["quantity"]}],
                },
                {"items": [{"price": price["id"], "quantity": item["quantity"]}], "proration_behavior": "none"},
            ],
        },
        schedule["id"],
    )
