"""Changes of a running subscription's items: upgrades, downgrades, other quantities, other intervals."""

from __future__ import annotations

from sandbox.billing import charging, collecting, discounts, invoicing, lines
from sandbox.billing.items import apply_changes, items_before, new_cycle_end, outcome_of, set_pending
from sandbox.billing.lines import ItemChange
from sandbox.events import emit
from sandbox.protocol.errors import card_declined
from sandbox.store import Obj
from sandbox.world import World


def change_lines(
    world: World, subscription: Obj, changes: list[ItemChange], at: int, prorate: bool
) -> tuple[list[Obj], int | None]:
    """(the lines a change costs, the end of the new period if it starts one)."""
    cycle_end = new_cycle_end(world, subscription, changes, at)
    trialing = subscription["status"] == "trialing"
    found = []
    if prorate and not trialing:
        found = lines.proration_lines(world, subscription, changes, at, refill=cycle_end is None)
    if cycle_end is not None:
        running = lines.items_of(world, subscription)[0]
        for item, price, quantity in outcome_of(world, subscription, changes):
            found.append(lines.cycle_line(world, subscription, item or running, price, quantity, at, cycle_end))
    return found, cycle_end


def change_items(
    world: World,
    subscription: Obj,
    changes: list[ItemChange],
    *,
    proration_behavior: str,
    payment_behavior: str,
    proration_date: int | None = None,
) -> bool:
    """Carry out a change of items, with the invoice that goes with it; whether the change is in force now.

    The caller announces ``customer.subscription.updated`` when it is. Raises 402 under ``error_if_incomplete``
    when the payment would not go through; nothing has changed then.
    """
    now = world.now()
    found, cycle_end = change_lines(
        world, subscription, changes, proration_date or now, prorate=proration_behavior != "none"
    )
    if cycle_end is not None and subscription["status"] == "trialing":
        # A new interval under trial keeps the trial; the first paid period begins at its end.
        found, cycle_end = [], None
    if not found or (cycle_end is None and proration_behavior != "always_invoice"):
        apply_changes(world, subscription, changes, now, cycle_end)
        world.store.update(subscription, _pending_lines=[*subscription["_pending_lines"], *found])
        return True
    return _invoice_change(world, subscription, changes, found, cycle_end, payment_behavior)


def _invoice_change(
    world: World,
    subscription: Obj,
    changes: list[ItemChange],
    found: list[Obj],
    cycle_end: int | None,
    payment_behavior: str,
) -> bool:
    customer = world.need("customer", subscription["customer"])
    waiting = subscription["_pending_lines"]
    running = discounts.running(world, subscription["discounts"])
    total = sum(line["amount"] for line in found)
    method = world.store.get(
        "payment_method",
        subscription["default_payment_method"] or customer["invoice_settings"]["default_payment_method"] or "",
    )
    if payment_behavior == "error_if_incomplete" and total > 0 and not charging.would_succeed(method):
        raise card_declined()
    previous = items_before(world, subscription)
    kept_back = payment_behavior == "pending_if_incomplete" and total > 0 and not charging.would_succeed(method)
    if kept_back:
        # This invoice may come to nothing; what else waits to be billed must not go with it.
        waiting = []
    else:
        apply_changes(world, subscription, changes, world.now(), cycle_end)
    previous["latest_invoice"] = subscription["latest_invoice"]
    invoice = invoicing.draft(
        world,
        customer,
        [*waiting, *found],
        billing_reason="subscription_update",
        currency=subscription["currency"],
        subscription=subscription,
        discounted_by=running if cycle_end is not None else [],
    )
    if kept_back:
        world.store.update(invoice, _pending_update=True)
        set_pending(world, subscription, changes, invoice, cycle_end)
    else:
        world.store.update(subscription, _pending_lines=[])
        emit(world, "customer.subscription.updated", subscription, previous)
    emit(world, "invoice.created", invoice)
    invoicing.finalize(world, invoice)
    if payment_behavior != "default_incomplete":
        collecting.collect(world, invoice)
    if cycle_end is not None and subscription["discounts"]:
        discounts.drop_used(world, subscription)
    if kept_back and subscription["pending_update"] is not None:
        emit(world, "customer.subscription.updated", subscription, {"pending_update": None})
    return False
