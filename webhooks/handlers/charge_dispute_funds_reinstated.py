"""`charge.dispute.funds_reinstated`: the bank gave the money back."""

from __future__ import annotations

from billing import fulfilment
from billing.stripe_facts import EventFacts, read_dispute
from webhooks.outcome import Effect, outcome_of


def prepare(event: EventFacts) -> Effect:
    """Book the dispute as it stands at Stripe now: its status decides, whatever event brings it (R8)."""
    booking = fulfilment.prepare_dispute(read_dispute(event.object))
    return lambda: outcome_of(booking())
