"""Early fraud warnings: a payment that is likely to be disputed unless it is given back first. Staff decide."""

from __future__ import annotations

from billing import payments
from billing.db import db, transaction
from billing.models import FraudWarning
from billing.stripe_facts import FraudWarningFacts


def record_fraud_warning(facts: FraudWarningFacts) -> str:
    """Keep a warning for staff to see: ``done``, ``duplicate``, or ``foreign`` when the payment is not ours.

    No credits move by it: it is a suspicion. One that is no longer actionable never becomes so again.
    """
    payment = payments.payment_of(facts.payment_intent, facts.charge)
    if payment is None:
        return "foreign"
    payment_id, account_id = payment.id, payment.account_id
    with transaction():
        warning = db.session.get(FraudWarning, facts.id, with_for_update=True)
        if warning is None:
            warning = FraudWarning(
                stripe_id=facts.id,
                account_id=account_id,
                payment_id=payment_id,
                fraud_type=facts.fraud_type,
                actionable=facts.actionable,
                created_at=facts.created,
            )
            db.session.add(warning)
        elif warning.actionable and not facts.actionable:
            warning.actionable = False
        else:
            return "duplicate"
        return "done"
