"""Stored objects as they go over the wire."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from typing import Any

from sandbox.store import Obj
from sandbox.world import World

_EMBEDDED_LINES = 10


def wire(world: World, obj: Obj) -> Obj:
    """The public shape of a stored object: private fields gone, embedded objects in place, references as ids."""
    if obj.get("_deleted"):
        return {"id": obj["id"], "object": obj["object"], "deleted": True}
    view = {name: deepcopy(value) for name, value in obj.items() if not name.startswith("_")}
    embed = _EMBED.get(obj["object"])
    if embed is not None:
        embed(world, obj, view)
    return view


def list_of(world: World, objects: list[Obj], url: str, has_more: bool = False) -> Obj:
    """A list object."""
    return {"object": "list", "data": [wire(world, obj) for obj in objects], "has_more": has_more, "url": url}


def lines_of(world: World, invoice: Obj) -> list[Obj]:
    """The lines of an invoice; those of a preview were never stored and travel with it."""
    if "_preview_lines" in invoice:
        return list(invoice["_preview_lines"])
    return [line for key in invoice["_lines"] if (line := world.store.get("line_item", key))]


def _subscription(world: World, obj: Obj, view: Obj) -> None:
    items = [item for key in obj["_items"] if (item := world.store.get("subscription_item", key))]
    view["items"] = list_of(world, items, f"/v1/subscription_items?subscription={obj['id']}")
    pending = view["pending_update"]
    if pending is not None and pending["subscription_items"] is not None:
        pending["subscription_items"] = [wire(world, item) for item in pending["subscription_items"]]


def _subscription_item(world: World, obj: Obj, view: Obj) -> None:
    price = world.need("price", obj["_price"])
    view["price"] = wire(world, price)
    view["plan"] = plan_of(price)


def _item(world: World, obj: Obj, view: Obj) -> None:
    view["price"] = wire(world, world.need("price", obj["_price"]))


def _invoice(world: World, obj: Obj, view: Obj) -> None:
    lines = lines_of(world, obj)
    view["lines"] = list_of(
        world, lines[:_EMBEDDED_LINES], f"/v1/invoices/{obj['id']}/lines", len(lines) > _EMBEDDED_LINES
    )


def _dispute(world: World, obj: Obj, view: Obj) -> None:
    view["balance_transactions"] = [
        wire(world, world.need("balance_transaction", key)) for key in obj["_balance_transactions"]
    ]


def plan_of(price: Obj) -> Obj:
    """The legacy ``plan`` twin that subscription items still carry beside ``price``."""
    return {
        "id": price["id"],
        "object": "plan",
        "active": price["active"],
        "amount": price["unit_amount"],
        "amount_decimal": price["unit_amount_decimal"],
        "billing_scheme": price["billing_scheme"],
        "created": price["created"],
        "currency": price["currency"],
        "interval": price["recurring"]["interval"],
        "interval_count": price["recurring"]["interval_count"],
        "livemode": False,
        "metadata": dict(price["metadata"]),
        "meter": None,
        "nickname": price["nickname"],
        "product": price["product"],
        "tiers_mode": None,
        "transform_usage": None,
        "trial_period_days": None,
        "usage_type": "licensed",
    }


_EMBED: dict[str, Callable[[World, Obj, dict[str, Any]], None]] = {
    "subscription": _subscription,
    "subscription_item": _subscription_item,
    "item": _item,
    "invoice": _invoice,
    "dispute": _dispute,
}
