"""Steps B and C of a refund: Stripe is called, and what it says is booked, whoever asked for the refund."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import select

from billing import audit_log, clawback, clock, payments, stripe_gateway
from billing.accounts import open_account
from billing.db import db, transaction
from billing.errors import NotFound, StripeRefused, StripeUnavailable
from billing.ids import new_id
from billing.ledger.book import Book
from billing.models import Payment, Refund
from billing.payments import RefundView, view_refund
from billing.refunds.reading import read_refund
from billing.stripe_facts import RefundFacts
from billing.stripe_gateway import StripeIdempotencyMismatch

KEY_LIFETIME = timedelta(hours=23)
"""Stripe forgets idempotency keys after a day: past this, look the refund up before calling again."""

_RANK = {"pending": 0, "requires_action": 0, "succeeded": 1, "failed": 2, "canceled": 2}


def call_stripe(refund_id: str) -> RefundView:
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


def resume_refund(refund_id: str) -> RefundView:
    """Go on with a refund whose end is not known: ask Stripe again, with the same key, or look it up."""
    refund = db.session.get(Refund, refund_id)
    if refund is None:
        raise NotFound()
    if refund.status not in ("pending", "requires_action"):
        return view_refund(refund)
    gateway = stripe_gateway.current()
    stripe_id, payment_intent_id = refund.stripe_id, refund.payment_intent_id
    asked_at = refund.decided_at or refund.created_at
    db.session.rollback()
    if stripe_id is not None:
        record_refund(gateway.retrieve_refund(stripe_id))
        return read_refund(refund_id)
    if clock.wall_now() - asked_at > KEY_LIFETIME or clock.now() - asked_at > KEY_LIFETIME:
        for facts in gateway.list_refunds(payment_intent=payment_intent_id):
            if facts.metadata.get("saldo_refund") == refund_id:
                record_refund(facts)
                return read_refund(refund_id)
    return call_stripe(refund_id)


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


def told_of(stripe_id: str) -> str | None:
    """What our record of a refund says, to be remembered before asking Stripe; None if there is none."""
    refund = db.session.scalar(select(Refund).where(Refund.stripe_id == stripe_id))
    return None if refund is None else f"{refund.status}, {refund.amount_minor} {refund.currency}"


def told_by(facts: RefundFacts) -> str:
    """The same of what Stripe says."""
    return f"{_known(facts.status)}, {facts.amount} {facts.currency}"


def correct_refund(facts: RefundFacts, before: str) -> str:
    """Make our record of a refund say what Stripe says now, also where ``record_refund`` takes that for an older word.

    ``before`` is what ``told_of`` said before Stripe was asked: if somebody wrote meanwhile, nothing is done. Answers
    ``corrected: …`` or ``duplicate``.
    """
    after = told_by(facts)
    refund = db.session.scalars(select(Refund).where(Refund.stripe_id == facts.id)).one()
    refund_id, account_id = refund.id, refund.account_id
    with transaction(), open_account(account_id) as book:
        if told_of(facts.id) != before or before == after:
            return "duplicate"
        refund = db.session.get_one(Refund, refund_id)
        refund.amount_minor, refund.currency = facts.amount, facts.currency
        refund.settled_at = refund.waived = None
        _settle(book, payments.get(refund.payment_id), refund, facts.status, facts.failure_reason)
        audit_log.record(
            "refund.correct",
            actor="stripe",
            account_id=account_id,
            subject=refund_id,
            detail={"before": before, "after": after},
        )
        return f"corrected: {before} is {after}"


def _known(status: str) -> str:
    """A status of Stripe's; one that we do not know is not an end."""
    return status if status in _RANK else "pending"


def _refund_row(payment: Payment, facts: RefundFacts) -> Refund | None:
    """Our record of this Stripe refund: by its id, or by ours that we wrote on it."""
    refund = db.session.scalar(select(Refund).where(Refund.stripe_id == facts.id))
    if refund is None and "saldo_refund" in facts.metadata:
        named = db.session.get(Refund, facts.metadata["saldo_refund"])
        is_asked = named is not None and named.status not in ("needs_approval", "rejected")
        if named is not None and is_asked and named.payment_id == payment.id and named.stripe_id is None:
            refund = named
    return refund


def _settle(book: Book, payment: Payment, refund: Refund, status: str, failure_reason: str | None) -> None:
    """Move the refund to ``status`` and let the credits follow."""
    refund.status = _known(status)
    refund.failure_reason = failure_reason
    if _RANK[refund.status]:
        refund.settled_at = clock.now()
    if refund.status == "succeeded" and refund.credits_mode == "unspent":
        # What is waived stands beside the refund's own share, so it is worked out with the refund counted.
        db.session.flush()
        clawback.waive_spent(book, payment, refund)
    cause = clawback.Cause(refund.id, "payment_refunded", "refund_failed", refund.actor)
    clawback.follow_money(book, payment.id, cause)


def _settle_refused(refund_id: str, why: str) -> None:
    """Stripe will never do this refund: no money moved, so the credits are set free."""
    account_id = db.session.get_one(Refund, refund_id).account_id
    with transaction(), open_account(account_id) as book:
        refund = db.session.get_one(Refund, refund_id)
        if refund.status == "pending" and refund.stripe_id is None:
            _settle(book, payments.get(refund.payment_id), refund, "failed", why)
