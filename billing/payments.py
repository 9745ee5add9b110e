"""Payments: what came in, what of it went back, and what it granted."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import func, select

from billing import claims
from billing.db import connection, db, insert_if_new
from billing.errors import NotFound
from billing.ids import ledger_id, new_id
from billing.models import Dispute, FraudWarning, Grant, Payment, PaymentIntentLink, PaymentLot, Refund, ScheduledGrant
from billing.paid_periods import LOST_STATUSES, OPEN_STATUSES


@dataclass(frozen=True, slots=True)
class NewPayment:
    """A payment about to be booked; ``amount_minor`` is R7's P, the total charged."""

    kind: str
    description: str
    item: str
    tier: str | None
    amount_minor: int
    currency: str
    paid_at: datetime
    session_id: str | None = None
    invoice_id: str | None = None
    subscription_id: str | None = None


def book_payment(account_id: int, new: NewPayment) -> Payment:
    """The payment row for a session or invoice, made on first sight; the account must be locked."""
    known = db.session.scalar(
        select(Payment).where(
            Payment.session_id == new.session_id if new.session_id is not None else Payment.invoice_id == new.invoice_id
        )
    )
    if known is not None:
        return known
    payment = Payment(
        id=new_id("pay"),
        account_id=account_id,
        kind=new.kind,
        description=new.description,
        item=new.item,
        tier=new.tier,
        amount_minor=new.amount_minor,
        currency=new.currency,
        session_id=new.session_id,
        invoice_id=new.invoice_id,
        subscription_id=new.subscription_id,
        paid_at=new.paid_at,
    )
    db.session.add(payment)
    db.session.flush()
    return payment


def add_lot(payment: Payment, lot: str, granted: int) -> None:
    """Note that the payment granted ``granted`` micro-credits by this line: R7's G."""
    db.session.add(PaymentLot(account_id=payment.account_id, payment_id=payment.id, lot=lot, granted=granted, target=0))
    db.session.flush()


def link_payment_intent(
    payment: Payment, payment_intent_id: str, amount_minor: int, charge_id: str | None = None
) -> None:
    """Remember which PaymentIntent (and charge) paid, so that refunds and disputes find their payment."""
    # Two events, or one beside reconcile, may link the same at once, and not each holds the account's lock.
    db.session.execute(
        insert_if_new(PaymentIntentLink).values(
            payment_intent_id=payment_intent_id,
            payment_id=payment.id,
            charge_id=charge_id,
            amount_minor=amount_minor,
        )
    )
    link = db.session.get_one(PaymentIntentLink, payment_intent_id)
    if charge_id is not None and link.charge_id is None:
        link.charge_id = charge_id
        db.session.flush()


def payment_of(payment_intent_id: str | None, charge_id: str | None = None) -> Payment | None:
    """The payment that a PaymentIntent or charge paid, if it has been booked."""
    query = select(Payment).join(PaymentIntentLink, PaymentIntentLink.payment_id == Payment.id)
    if payment_intent_id is not None:
        return db.session.scalar(query.where(PaymentIntentLink.payment_intent_id == payment_intent_id))
    if charge_id is not None:
        return db.session.scalar(query.where(PaymentIntentLink.charge_id == charge_id))
    return None


def payment_of_invoice(invoice_id: str) -> Payment | None:
    """The payment that paid a Stripe invoice, if it has been booked."""
    return db.session.scalar(select(Payment).where(Payment.invoice_id == invoice_id))


def payment_of_session(session_id: str) -> Payment | None:
    """The payment of a pack's Checkout Session, if it has been booked."""
    return db.session.scalar(select(Payment).where(Payment.session_id == session_id))


def get(payment_id: str) -> Payment:
    """A payment by our id; raises ``NotFound``."""
    payment = db.session.get(Payment, payment_id)
    if payment is None:
        raise NotFound()
    return payment


@dataclass(frozen=True, slots=True)
class RefundView:
    """One refund; money in minor units."""

    id: str
    payment_id: str
    status: str
    amount_minor: int
    currency: str
    credits_mode: str
    reason: str | None
    note: str | None
    actor: str
    stripe_id: str | None
    failure_reason: str | None
    created_at: datetime
    settled_at: datetime | None
    decided_by: str | None
    decided_at: datetime | None
    credits_taken: int
    debt_created: int


@dataclass(frozen=True, slots=True)
class PaymentView:
    """One payment with its money (minor units) and credits (micro-credits)."""

    id: str
    kind: str
    description: str
    item: str
    tier: str | None
    amount_minor: int
    refunded_minor: int
    credited_minor: int
    pending_minor: int
    refundable_minor: int
    fair_minor: int
    """The most that may go back without a debt: what credits not spent yet stand for."""
    disputed: bool
    dispute_status: str | None
    fraud_warning: str | None
    """What the card's network suspects, while a refund could still avoid a dispute."""
    currency: str
    status: str
    granted: int
    spent: int
    unspent: int
    held: int
    taken_back: int
    grants: list[str]
    stripe: dict[str, str]
    paid_at: datetime
    refunds: list[RefundView] = field(default_factory=list)


def list_payments(account_id: int) -> list[PaymentView]:
    """The account's payments, newest first."""
    rows = db.session.scalars(
        select(Payment).where(Payment.account_id == account_id).order_by(Payment.paid_at.desc(), Payment.id.desc())
    )
    return [view_payment(payment) for payment in rows.all()]


def view_payment(payment: Payment) -> PaymentView:
    """One payment with what of its money and credits is left."""
    refunds = [
        view_refund(refund)
        for refund in db.session.scalars(
            select(Refund).where(Refund.payment_id == payment.id).order_by(Refund.created_at, Refund.id)
        )
    ]
    disputes = db.session.scalars(
        select(Dispute).where(Dispute.payment_id == payment.id).order_by(Dispute.opened_at)
    ).all()
    refunded = sum(r.amount_minor for r in refunds if r.status == "succeeded")
    pending = sum(r.amount_minor for r in refunds if r.status in ("pending", "requires_action"))
    disputed = any(d.status in OPEN_STATUSES for d in disputes)
    lost = sum(d.amount_minor for d in disputes if d.status in LOST_STATUSES)
    credited = claims.credited_minor(payment.id)
    given_back = refunded + credited + pending + lost
    refundable = max(0, min(payment.amount_minor, _charged_minor(payment)) - given_back) if not disputed else 0
    credits = _credits(payment)
    return PaymentView(
        id=payment.id,
        kind=payment.kind,
        description=payment.description,
        item=payment.item,
        tier=payment.tier,
        amount_minor=payment.amount_minor,
        refunded_minor=refunded,
        credited_minor=credited,
        pending_minor=pending,
        refundable_minor=refundable,
        fair_minor=min(refundable, _fair_minor(payment, credits.unspent, pending)),
        disputed=disputed,
        dispute_status=disputes[-1].status if disputes else None,
        fraud_warning=_fraud_warning(payment.id),
        currency=payment.currency,
        status=_status(payment.amount_minor, refunded + credited, pending, lost, disputed),
        stripe=stripe_ids(payment),
        paid_at=payment.paid_at,
        refunds=refunds,
        granted=credits.granted,
        spent=credits.spent,
        unspent=credits.unspent,
        held=credits.held,
        taken_back=credits.taken_back,
        grants=credits.grants,
    )


def _fair_minor(payment: Payment, unspent: int, pending: int) -> int:
    """The money that credits not spent yet stand for, months still to come among them."""
    granted = connection().scalar(select(func.sum(PaymentLot.granted)).where(PaymentLot.payment_id == payment.id))
    if not granted:
        return payment.amount_minor
    to_come = connection().scalar(
        select(func.sum(ScheduledGrant.credits - ScheduledGrant.cancelled)).where(
            ScheduledGrant.account_id == payment.account_id,
            ScheduledGrant.payment_id == payment.id,
            ScheduledGrant.status == "waiting",
        )
    )
    return max(0, payment.amount_minor * (unspent + int(to_come or 0)) // int(granted) - pending)


def _fraud_warning(payment_id: str) -> str | None:
    return connection().scalar(
        select(FraudWarning.fraud_type)
        .where(FraudWarning.payment_id == payment_id, FraudWarning.actionable)
        .order_by(FraudWarning.created_at.desc())
        .limit(1)
    )


def _charged_minor(payment: Payment) -> int:
    """What was charged, as far as known: what the customer's balance paid of an invoice cannot go back to a card."""
    charged = db.session.scalar(
        select(func.sum(PaymentIntentLink.amount_minor)).where(PaymentIntentLink.payment_id == payment.id)
    )
    return payment.amount_minor if charged is None else int(charged)


def view_refund(refund: Refund) -> RefundView:
    """One refund as people see it."""
    taken, debt = claims.taken_by(refund.account_id, refund.id)
    return RefundView(
        id=refund.id,
        payment_id=refund.payment_id,
        status=refund.status,
        amount_minor=refund.amount_minor,
        currency=refund.currency,
        credits_mode=refund.credits_mode,
        reason=refund.reason,
        note=refund.note,
        actor=refund.actor,
        stripe_id=refund.stripe_id,
        failure_reason=refund.failure_reason,
        created_at=refund.created_at,
        settled_at=refund.settled_at,
        decided_by=refund.decided_by,
        decided_at=refund.decided_at,
        credits_taken=taken,
        debt_created=debt,
    )


def _status(amount: int, refunded: int, pending: int, lost: int, disputed: bool) -> str:
    if disputed:
        return "disputed"
    if lost:
        return "dispute_lost"
    if pending:
        return "refund_pending"
    if refunded and refunded >= amount:
        return "refunded"
    return "partially_refunded" if refunded else "paid"


@dataclass(frozen=True, slots=True)
class _Credits:
    granted: int
    spent: int
    unspent: int
    held: int
    taken_back: int
    grants: list[str]


def _credits(payment: Payment) -> _Credits:
    grants = (
        connection()
        .execute(
            select(Grant.seq, Grant.granted, Grant.remaining, Grant.held)
            .where(Grant.account_id == payment.account_id, Grant.payment_id == payment.id)
            .order_by(Grant.seq)
        )
        .all()
    )
    seqs = [grant.seq for grant in grants]
    return _Credits(
        granted=sum(grant.granted for grant in grants),
        spent=claims.used_by(payment.account_id, seqs, claims.SPENT),
        unspent=sum(grant.remaining - grant.held for grant in grants),
        held=sum(grant.held for grant in grants),
        taken_back=claims.taken_back_of(payment.account_id, seqs),
        grants=[ledger_id("gr", payment.account_id, grant.seq) for grant in grants],
    )


def stripe_ids(payment: Payment) -> dict[str, str]:
    """Stripe's ids of what paid, as far as known, by Stripe's nouns; of several PaymentIntents the first."""
    ids = {
        "checkout_session": payment.session_id,
        "invoice": payment.invoice_id,
        "subscription": payment.subscription_id,
    }
    link = (
        connection()
        .execute(
            select(PaymentIntentLink.payment_intent_id, PaymentIntentLink.charge_id)
            .where(PaymentIntentLink.payment_id == payment.id)
            .order_by(PaymentIntentLink.payment_intent_id)
        )
        .first()
    )
    if link is not None:
        ids |= {"payment_intent": link.payment_intent_id, "charge": link.charge_id}
    return {name: value for name, value in ids.items() if value}
