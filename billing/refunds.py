"""Money back: previewed, asked for once, retried for ever, settled when Stripe says so (R7, DESIGN: transactions).

A refund moves in three steps: A) under the account's lock it is checked, recorded and its credits frozen; B) Stripe is
called with a key that never changes for this refund; C) the answer or the webhook, whichever is first, settles it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import func, select

from billing import audit_log, clawback, clock, freezing, payments, stripe_gateway
from billing.accounts import open_account
from billing.db import db, transaction
from billing.errors import (
    Conflict,
    Disputed,
    Invalid,
    NotFound,
    RefundExceeds,
    StripeRefused,
    StripeUnavailable,
)
from billing.ids import new_id
from billing.ledger.book import Book
from billing.models import Payment, PaymentIntentLink, Refund
from billing.paid_periods import refresh_paid_until
from billing.payments import RefundView, view_payment, view_refund
from billing.stripe_facts import RefundFacts
from billing.stripe_gateway import StripeIdempotencyMismatch

REASONS = ("duplicate", "fraudulent", "requested_by_customer", "other")
MODES = ("proportional", "unspent", "keep")
KEY_LIFETIME = timedelta(hours=23)
"""Stripe forgets idempotency keys after a day: past this, look the refund up before calling again."""

_RANK = {"pending": 0, "requires_action": 0, "succeeded": 1, "failed": 2, "canceled": 2}


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


def preview_refund(payment_id: str, *, amount_minor: int | None, credits: str) -> RefundPreview:
    """What giving ``amount_minor`` back (default: the most that is fair) would do; nothing changes.

    Raises ``NotFound``, ``Invalid``, ``RefundExceeds``, ``Disputed``.
    """
    payment = payments.get(payment_id)
    with transaction(), open_account(payment.account_id) as book:
        payment = payments.get(payment_id)
        amount = _checked_amount(book, payment, amount_minor, credits)
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
        )


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

    Answers with status ``pending`` when Stripe did not answer: nothing is lost, the worker goes on. Raises
    ``NotFound``, ``Invalid``, ``RefundExceeds``, ``Disputed``, and ``StripeRefused`` when Stripe will not do it.
    """
    if reason not in REASONS:
        raise Invalid(f"reason: one of {', '.join(REASONS)}")
    if reason == "other" and not (note or "").strip():
        raise Invalid("note: say why, when the reason is other")
    known = _by_token(form_token)
    if known is None:
        _learn_payment_intents(payments.get(payment_id))
        known = _record_request(payment_id, amount_minor, credits, reason, note, actor, form_token)
    return _call_stripe(known)


def read_refund(refund_id: str) -> RefundView:
    """A refund by our id; raises ``NotFound``."""
    refund = db.session.get(Refund, refund_id)
    if refund is None:
        raise NotFound()
    return view_refund(refund)


def resume_refund(refund_id: str) -> RefundView:
    """Go on with a refund whose end is not known: ask Stripe again, with the same key, or look it up."""
    refund = db.session.get(Refund, refund_id)
    if refund is None:
        raise NotFound()
    if refund.status not in ("pending", "requires_action"):
        return view_refund(refund)
    gateway = stripe_gateway.current()
    stripe_id, payment_intent_id = refund.stripe_id, refund.payment_intent_id
    asked_at = refund.created_at
    db.session.rollback()
    if stripe_id is not None:
        record_refund(gateway.retrieve_refund(stripe_id))
        return read_refund(refund_id)
    if clock.wall_now() - asked_at > KEY_LIFETIME or clock.now() - asked_at > KEY_LIFETIME:
        for facts in gateway.list_refunds(payment_intent=payment_intent_id):
            if facts.metadata.get("saldo_refund") == refund_id:
                record_refund(facts)
                return read_refund(refund_id)
    return _call_stripe(refund_id)


def pending_refunds() -> list[str]:
    """Ids of refunds whose end is not known yet, the oldest first; for the worker."""
    return list(
        db.session.scalars(
            select(Refund.id).where(Refund.status.in_(("pending", "requires_action"))).order_by(Refund.created_at)
        )
    )


def record_refund(facts: RefundFacts) -> str:
    """Book what Stripe says of a refund: ``done``, ``duplicate``, or ``foreign`` when the payment is not ours.

    A refund made in Stripe's Dashboard is recorded on first sight, taking credits in proportion. An older status
    never undoes a newer one.
    """
    payment = payments.payment_of(facts.payment_intent, facts.charge)
    if payment is None:
        return "foreign"
    payment_id, account_id = payment.id, payment.account_id
    with transaction(), open_account(account_id) as book:
        payment = payments.get(payment_id)
        refund = _refund_row(payment, facts)
        if refund is None:
            refund = Refund(
                id=new_id("rf"),
                account_id=account_id,
                payment_id=payment.id,
                stripe_id=facts.id,
                payment_intent_id=facts.payment_intent,
                origin="stripe",
                amount_minor=facts.amount,
                currency=facts.currency,
                credits_mode="proportional",
                reason=facts.reason,
                status="pending",
                actor="stripe",
                created_at=clock.now(),
            )
            db.session.add(refund)
        elif refund.stripe_id == facts.id and _RANK.get(facts.status, 0) <= _RANK[refund.status]:
            return "duplicate"
        refund.stripe_id = facts.id
        _settle(book, payment, refund, facts.status, facts.failure_reason)
        return "done"


def _refund_row(payment: Payment, facts: RefundFacts) -> Refund | None:
    """Our record of this Stripe refund: by its id, or by ours that we wrote on it."""
    refund = db.session.scalar(select(Refund).where(Refund.stripe_id == facts.id))
    if refund is None and "saldo_refund" in facts.metadata:
        named = db.session.get(Refund, facts.metadata["saldo_refund"])
        if named is not None and named.payment_id == payment.id and named.stripe_id is None:
            refund = named
    return refund


def _settle(book: Book, payment: Payment, refund: Refund, status: str, failure_reason: str | None) -> None:
    """Move the refund to ``status`` and let the credits follow."""
    refund.status = status if status in _RANK else "pending"
    refund.failure_reason = failure_reason
    if _RANK[refund.status]:
        refund.settled_at = clock.now()
    if refund.status == "succeeded" and refund.credits_mode == "unspent":
        # What is waived stands beside the refund's own share, so it is worked out with the refund counted.
        db.session.flush()
        clawback.waive_spent(book, payment, refund)
    cause = clawback.Cause(refund.id, "payment_refunded", "refund_failed", refund.actor)
    clawback.follow_money(book, payment.id, cause)
    if payment.subscription_id is not None:
        refresh_paid_until(payment.subscription_id)


def _checked_amount(book: Book, payment: Payment, amount_minor: int | None, credits: str) -> int:
    if credits not in MODES:
        raise Invalid(f"credits: one of {', '.join(MODES)}")
    view = view_payment(payment)
    if view.disputed:
        raise Disputed()
    if amount_minor is None:
        amount_minor = view.refundable_minor
        if credits == "unspent" and view.granted:
            fair = payment.amount_minor * view.unspent // view.granted
            amount_minor = min(amount_minor, fair)
    if not 0 < amount_minor <= view.refundable_minor:
        raise RefundExceeds()
    return amount_minor


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
        amount = _checked_amount(book, payment, amount_minor, credits)
        refund = Refund(
            id=new_id("rf"),
            account_id=account_id,
            payment_id=payment.id,
            payment_intent_id=_payment_intent_for(payment, amount),
            origin="staff",
            amount_minor=amount,
            currency=payment.currency,
            credits_mode=credits,
            reason=reason,
            note=note,
            status="pending",
            actor=actor,
            form_token=form_token,
            created_at=clock.now(),
        )
        db.session.add(refund)
        db.session.flush()
        freezing.refresh_freezes(book, payment.id)
        if actor.startswith("staff:"):
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
                },
            )
        return refund.id


def _payment_intent_for(payment: Payment, amount: int) -> str:
    """The PaymentIntent that has this much left to give back."""
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


def _call_stripe(refund_id: str) -> RefundView:
    """Steps B and C: call Stripe outside any transaction, then settle on its answer."""
    refund = db.session.get_one(Refund, refund_id)
    if refund.stripe_id is not None or refund.status != "pending" or refund.payment_intent_id is None:
        return view_refund(refund)
    payment_intent, amount, reason = refund.payment_intent_id, refund.amount_minor, refund.reason
    db.session.rollback()
    try:
        facts = stripe_gateway.current().create_refund(
            payment_intent=payment_intent,
            amount=amount,
            reason=reason if reason != "other" else None,  # type: ignore[arg-type]
            metadata={"saldo_refund": refund_id},
            idempotency_key=f"refund-{refund_id}",
        )
    except (StripeUnavailable, StripeIdempotencyMismatch):
        # Whether it happened is unknown: it stays pending, and its credits frozen, until Stripe says.
        return read_refund(refund_id)
    except StripeRefused as refused:
        _settle_refused(refund_id, getattr(refused, "stripe_code", None) or "refused")
        raise
    record_refund(facts)
    return read_refund(refund_id)


def _settle_refused(refund_id: str, why: str) -> None:
    """Stripe will never do this refund: no money moved, so the credits are set free."""
    account_id = db.session.get_one(Refund, refund_id).account_id
    with transaction(), open_account(account_id) as book:
        refund = db.session.get_one(Refund, refund_id)
        if refund.status == "pending" and refund.stripe_id is None:
            _settle(book, payments.get(refund.payment_id), refund, "failed", why)
