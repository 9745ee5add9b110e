"""`credit_note.updated`: a credit note changed."""

from __future__ import annotations

from billing import fulfilment
from billing.stripe_facts import EventFacts, read_credit_note
from webhooks.outcome import Effect, outcome_of


def prepare(event: EventFacts) -> Effect:
    """Let the credits follow what it gave back other than by a refund, once by its id (R7)."""
    booking = fulfilment.prepare_credit_note(read_credit_note(event.object))
    return lambda: outcome_of(booking())
