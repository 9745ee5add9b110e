"""`customer.deleted`: somebody deleted the customer at Stripe; its subscriptions end there by themselves."""

from __future__ import annotations

from billing import stripe_customers
from billing.stripe_facts import EventFacts, read_customer
from webhooks.outcome import Effect, outcome_of


def prepare(event: EventFacts) -> Effect:
    """Close the link: credits stay, late events still find their account, the next checkout makes a new one."""
    customer_id = read_customer(event.object).id
    return lambda: outcome_of("unlinked" if stripe_customers.mark_deleted(customer_id) else "foreign")
