"""`invoice.paid`: money came in (or none was due), so the lines' credits are granted."""

from __future__ import annotations

from billing import fulfilment
from billing.stripe_facts import EventFacts, read_invoice
from webhooks.outcome import Effect, outcome_of


def prepare(event: EventFacts) -> Effect:
    """Grant what each line is worth, once by line, in whatever shape the invoice comes."""
    booking = fulfilment.prepare_invoice(read_invoice(event.object))
    return lambda: outcome_of(booking())
