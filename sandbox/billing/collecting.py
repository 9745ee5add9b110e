"""Getting an open invoice paid, and what the result does to the subscription behind it."""

from __future__ import annotations

from sandbox.billing import charging, invoicing
from sandbox.billing.ending import end_subscription
from sandbox.billing.items import apply_pending
from sandbox.events import emit, emit_updated
from sandbox.store import Obj
from sandbox.world import World

_DAY = 86_400


def subscription_of(world: World, invoice: Obj) -> Obj | None:
    """The subscription an invoice bills."""
    parent = invoice["parent"]
    if parent is None:
        return None
    return world.store.get("subscription", parent["subscription_details"]["subscription"])


def default_method(world: World, invoice: Obj) -> Obj | None:
    """What an invoice is charged to: its own, the subscription's, or the customer's default payment method."""
    subscription = subscription_of(world, invoice)
    customer = world.need("customer", invoice["customer"])
    keys = [
        invoice["default_payment_method"],
        subscription["default_payment_method"] if subscription else None,
        customer["invoice_settings"]["default_payment_method"],
    ]
    return next((method for key in keys if key and (method := world.store.get("payment_method", key))), None)


def finalize_and_collect(
    world: World, invoice: Obj, method: Obj | None = None, *, authenticated: bool = False
) -> charging.Outcome:
    """Finalize a draft and pay it at once."""
    invoicing.finalize(world, invoice)
    return collect(world, invoice, method, authenticated=authenticated)


def collect(
    world: World,
    invoice: Obj,
    method: Obj | None = None,
    *,
    authenticated: bool = False,
    automatic: bool = True,
) -> charging.Outcome:
    """One attempt to pay an open invoice, with everything that follows from it.

    Any first attempt counts; after it only ``automatic`` ones move the retry schedule on.
    """
    if invoice["amount_remaining"] == 0:
        mark_paid(world, invoice)
        return "succeeded"
    method = method or default_method(world, invoice)
    customer = world.need("customer", invoice["customer"])
    intent = invoicing.open_payment(world, invoice, customer)
    if automatic or invoice["attempt_count"] == 0:
        attempts = invoice["attempt_count"] + 1
        world.store.update(invoice, attempted=True, attempt_count=attempts, next_payment_attempt=None)
    outcome = charging.attempt(world, intent, method, authenticated) if method else "declined"
    after_attempt(world, invoice, outcome)
    return outcome


def after_attempt(world: World, invoice: Obj, outcome: charging.Outcome) -> None:
    """Book the result of an attempt that was already made on the invoice's intent."""
    if outcome == "succeeded":
        mark_paid(world, invoice)
    elif outcome == "requires_action":
        _plan_retry(world, invoice)
        emit(world, "invoice.payment_action_required", invoice)
        if not _give_up(world, invoice):
            _overdue(world, invoice)
    elif outcome == "declined":
        _plan_retry(world, invoice)
        emit(world, "invoice.payment_failed", invoice)
        if not _give_up(world, invoice):
            _overdue(world, invoice)


def mark_paid(world: World, invoice: Obj, out_of_band: bool = False) -> None:
    """The invoice is settled: by its intent, by nothing being due, or outside Stripe."""
    payment = invoicing.payment_of(world, invoice)
    due = invoice["amount_due"]
    if out_of_band:
        invoicing.abandon_payment(world, invoice)
        world.store.update(invoice, amount_paid_off_stripe=due)
        payment = None
    world.store.update(
        invoice,
        status="paid",
        amount_paid=due,
        amount_remaining=0,
        attempted=True,
        auto_advance=False,
        next_payment_attempt=None,
        status_transitions={**invoice["status_transitions"], "paid_at": world.now()},
    )
    emit(world, "invoice.paid", invoice)
    emit(world, "invoice.payment_succeeded", invoice)
    if payment is not None and due > 0:
        world.store.update(
            payment,
            status="paid",
            amount_paid=due,
            status_transitions={**payment["status_transitions"], "paid_at": world.now()},
        )
        emit(world, "invoice_payment.paid", payment)
    _after_payment(world, invoice)


def _after_payment(world: World, invoice: Obj) -> None:
    subscription = subscription_of(world, invoice)
    if subscription is None or subscription["ended_at"] is not None:
        return
    pending = subscription.get("_pending")
    if pending and pending["invoice"] == invoice["id"]:
        apply_pending(world, subscription)
    others = [
        other
        for other in world.store.where("invoice", status="open")
        if subscription_of(world, other) is subscription and not other.get("_pending_update")
    ]
    if subscription["status"] in ("past_due", "incomplete", "unpaid") and not others:
        emit_updated(world, "customer.subscription.updated", subscription, status="active")


def _plan_retry(world: World, invoice: Obj) -> None:
    """When the next automatic attempt is due: only renewals are retried by themselves."""
    gaps = world.settings.dunning_retry_days
    attempts = invoice["attempt_count"]
    subscription = subscription_of(world, invoice)
    retried = subscription is not None and subscription["status"] not in ("incomplete", "canceled")
    waiting = invoice["next_payment_attempt"] is not None
    if (
        retried
        and not waiting
        and invoice["auto_advance"]
        and not invoice.get("_pending_update")
        and attempts <= len(gaps)
    ):
        world.store.update(invoice, next_payment_attempt=world.now() + gaps[attempts - 1] * _DAY)


def _overdue(world: World, invoice: Obj) -> None:
    subscription = subscription_of(world, invoice)
    if subscription is not None and subscription["status"] == "active" and not invoice.get("_pending_update"):
        emit_updated(world, "customer.subscription.updated", subscription, status="past_due")


def _give_up(world: World, invoice: Obj) -> bool:
    """After the last retry: end the subscription or leave it unpaid; whether that happened."""
    subscription = subscription_of(world, invoice)
    if (
        subscription is None
        or subscription["status"] not in ("active", "past_due")
        or not invoice["auto_advance"]
        or invoice["next_payment_attempt"] is not None
        or invoice["attempt_count"] <= len(world.settings.dunning_retry_days)
    ):
        return False
    invoicing.stop_collecting(world, invoice)
    if world.settings.dunning_ends_with == "unpaid":
        emit_updated(world, "customer.subscription.updated", subscription, status="unpaid")
    else:
        end_subscription(world, subscription, reason="payment_failed")
    return True
