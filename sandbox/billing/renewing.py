"""The turn of a service period, and the end of a trial."""

from __future__ import annotations

from sandbox.billing import collecting, discounts, invoicing, lines
from sandbox.billing.items import items_before
from sandbox.events import emit
from sandbox.periods import next_boundary
from sandbox.store import Obj
from sandbox.world import World


def renew(world: World, subscription: Obj, at: int) -> Obj:
    """Start the period after the one that ends at ``at``; returns its invoice, a draft for now.

    Announces ``invoice.created`` and ``customer.subscription.updated``. Under ``pause_collection`` the invoice
    goes the way that names.
    """
    customer = world.need("customer", subscription["customer"])
    previous = items_before(world, subscription)
    old_start = lines.items_of(world, subscription)[0]["current_period_start"]
    anchor = subscription["billing_cycle_anchor"]
    for item in lines.items_of(world, subscription):
        recurring = world.need("price", item["_price"])["recurring"]
        end = next_boundary(anchor, recurring, at)
        world.store.update(item, current_period_start=at, current_period_end=end)
    previous |= world.store.update(subscription, status="active") if subscription["status"] == "trialing" else {}
    previous["latest_invoice"] = subscription["latest_invoice"]
    waiting = subscription["_pending_lines"]
    invoice = invoicing.draft(
        world,
        customer,
        [*waiting, *lines.cycle_lines(world, subscription)],
        billing_reason="subscription_cycle",
        currency=subscription["currency"],
        subscription=subscription,
        period_start=old_start,
        discounted_by=discounts.running(world, subscription["discounts"]),
    )
    world.store.update(subscription, _pending_lines=[])
    world.store.update(invoice, automatically_finalizes_at=world.now() + world.settings.finalize_after_seconds)
    emit(world, "invoice.created", invoice)
    emit(world, "customer.subscription.updated", subscription, previous)
    if subscription["pause_collection"] is not None:
        _pause(world, invoice, subscription["pause_collection"]["behavior"])
    elif subscription["status"] == "unpaid":
        _pause(world, invoice, "keep_as_draft")
    return invoice


def finish_draft(world: World, invoice: Obj) -> None:
    """The time of a draft is over: finalize and collect it, and let go of discounts that were for once."""
    subscription = collecting.subscription_of(world, invoice)
    collecting.finalize_and_collect(world, invoice)
    if subscription is not None and subscription["discounts"] and subscription["ended_at"] is None:
        discounts.drop_used(world, subscription)


def end_trial_now(world: World, subscription: Obj) -> None:
    """End a trial early: the first paid period begins now and is billed at once."""
    now = world.now()
    world.store.update(subscription, trial_end=now, billing_cycle_anchor=now)
    invoice = renew(world, subscription, now)
    finish_draft(world, invoice)


def _pause(world: World, invoice: Obj, behavior: str) -> None:
    invoicing.stop_collecting(world, invoice)
    if behavior != "keep_as_draft":
        invoicing.finalize(world, invoice)
        if behavior == "void":
            invoicing.void(world, invoice)
        else:
            invoicing.mark_uncollectible(world, invoice, reason="subscription_paused")
