"""`checkout.session.async_payment_succeeded`: a delayed payment (bank debit, transfer) came in after days."""

from __future__ import annotations

from billing import fulfilment
from billing.stripe_facts import EventFacts, read_checkout_session
from webhooks.outcome import Effect, outcome_of


def prepare(event: EventFacts) -> Effect:
    """Grant the pack, once with `checkout.session.completed`: both have the session as their key."""
    booking = fulfilment.prepare_session(read_checkout_session(event.object))
    return lambda: outcome_of(booking())
