"""`charge.refunded`: some of a charge went back; the event holds only the sum so far."""

from __future__ import annotations

from billing import fulfilment
from billing.stripe_facts import EventFacts, read_charge
from webhooks.outcome import Effect, outcome_of


def prepare(event: EventFacts) -> Effect:
    """Read the charge's refunds again and book each by its id: the sum may be stale (R6, F076)."""
    booking = fulfilment.prepare_charge_refunds(read_charge(event.object))
    return lambda: outcome_of(booking())
