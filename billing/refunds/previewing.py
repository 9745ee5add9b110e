"""What a refund would do, and how much may go back at all; nothing changes here."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select

from billing import clawback, payments
from billing.accounts import open_account
from billing.claims import read_claims
from billing.db import connection, transaction
from billing.errors import Disputed, Invalid, RefundExceeds
from billing.models import InvoiceLine, Payment
from billing.payments import view_payment

MODES = ("proportional", "unspent", "keep")


@dataclass(frozen=True, slots=True)
class RefundPreview:
    """What a refund would do; money in minor units, credits in micro-credits."""

    payment_id: str
    amount_minor: int
    refundable_minor: int
    currency: str
    credits_mode: str
    credits_taken: int
    months_cancelled: int
    already_spent: int
    unspent: int
    held: int
    debt_created: int
    balance_before: int
    balance_after: int
    ends_access_until: datetime | None
    """Until when the payment had paid for a subscription, if giving this back ends that at once (R13)."""


def preview_refund(payment_id: str, *, amount_minor: int | None, credits: str) -> RefundPreview:
    """What giving ``amount_minor`` back (default: the most that is fair) would do; nothing changes.

    Raises ``NotFound``, ``Invalid``, ``RefundExceeds``, ``Disputed``.
    """
    payment = payments.get(payment_id)
    with transaction(), open_account(payment.account_id) as book:
        payment = payments.get(payment_id)
        amount = checked_amount(payment, amount_minor, credits)
        foreseen = clawback.foresee(book, payment, amount, credits)
        return RefundPreview(
            payment_id=payment.id,
            amount_minor=amount,
            refundable_minor=view_payment(payment).refundable_minor,
            currency=payment.currency,
            credits_mode=credits,
            credits_taken=foreseen.taken,
            months_cancelled=foreseen.months_cancelled,
            already_spent=foreseen.spent,
            unspent=foreseen.unspent,
            held=foreseen.held,
            debt_created=foreseen.debt,
            balance_before=book.balance,
            balance_after=book.balance - foreseen.taken,
            ends_access_until=_access_that_ends(payment, amount, credits, book.now),
        )


def _access_that_ends(payment: Payment, amount_minor: int, credits: str, now: datetime) -> datetime | None:
    if payment.subscription_id is None or credits == "keep":
        return None
    if read_claims(payment).settled + amount_minor < payment.amount_minor:
        return None
    paid_until = connection().scalar(
        select(func.max(InvoiceLine.ends_at)).where(InvoiceLine.payment_id == payment.id, InvoiceLine.worth >= 0)
    )
    return paid_until if paid_until is not None and paid_until > now else None


def checked_amount(payment: Payment, amount_minor: int | None, credits: str) -> int:
    """The minor units to give back: those asked for, or the most that is fair. Ask under the account's lock.

    Raises ``Invalid``, ``Disputed``, ``RefundExceeds``.
    """
    if credits not in MODES:
        raise Invalid(f"credits: one of {', '.join(MODES)}")
    view = view_payment(payment)
    if view.disputed:
        raise Disputed()
    if amount_minor is None:
        amount_minor = view.fair_minor if credits == "unspent" else view.refundable_minor
    if not 0 < amount_minor <= view.refundable_minor:
        raise RefundExceeds()
    return amount_minor
