"""`invoice.payment_failed`: a renewal was declined; Stripe will try again."""

from __future__ import annotations

from billing import fulfilment, stripe_customers
from billing.stripe_facts import EventFacts, read_invoice
from webhooks.outcome import Effect, Outcome, outcome_of


def prepare(event: EventFacts) -> Effect:
    """Copy the subscription's state (past due); nothing is granted and nothing taken (R13)."""
    invoice = read_invoice(event.object)
    if invoice.subscription is None or stripe_customers.account_of(invoice.customer) is None:
        return lambda: Outcome("ignored", "not ours")
    booking = fulfilment.prepare_subscription(invoice.subscription)
    return lambda: outcome_of(booking())
