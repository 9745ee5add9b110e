"""The online half of the audit: our books and Stripe's own lists say the same, in both directions (I17, I21, I22).

It only reads: what a reconcile would do is told by its dry run. What is younger than `GRACE` may still be on its way.
"""

from __future__ import annotations

from collections.abc import Iterator

from billing import clock
from billing.audit import Violation
from billing.errors import Conflict
from billing.only_here import GRACE, Kind
from billing.reconcile import BEGINNING, Finding, reconcile

INVARIANT_OF: dict[Kind, str] = {
    "checkout.session": "I17",
    "invoice": "I17",
    "refund": "I21",
    "credit_note": "I21",
    "dispute": "I22",
}


def audit_at_stripe() -> Iterator[Violation]:
    """Every payment, refund, credit note and dispute that only one side knows, or that the two tell differently.

    Raises `StripeUnavailable` when a list cannot be read, and `Conflict` when something could not be looked at:
    then nobody knows whether the books agree.
    """
    settled_by = clock.now() - GRACE
    report = reconcile(BEGINNING, dry_run=True)
    if report.failed:
        names = ", ".join(f"{each.kind} {each.stripe_id} ({each.word})" for each in report.failed)
        raise Conflict(f"could not be compared with Stripe: {names}")
    for found in (*report.booked, *report.repaired):
        if found.created_at is not None and found.created_at < settled_by:
            yield from _violation(found, "booked as it is at Stripe", found.word)
    for found in report.only_here:
        yield from _violation(found, "an object at Stripe", "none")


def _violation(found: Finding, expected: str, word: str) -> Iterator[Violation]:
    invariant = INVARIANT_OF.get(found.kind)
    if invariant is not None:
        yield Violation(invariant, found.customer, f"{found.kind}={found.stripe_id}", expected, word, None)
