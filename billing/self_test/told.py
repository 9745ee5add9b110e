"""What Stripe would tell of the made-up customer: facts with invented ids."""

from __future__ import annotations

from datetime import timedelta

from billing import clock
from billing.ids import new_id
from billing.models import Price
from billing.stripe_facts import (
    CheckoutSessionFacts,
    DisputeFacts,
    InvoiceFacts,
    LineFacts,
    RefundFacts,
    SubscriptionFacts,
)


def paid_session(customer: str, amount_minor: int) -> CheckoutSessionFacts:
    """A pack's Checkout Session, completed and paid."""
    now = clock.now()
    return CheckoutSessionFacts(
        id=new_id("cs"),
        mode="payment",
        status="complete",
        payment_status="paid",
        client_reference_id=None,
        customer=customer,
        subscription=None,
        payment_intent=new_id("pi"),
        invoice=None,
        amount_total=amount_minor,
        currency="usd",
        metadata={},
        livemode=False,
        url=None,
        created=now,
        expires_at=now + timedelta(days=1),
    )


def new_subscription(customer: str, price: Price) -> SubscriptionFacts:
    """A monthly subscription that begins now."""
    now = clock.now()
    return SubscriptionFacts(
        id=new_id("sub"),
        customer=customer,
        status="active",
        price=price.stripe_id,
        product=price.product_id,
        item=new_id("si"),
        quantity=1,
        interval="month",
        current_period_start=now,
        current_period_end=clock.add_months(now, 1),
        cancel_at=None,
        canceled_at=None,
        ended_at=None,
        trial_end=None,
        metadata={},
        schedule=None,
        created=now,
        livemode=False,
        latest_invoice=None,
    )


def paid_invoice(subscription: SubscriptionFacts, amount_minor: int) -> InvoiceFacts:
    """The paid invoice of a subscription's running period: one full line."""
    line = LineFacts(
        id=new_id("il"),
        price=subscription.price,
        product=subscription.product,
        subscription=subscription.id,
        subscription_item=subscription.item,
        quantity=1,
        amount=amount_minor,
        discounted=False,
        proration=False,
        period_start=subscription.current_period_start,
        period_end=subscription.current_period_end,
    )
    return InvoiceFacts(
        id=new_id("in"),
        customer=subscription.customer,
        subscription=subscription.id,
        billing_reason="subscription_create",
        status="paid",
        amount_paid=amount_minor,
        total=amount_minor,
        balance_applied=0,
        currency="usd",
        metadata={},
        lines=(line,),
        has_more_lines=False,
        livemode=False,
        created=subscription.created,
        paid_at=subscription.created,
        attempt_count=1,
        next_payment_attempt=None,
        payment_intent=new_id("pi"),
        charge=None,
    )


def succeeded_refund(payment_intent: str, amount_minor: int) -> RefundFacts:
    """A refund made in Stripe's Dashboard."""
    return RefundFacts(
        id=new_id("re"),
        amount=amount_minor,
        currency="usd",
        status="succeeded",
        charge=None,
        payment_intent=payment_intent,
        reason=None,
        failure_reason=None,
        metadata={},
        created=clock.now(),
    )


def open_dispute(payment_intent: str, amount_minor: int) -> DisputeFacts:
    """A dispute that waits for an answer."""
    return DisputeFacts(
        id=new_id("dp"),
        charge=new_id("ch"),
        payment_intent=payment_intent,
        amount=amount_minor,
        currency="usd",
        status="needs_response",
        reason="fraudulent",
        due_by=None,
        created=clock.now(),
    )
