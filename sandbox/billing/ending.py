"""How subscriptions end."""

from __future__ import annotations

from sandbox.billing import invoicing
from sandbox.events import emit
from sandbox.store import Obj
from sandbox.world import World


def end_subscription(world: World, subscription: Obj, reason: str | None, status: str = "canceled") -> None:
    """End it now; announces ``customer.subscription.deleted``, or ``updated`` for one that never became active.

    Unpaid invoices stay as they are but are no longer collected.
    """
    now = world.now()
    details = subscription["cancellation_details"]
    previous = world.store.update(
        subscription,
        status=status,
        canceled_at=subscription["canceled_at"] or now,
        ended_at=now,
        cancellation_details={**details, "reason": details["reason"] or reason},
        _pending_lines=[],
    )
    for invoice in list(world.store.all("invoice")):
        parent = invoice["parent"]
        mine = parent is not None and parent["subscription_details"]["subscription"] == subscription["id"]
        if mine and invoice["status"] in ("draft", "open"):
            invoicing.stop_collecting(world, invoice)
            if status == "incomplete_expired" and invoice["status"] == "open":
                invoicing.void(world, invoice)
    schedule = world.store.get("subscription_schedule", subscription["schedule"] or "")
    if schedule is not None:
        world.store.update(schedule, status="canceled", canceled_at=now, current_phase=None)
        emit(world, "subscription_schedule.canceled", schedule)
    if status == "canceled":
        emit(world, "customer.subscription.deleted", subscription)
    else:
        emit(world, "customer.subscription.updated", subscription, previous)
