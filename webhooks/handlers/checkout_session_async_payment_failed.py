"""`checkout.session.async_payment_failed`: a delayed payment did not come."""

from __future__ import annotations

from billing import purchases
from billing.stripe_facts import EventFacts, read_checkout_session
from webhooks.outcome import Effect, outcome_of


def prepare(event: EventFacts) -> Effect:
    """Close the checkout as failed; what was granted by another payment of it stays."""
    session = read_checkout_session(event.object)
    return lambda: outcome_of(purchases.close_checkout(session, "failed"))
