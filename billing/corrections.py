"""A payment whose sum stands here other than at Stripe is set right, and its credits follow (R7)."""

from __future__ import annotations

from billing import audit_log, clawback, payments
from billing.accounts import open_account
from billing.db import transaction


def correct_payment(payment_id: str, amount_minor: int, currency: str) -> str:
    """Take over what Stripe says was paid: ``corrected: …``, or ``duplicate`` when nothing differs.

    R7's P may have changed by it, so what refunds and disputes have taken is brought in line.
    """
    account_id = payments.get(payment_id).account_id
    with transaction(), open_account(account_id) as book:
        payment = payments.get(payment_id)
        before = f"{payment.amount_minor} {payment.currency}"
        after = f"{amount_minor} {currency}"
        if before == after:
            return "duplicate"
        payment.amount_minor, payment.currency = amount_minor, currency
        clawback.catch_up(book, payment_id)
        audit_log.record(
            "payment.correct",
            actor="stripe",
            account_id=account_id,
            subject=payment_id,
            detail={"before": before, "after": after},
        )
        return f"corrected: {before} is {after}"
