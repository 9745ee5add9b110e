"""`radar.early_fraud_warning.created`: the card's network suspects fraud."""

from __future__ import annotations

from billing import fulfilment
from billing.stripe_facts import EventFacts, read_fraud_warning
from webhooks.outcome import Effect, outcome_of


def prepare(event: EventFacts) -> Effect:
    """Show it to staff; no credits move by a suspicion."""
    booking = fulfilment.prepare_fraud_warning(read_fraud_warning(event.object))
    return lambda: outcome_of(booking())
