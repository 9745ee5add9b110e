"""Credit notes: money that went back to the customer's balance or by another way counts like a refund (R7)."""

from __future__ import annotations

from billing import clawback, clock, payments
from billing.accounts import open_account
from billing.db import db, transaction
from billing.models import CreditNote
from billing.stripe_facts import CreditNoteFacts


def record_credit_note(facts: CreditNoteFacts) -> str:
    """Book a credit note: ``done``, ``duplicate``, or ``foreign`` when its invoice is not ours.

    Its refunds are booked by themselves; this is the rest. Void counts nothing any more, whatever is told later.
    """
    payment = payments.payment_of_invoice(facts.invoice)
    if payment is None:
        return "foreign"
    payment_id, account_id = payment.id, payment.account_id
    with transaction(), open_account(account_id) as book:
        note = db.session.get(CreditNote, facts.id)
        if note is None:
            note = CreditNote(
                stripe_id=facts.id,
                account_id=account_id,
                payment_id=payment_id,
                currency=facts.currency,
                created_at=facts.created,
            )
            db.session.add(note)
        elif note.status == "void" or (note.status, note.amount_minor) == (facts.status, facts.amount):
            return "duplicate"
        note.amount_minor = facts.amount
        note.status = facts.status
        note.reason = facts.reason
        note.updated_at = clock.now()
        cause = clawback.Cause(facts.id, "payment_refunded", "refund_failed", "stripe")
        clawback.follow_money(book, payment_id, cause)
        return "done"
