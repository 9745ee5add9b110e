"""Until when a subscription is paid: access and unlimited plans follow it (R13)."""

from __future__ import annotations

from sqlalchemy import func, select, update

from billing.db import connection
from billing.models import CreditNote, Dispute, InvoiceLine, Payment, Refund, Subscription


def refresh_paid_until(subscription_id: str) -> None:
    """Work out anew until when the Stripe subscription is paid.

    A period whose payment was given back in full, or lost in a dispute, does not count. One that was paid in an
    earlier system does, though no payment here says so.
    """
    given_back = (
        select(func.coalesce(func.sum(Refund.amount_minor), 0))
        .where(Refund.payment_id == Payment.id, Refund.status == "succeeded", Refund.credits_mode != "keep")
        .scalar_subquery()
    )
    credited = (
        select(func.coalesce(func.sum(CreditNote.amount_minor), 0))
        .where(CreditNote.payment_id == Payment.id, CreditNote.status == "issued")
        .scalar_subquery()
    )
    lost = (
        select(func.count())
        .select_from(Dispute)
        .where(Dispute.payment_id == Payment.id, Dispute.status.in_(LOST_STATUSES))
        .scalar_subquery()
    )
    paid_until = connection().scalar(
        select(func.max(InvoiceLine.ends_at))
        .join(Payment, Payment.id == InvoiceLine.payment_id)
        .where(
            InvoiceLine.subscription_id == subscription_id,
            InvoiceLine.worth >= 0,
            (Payment.amount_minor == 0) | (given_back + credited < Payment.amount_minor),
            lost == 0,
        )
    )
    elsewhere = connection().scalar(
        select(Subscription.paid_elsewhere_until).where(Subscription.stripe_id == subscription_id)
    )
    paid_until = max(filter(None, (paid_until, elsewhere)), default=None)
    connection().execute(
        update(Subscription).where(Subscription.stripe_id == subscription_id).values(paid_until=paid_until)
    )


LOST_STATUSES = ("lost", "appeal_needs_response", "appeal_under_review")
"""A lost dispute; an appeal follows a loss and the money is gone until it is won (R8)."""
OPEN_STATUSES = ("needs_response", "under_review")
"""A dispute that is open; inquiries (``warning_*``) move no money and freeze nothing."""
