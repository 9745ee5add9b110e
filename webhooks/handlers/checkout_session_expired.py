"""`checkout.session.expired`: nobody paid in time."""

from __future__ import annotations

from billing import purchases
from billing.stripe_facts import EventFacts, read_checkout_session
from webhooks.outcome import Effect, outcome_of


def prepare(event: EventFacts) -> Effect:
    """Close the checkout, so that a new one can begin."""
    session = read_checkout_session(event.object)
    return lambda: outcome_of(purchases.close_checkout(session, "expired"))
