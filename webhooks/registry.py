"""Which events matter, and why. Everything else is kept and ignored."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from billing.stripe_facts import EventFacts
from webhooks.handlers import (
    charge_dispute_closed,
    charge_dispute_created,
    charge_dispute_funds_reinstated,
    charge_dispute_funds_withdrawn,
    charge_dispute_updated,
    charge_refunded,
    checkout_session_async_payment_failed,
    checkout_session_async_payment_succeeded,
    checkout_session_completed,
    checkout_session_expired,
    credit_note_created,
    credit_note_updated,
    credit_note_voided,
    customer_deleted,
    customer_subscription_created,
    customer_subscription_deleted,
    customer_subscription_updated,
    invoice_paid,
    invoice_payment_failed,
    invoice_payment_paid,
    radar_early_fraud_warning_created,
    radar_early_fraud_warning_updated,
    refund_created,
    refund_failed,
    refund_updated,
)
from webhooks.outcome import Effect


@dataclass(frozen=True, slots=True)
class Handler:
    """What an event does: `prepare` reads from Stripe what is missing and returns the effect to be booked."""

    prepare: Callable[[EventFacts], Effect]
    why: str


HANDLERS: dict[str, Handler] = {
    "checkout.session.completed": Handler(
        checkout_session_completed.prepare, "a pack was paid, or a subscription began"
    ),
    "checkout.session.async_payment_succeeded": Handler(
        checkout_session_async_payment_succeeded.prepare, "a delayed payment of a pack came in"
    ),
    "checkout.session.async_payment_failed": Handler(
        checkout_session_async_payment_failed.prepare, "a delayed payment did not come: nothing is granted"
    ),
    "checkout.session.expired": Handler(
        checkout_session_expired.prepare, "nobody paid: the checkout is over, another can begin"
    ),
    "customer.subscription.created": Handler(
        customer_subscription_created.prepare, "a subscription exists, perhaps not paid yet"
    ),
    "customer.subscription.updated": Handler(
        customer_subscription_updated.prepare, "its state, price, period or end changed"
    ),
    "customer.subscription.deleted": Handler(
        customer_subscription_deleted.prepare, "it has ended: grace and months to come end with it"
    ),
    "invoice.paid": Handler(invoice_paid.prepare, "money came in: the lines' credits are granted"),
    "invoice.payment_failed": Handler(
        invoice_payment_failed.prepare, "a renewal was declined: past due, nothing is taken"
    ),
    "invoice_payment.paid": Handler(
        invoice_payment_paid.prepare, "which PaymentIntent paid which invoice, for refunds and disputes"
    ),
    "refund.created": Handler(refund_created.prepare, "money goes back, from here or from the Dashboard"),
    "refund.updated": Handler(refund_updated.prepare, "a pending refund was decided"),
    "refund.failed": Handler(refund_failed.prepare, "money did not go back: the credits return"),
    "charge.refunded": Handler(
        charge_refunded.prepare, "a sum without refund ids: the charge's refunds are read again"
    ),
    "charge.dispute.created": Handler(charge_dispute_created.prepare, "a dispute freezes credits"),
    "charge.dispute.updated": Handler(charge_dispute_updated.prepare, "its status may have changed"),
    "charge.dispute.closed": Handler(charge_dispute_closed.prepare, "won or lost: set free or taken"),
    "charge.dispute.funds_withdrawn": Handler(
        charge_dispute_funds_withdrawn.prepare, "changes nothing by itself; the dispute's status decides"
    ),
    "charge.dispute.funds_reinstated": Handler(
        charge_dispute_funds_reinstated.prepare, "the bank gave the money back; the status decides"
    ),
    "credit_note.created": Handler(
        credit_note_created.prepare, "money went back other than by a refund: credits follow it too"
    ),
    "credit_note.updated": Handler(credit_note_updated.prepare, "what of it counts may have changed"),
    "credit_note.voided": Handler(credit_note_voided.prepare, "it counts no more: the credits return"),
    "radar.early_fraud_warning.created": Handler(
        radar_early_fraud_warning_created.prepare, "a dispute may follow: staff are shown it"
    ),
    "radar.early_fraud_warning.updated": Handler(radar_early_fraud_warning_updated.prepare, "it has been dealt with"),
    "customer.deleted": Handler(
        customer_deleted.prepare, "the link is closed, credits stay; the next checkout makes a new customer"
    ),
}


def handler_of(event_type: str) -> Handler | None:
    """The handler of an event type; None for one that is none of our business."""
    return HANDLERS.get(event_type)
