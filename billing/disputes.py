"""Disputes: what the cardholder's bank decides, the credits follow (R8)."""

from __future__ import annotations

from billing import clawback, clock, payments
from billing.accounts import open_account
from billing.db import db, transaction
from billing.models import Dispute
from billing.stripe_facts import DisputeFacts


def record_dispute(facts: DisputeFacts) -> str:
    """Book a dispute as it stands at Stripe: ``done``, ``duplicate``, or ``foreign`` when the payment is not ours.

    Its own status decides, whatever event brings it: open freezes as many of the payment's credits as losing it
    would take, lost takes them, won or closed sets them free or puts them back.
    """
    payment = payments.payment_of(facts.payment_intent, facts.charge)
    if payment is None:
        return "foreign"
    payment_id, account_id = payment.id, payment.account_id
    with transaction(), open_account(account_id) as book:
        dispute = db.session.get(Dispute, facts.id)
        if dispute is None:
            dispute = Dispute(
                stripe_id=facts.id,
                account_id=account_id,
                payment_id=payment_id,
                currency=facts.currency,
                opened_at=facts.created,
            )
            db.session.add(dispute)
        elif (dispute.status, dispute.amount_minor) == (facts.status, facts.amount):
            return "duplicate"
        dispute.amount_minor = facts.amount
        dispute.status = facts.status
        dispute.reason = facts.reason
        dispute.due_by = facts.due_by
        dispute.updated_at = clock.now()
        cause = clawback.Cause(facts.id, "dispute_lost", "dispute_reversed", "stripe")
        clawback.follow_money(book, payment_id, cause)
        return "done"
