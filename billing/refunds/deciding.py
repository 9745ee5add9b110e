"""The second person: a refund above a limit is approved, or turned down, by somebody who did not ask for it."""

from __future__ import annotations

from sqlalchemy import select

from billing import audit_log, clock, freezing, payments
from billing.accounts import open_account
from billing.db import db, transaction
from billing.errors import Conflict, NotFound, NotPermitted
from billing.models import Refund
from billing.payments import RefundView, view_refund
from billing.refunds.asking import payment_intent_for
from billing.refunds.previewing import checked_amount
from billing.refunds.settling import call_stripe


def waiting_refunds(limit: int = 100) -> list[RefundView]:
    """Refunds that wait for a second person, the oldest first."""
    rows = db.session.scalars(
        select(Refund).where(Refund.status == "needs_approval").order_by(Refund.created_at, Refund.id).limit(limit)
    )
    return [view_refund(refund) for refund in rows.all()]


def approve_refund(refund_id: str, *, actor: str) -> RefundView:
    """Let a refund go to Stripe that waits for it; approved twice by the same person it still goes once.

    All is checked again as it is now. Raises ``NotFound``, ``NotPermitted`` for whoever asked for it, ``Conflict``
    when somebody has decided otherwise, ``RefundExceeds`` and ``Disputed`` when it cannot go any more (it waits on),
    and what ``request_refund`` raises of Stripe's.
    """
    account_id = _account_of(refund_id)
    with transaction(), open_account(account_id) as book:
        refund = db.session.get_one(Refund, refund_id)
        if refund.actor == actor:
            raise NotPermitted("Somebody else has to approve what you have asked for.")
        if refund.decided_by != actor or refund.status == "rejected":
            _check_undecided(refund)
            payment = payments.get(refund.payment_id)
            amount = checked_amount(payment, refund.amount_minor, refund.credits_mode)
            refund.payment_intent_id = payment_intent_for(payment, amount)
            refund.status = "pending"
            _decide(refund, actor, "refund.approve")
            freezing.refresh_freezes(book, payment.id)
    return call_stripe(refund_id)


def reject_refund(refund_id: str, *, actor: str) -> RefundView:
    """Turn a waiting refund down, or, by whoever asked for it, take it back: its credits are set free.

    Raises ``NotFound``, and ``Conflict`` when it has been decided otherwise.
    """
    account_id = _account_of(refund_id)
    with transaction(), open_account(account_id) as book:
        refund = db.session.get_one(Refund, refund_id)
        if refund.decided_by != actor or refund.status != "rejected":
            _check_undecided(refund)
            refund.status = "rejected"
            refund.settled_at = clock.now()
            _decide(refund, actor, "refund.reject")
            freezing.refresh_freezes(book, refund.payment_id)
        return view_refund(refund)


def _account_of(refund_id: str) -> int:
    refund = db.session.get(Refund, refund_id)
    if refund is None:
        raise NotFound()
    return refund.account_id


def _check_undecided(refund: Refund) -> None:
    if refund.status != "needs_approval":
        raise Conflict("Somebody has decided about this refund already.")


def _decide(refund: Refund, actor: str, action: str) -> None:
    refund.decided_by = actor
    refund.decided_at = clock.now()
    db.session.flush()
    audit_log.record(
        action,
        actor=actor,
        account_id=refund.account_id,
        subject=refund.id,
        detail={"amount_minor": refund.amount_minor, "currency": refund.currency, "asked_by": refund.actor},
    )
