"""The online half of the audit: our books and Stripe's own lists say the same, in both directions (I17, I21, I22).

It only reads: what is missing here is what a reconcile would book, told by a dry run. What is younger than
`GRACE` may still be on its way.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import InstrumentedAttribute

from billing import clock, reconcile, stripe_gateway
from billing.audit import Violation
from billing.db import connection
from billing.errors import Conflict
from billing.models import Customer, Dispute, Payment, Refund

GRACE = timedelta(minutes=15)
BEGINNING = datetime(2011, 1, 1, tzinfo=UTC)
"""Before Stripe's first object."""

INVARIANT_OF = {"checkout.session": "I17", "invoice": "I17", "refund": "I21", "credit_note": "I21", "dispute": "I22"}


def audit_at_stripe() -> Iterator[Violation]:
    """Every payment, refund and dispute that only one side knows, or that the two tell differently.

    Raises `StripeUnavailable` when a list cannot be read, and `Conflict` when something could not be looked at:
    then nobody knows whether the books agree.
    """
    gateway = stripe_gateway.current()
    settled_by = clock.now() - GRACE
    there = {
        "checkout.session": _created(gateway.list_checkout_sessions(created_gte=BEGINNING, status="complete")),
        "invoice": _created(gateway.list_paid_invoices(created_gte=BEGINNING)),
        "refund": _created(gateway.list_refunds(created_gte=BEGINNING)),
        "dispute": _created(gateway.list_disputes(created_gte=BEGINNING)),
    }
    yield from _missing_here(there, settled_by)
    for kind, column, at in (
        ("checkout.session", Payment.session_id, Payment.paid_at),
        ("invoice", Payment.invoice_id, Payment.paid_at),
        ("refund", Refund.stripe_id, Refund.created_at),
        ("dispute", Dispute.stripe_id, Dispute.opened_at),
    ):
        yield from _missing_there(kind, column, at, there[kind], settled_by)


def _missing_here(there: dict[str, dict[str, datetime]], settled_by: datetime) -> Iterator[Violation]:
    report = reconcile.reconcile(BEGINNING, dry_run=True)
    if report.failed:
        names = ", ".join(f"{each.kind} {each.stripe_id} ({each.word})" for each in report.failed)
        raise Conflict(f"could not be compared with Stripe: {names}")
    for found in report.booked:
        invariant = INVARIANT_OF.get(found.kind)
        created = there.get(found.kind, {}).get(found.stripe_id, settled_by)
        if invariant is not None and created < settled_by:
            yield Violation(
                invariant, None, f"{found.kind}={found.stripe_id}", "booked as it is at Stripe", "not", None
            )


def _missing_there(
    kind: str,
    column: InstrumentedAttribute[Any],
    at: InstrumentedAttribute[datetime],
    known: dict[str, datetime],
    settled_by: datetime,
) -> Iterator[Violation]:
    model = column.class_
    query = (
        select(column.label("stripe_id"), Customer.public_id)
        .join(Customer, Customer.account_id == model.account_id)
        .where(column.is_not(None), at < settled_by)
        .order_by(column)
    )
    for row in connection().execute(query).all():
        if row.stripe_id not in known:
            where = f"{kind}={row.stripe_id}"
            yield Violation(INVARIANT_OF[kind], row.public_id, where, "an object at Stripe", "none", None)


def _created(things: Iterable[Any]) -> dict[str, datetime]:
    """When each was made, by its id."""
    return {thing.id: thing.created for thing in things}
