"""`refund.failed`: a refund did not reach the customer."""

from __future__ import annotations

from billing import fulfilment
from billing.stripe_facts import EventFacts, read_refund
from webhooks.outcome import Effect, outcome_of


def prepare(event: EventFacts) -> Effect:
    """Let the credits follow the refund as it stands at Stripe now, once by its id (R6, R7)."""
    booking = fulfilment.prepare_refund(read_refund(event.object))
    return lambda: outcome_of(booking())
