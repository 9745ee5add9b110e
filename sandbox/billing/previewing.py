"""What an invoice would come to, without making one."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

from sandbox.billing import changing, discounts, invoicing, lines
from sandbox.billing.items import outcome_of, read_changes
from sandbox.periods import next_boundary
from sandbox.protocol.errors import invalid, unsupported
from sandbox.store import Obj
from sandbox.world import World

_DETAILS = {"items", "proration_behavior", "proration_date"}


def preview(world: World, params: dict[str, Any]) -> Obj:
    """The next invoice of a subscription, or the one that a change of items would bring about.

    With ``always_invoice`` (or a new interval) it holds the change alone; else the next period's lines follow.
    """
    if "subscription" not in params:
        raise unsupported("previews without a subscription", param="subscription")
    subscription = world.need("subscription", params["subscription"], "subscription")
    if params.get("customer", subscription["customer"]) != subscription["customer"]:
        raise invalid("The subscription belongs to another customer.", param="customer")
    if subscription["ended_at"] is not None:
        raise invalid(f"No upcoming invoices for subscription: {subscription['id']}", code="invoice_upcoming_none")
    details = params.get("subscription_details") or {}
    for field in set(details) - _DETAILS:
        raise unsupported(f"subscription_details[{field}]", param=f"subscription_details[{field}]")
    customer = world.need("customer", subscription["customer"])
    running = discounts.running(world, subscription["discounts"])
    changes = read_changes(world, subscription, details["items"]) if details.get("items") else []
    at = details.get("proration_date", world.now())
    behaviour = details.get("proration_behavior", "create_prorations")
    found: list[Obj] = deepcopy(subscription["_pending_lines"])
    cycle_end = None
    if changes:
        changed, cycle_end = changing.change_lines(world, subscription, changes, at, prorate=behaviour != "none")
        found += changed
    alone = bool(changes) and (behaviour == "always_invoice" or cycle_end is not None)
    if not alone:
        found += _next_cycle(world, subscription, changes)
    invoice = invoicing.draft(
        world,
        customer,
        found,
        billing_reason="subscription_update" if alone else "upcoming",
        currency=subscription["currency"],
        subscription=subscription,
        discounted_by=running if not alone or cycle_end is not None else [],
        store=False,
    )
    invoice["id"] = "upcoming_" + invoice["id"]
    for line in invoice["_preview_lines"]:
        line["id"] = "il_tmp_" + line["id"][3:]
        line["invoice"] = invoice["id"]
    if "proration_date" in details:
        invoice["parent"]["subscription_details"]["subscription_proration_date"] = at
    return invoice


def _next_cycle(world: World, subscription: Obj, changes: list[lines.ItemChange]) -> list[Obj]:
    if subscription["cancel_at"] is not None and subscription["cancel_at"] <= lines.period_end(world, subscription):
        raise invalid(f"No upcoming invoices for subscription: {subscription['id']}", code="invoice_upcoming_none")
    running = lines.items_of(world, subscription)[0]
    start = running["current_period_end"]
    found = []
    for item, price, quantity in outcome_of(world, subscription, changes):
        end = next_boundary(subscription["billing_cycle_anchor"], price["recurring"], start)
        found.append(lines.cycle_line(world, subscription, item or running, price, quantity, start, end))
    return found
