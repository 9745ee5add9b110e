"""`customer.subscription.created`: a subscription exists, perhaps not paid yet."""

from __future__ import annotations

from billing import fulfilment, stripe_customers
from billing.stripe_facts import EventFacts, read_subscription
from webhooks.outcome import Effect, Outcome, outcome_of


def prepare(event: EventFacts) -> Effect:
    """Copy the subscription as it stands at Stripe now: events of one second cannot be put in order."""
    snapshot = read_subscription(event.object)
    if stripe_customers.account_of(snapshot.customer) is None:
        return lambda: Outcome("ignored", "not ours")
    booking = fulfilment.prepare_subscription(snapshot.id, fallback=snapshot)
    return lambda: outcome_of(booking())
