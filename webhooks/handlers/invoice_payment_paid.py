"""`invoice_payment.paid`: a PaymentIntent paid (part of) an invoice."""

from __future__ import annotations

from billing import fulfilment
from billing.stripe_facts import EventFacts, read_invoice_payment
from webhooks.outcome import Effect, outcome_of


def prepare(event: EventFacts) -> Effect:
    """Remember which PaymentIntent paid, so that refunds and disputes find their payment."""
    booking = fulfilment.prepare_invoice_payment(read_invoice_payment(event.object))
    return lambda: outcome_of(booking())
