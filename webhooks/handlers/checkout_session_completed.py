"""`checkout.session.completed`: a pack was paid (or its delayed payment is on its way), or a subscription began."""

from __future__ import annotations

from billing import fulfilment
from billing.stripe_facts import EventFacts, read_checkout_session
from webhooks.outcome import Effect, outcome_of


def prepare(event: EventFacts) -> Effect:
    """Grant a paid pack once; link a subscription, whose first invoice grants."""
    booking = fulfilment.prepare_session(read_checkout_session(event.object))
    return lambda: outcome_of(booking())
