"""Step A of a refund: under the account's lock it is checked, recorded, and its credits frozen.

Above a limit Stripe is not called until a second person has approved it; frozen it is at once, so that meanwhile
nobody spends what the refund would take.
"""

from __future__ import annotations

from sqlalchemy import func, select

from billing import audit_log, clock, freezing, limits, payments, stripe_gateway
from billing.accounts import open_account
from billing.db import db, transaction
from billing.errors import Conflict, Invalid
from billing.ids import new_id
from billing.models import Payment, PaymentIntentLink, Refund
from billing.payments import RefundView
from billing.refunds.previewing import checked_amount
from billing.refunds.settling import call_stripe

REASONS = ("duplicate", "fraudulent", "requested_by_customer", "other")


def request_refund(
    payment_id: str,
    *,
    amount_minor: int | None,
    credits: str,
    reason: str,
    note: str | None,
    actor: str,
    form_token: str | None = None,
) -> RefundView:
    """Give money back and take its credits; the same ``form_token`` again answers the refund that it made.

    Answers with status ``pending`` when Stripe did not answer: nothing is lost, the worker goes on; with
    ``needs_approval`` when it is more than the actor may give back alone, at once or in a day. Raises ``NotFound``,
    ``Invalid``, ``RefundExceeds``, ``Disputed``, and ``StripeRefused`` when Stripe will not do it.
    """
    if reason not in REASONS:
        raise Invalid(f"reason: one of {', '.join(REASONS)}")
    known = _by_token(form_token)
    if known is None:
        _learn_payment_intents(payments.get(payment_id))
        known = _record_request(payment_id, amount_minor, credits, reason, note, actor, form_token)
    return call_stripe(known)


def _learn_payment_intents(payment: Payment) -> None:
    """Make sure that we know which PaymentIntents paid; for an invoice Stripe is asked where they are missing."""
    invoice_id = payment.invoice_id
    known = db.session.scalar(
        select(func.coalesce(func.sum(PaymentIntentLink.amount_minor), 0)).where(
            PaymentIntentLink.payment_id == payment.id
        )
    )
    payment_id = payment.id
    if invoice_id is None or (known or 0) >= payment.amount_minor:
        return
    db.session.rollback()
    paid = list(stripe_gateway.current().list_invoice_payments(invoice=invoice_id))
    with transaction():
        for invoice_payment in paid:
            if invoice_payment.payment_intent is not None:
                payments.link_payment_intent(
                    payments.get(payment_id),
                    invoice_payment.payment_intent,
                    invoice_payment.amount_paid,
                    invoice_payment.charge,
                )


def _record_request(
    payment_id: str,
    amount_minor: int | None,
    credits: str,
    reason: str,
    note: str | None,
    actor: str,
    form_token: str | None,
) -> str:
    """Step A: under lock, check and record the refund and freeze its credits."""
    account_id = payments.get(payment_id).account_id
    with transaction(), open_account(account_id) as book:
        known = _by_token(form_token)
        if known is not None:
            return known
        payment = payments.get(payment_id)
        now = clock.now()
        amount = checked_amount(payment, amount_minor, credits)
        refund = Refund(
            id=new_id("rf"),
            account_id=account_id,
            payment_id=payment.id,
            payment_intent_id=payment_intent_for(payment, amount),
            origin="staff",
            amount_minor=amount,
            currency=payment.currency,
            credits_mode=credits,
            reason=reason,
            note=note,
            status="pending" if limits.count_refund(actor, payment.currency, amount, now) else "needs_approval",
            actor=actor,
            form_token=form_token,
            created_at=now,
        )
        db.session.add(refund)
        db.session.flush()
        freezing.refresh_freezes(book, payment.id)
        audit_log.record(
            "refund",
            actor=actor,
            account_id=account_id,
            subject=refund.id,
            detail={
                "payment": payment.id,
                "amount_minor": amount,
                "currency": payment.currency,
                "credits": credits,
                "reason": reason,
                "status": refund.status,
            },
        )
        return refund.id


def payment_intent_for(payment: Payment, amount: int) -> str:
    """The PaymentIntent that has this much left to give back; raises ``Conflict`` if none has."""
    for link in db.session.scalars(
        select(PaymentIntentLink)
        .where(PaymentIntentLink.payment_id == payment.id)
        .order_by(PaymentIntentLink.amount_minor.desc())
    ):
        used = db.session.scalar(
            select(func.coalesce(func.sum(Refund.amount_minor), 0)).where(
                Refund.payment_intent_id == link.payment_intent_id,
                Refund.status.in_(("pending", "requires_action", "succeeded")),
            )
        )
        if link.amount_minor - (used or 0) >= amount:
            return link.payment_intent_id
    raise Conflict("There is no charge of this payment at Stripe that the amount can go back to.")


def _by_token(form_token: str | None) -> str | None:
    if form_token is None:
        return None
    return db.session.scalar(select(Refund.id).where(Refund.form_token == form_token))
