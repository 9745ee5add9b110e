"""The lines that subscriptions bring onto invoices."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from sandbox.billing import discounts
from sandbox.money import share, shown
from sandbox.shapes import invoices
from sandbox.store import Obj
from sandbox.world import World


@dataclass(frozen=True)
class ItemChange:
    """What is to become of one item: ``old`` is ``None`` for a new item, ``price`` is ``None`` for a removed one."""

    old: Obj | None
    price: Obj | None
    quantity: int

    @property
    def changes_value(self) -> bool:
        """Whether what the customer pays for is different afterwards."""
        if self.old is None or self.price is None:
            return True
        return bool(self.old["_price"] != self.price["id"] or self.old["quantity"] != self.quantity)


def items_of(world: World, subscription: Obj) -> list[Obj]:
    """The items of a subscription."""
    return [world.need("subscription_item", key) for key in subscription["_items"]]


def period_end(world: World, subscription: Obj) -> int:
    """When the running service period ends."""
    end: int = max(item["current_period_end"] for item in items_of(world, subscription))
    return end


def recurring_of(world: World, subscription: Obj) -> dict[str, int | str]:
    """The interval that all items of a subscription share."""
    recurring: dict[str, int | str] = world.need("price", items_of(world, subscription)[0]["_price"])["recurring"]
    return recurring


def product_name(world: World, price: Obj) -> str:
    """The name a price is sold under."""
    product = world.store.get("product", price["product"])
    return str(product["name"] if product else price["product"])


def cycle_line(
    world: World, subscription: Obj, item: Obj, price: Obj, quantity: int, start: int, end: int, trial: bool = False
) -> Obj:
    """A full period of one item; 0 while on trial."""
    name = product_name(world, price)
    recurring = price["recurring"]
    every = (
        recurring["interval"]
        if recurring["interval_count"] == 1
        else "{interval_count} {interval}s".format(**recurring)
    )
    text = f"{quantity} × {name} (at {shown(price['unit_amount'], price['currency'])} / {every})"
    return invoices.line(
        amount=0 if trial else price["unit_amount"] * quantity,
        currency=price["currency"],
        description=f"Trial period for {name}" if trial else text,
        price=price,
        quantity=quantity,
        start=start,
        end=end,
        metadata=subscription["metadata"],
        subscription=subscription["id"],
        subscription_item=item["id"],
    )


def cycle_lines(world: World, subscription: Obj, trial: bool = False) -> list[Obj]:
    """The lines for the period that the items now stand on."""
    return [
        cycle_line(
            world,
            subscription,
            item,
            world.need("price", item["_price"]),
            item["quantity"],
            item["current_period_start"],
            item["current_period_end"],
            trial,
        )
        for item in items_of(world, subscription)
    ]


def proration_lines(world: World, subscription: Obj, changes: list[ItemChange], at: int, refill: bool) -> list[Obj]:
    """Credit for the unused time of what goes and, with ``refill``, charge for the remaining time of what comes.

    By the second, net of the subscription's percentage discounts. ``refill`` is off when the change starts a new
    period, for which a full line is written instead.
    """
    day = datetime.fromtimestamp(at, UTC).strftime("%d %b %Y")
    found = []
    for change in changes:
        if not change.changes_value:
            continue
        if change.old is not None:
            price = world.need("price", change.old["_price"])
            text = f"Unused time on {product_name(world, price)} after {day}"
            line = _part(world, subscription, change.old, price, change.old["quantity"], at, text, sign=-1)
            details = line["parent"]["subscription_item_details"]
            details["proration_details"] = {"credited_items": _credited(world, subscription, change.old)}
            found.append(line)
        if change.price is not None and refill:
            item = change.old or items_of(world, subscription)[0]
            text = f"Remaining time on {product_name(world, change.price)} after {day}"
            found.append(_part(world, subscription, item, change.price, change.quantity, at, text, sign=1))
    return found


def _part(world: World, subscription: Obj, item: Obj, price: Obj, quantity: int, at: int, text: str, sign: int) -> Obj:
    start, end = item["current_period_start"], item["current_period_end"]
    full = discounts.net(world, price["unit_amount"] * quantity, discounts.running(world, subscription["discounts"]))
    return invoices.line(
        amount=sign * share(full, max(0, end - at), end - start),
        currency=price["currency"],
        description=text,
        price=price,
        quantity=quantity,
        start=at,
        end=end,
        metadata=subscription["metadata"],
        subscription=subscription["id"],
        subscription_item=item["id"],
        proration=True,
        discountable=False,
    )


def _credited(world: World, subscription: Obj, item: Obj) -> dict[str, object] | None:
    """The invoice line that a credit gives back."""
    for line in reversed(list(world.store.where("line_item", subscription=subscription["id"]))):
        details = line["parent"]["subscription_item_details"]
        same = details["subscription_item"] == item["id"] and line["period"]["end"] == item["current_period_end"]
        if same and line["amount"] > 0 and line["invoice"]:
            return {"invoice": line["invoice"], "invoice_line_items": [line["id"]]}
    return None
