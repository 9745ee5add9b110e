"""Checks of what we know of Stripe: inbox, subscriptions, whose is what (I23, I25–I27)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from sqlalchemy import and_, func, or_, select
from sqlalchemy.engine import Connection

from billing import clock
from billing.ledger.invariants.finding import Finding
from billing.ledger.invariants.streams import narrowed
from billing.models import (
    Checkout,
    CreditNote,
    Dispute,
    Grant,
    InvoiceLine,
    Payment,
    PaymentLot,
    Refund,
    ScheduledGrant,
    StripeCustomer,
    StripeEvent,
    Subscription,
)
from billing.paid_periods import LOST_STATUSES
from billing.stripe_facts import ENDED

LEASE = timedelta(hours=1)
"""How long an event may be in work; the worker takes it up again long before."""

EFFECTS: dict[str, Any] = {
    "checkout.session.": Checkout.session_id,
    "invoice.paid": Payment.invoice_id,
    "refund.": Refund.stripe_id,
    "charge.dispute.": Dispute.stripe_id,
    "customer.subscription.": Subscription.stripe_id,
}
"""Where the object of a handled event must have left its trace, by the beginning of the event's type."""


def handled_with_effect(connection: Connection, account_id: int | None) -> Iterator[Finding]:
    """I23: State DONE ⇔ effects committed in the same transaction."""
    for prefix, trace in EFFECTS.items():
        query = _events(account_id).where(
            StripeEvent.type.startswith(prefix, autoescape=True),
            StripeEvent.status == "done",
            ~select(trace).where(trace == StripeEvent.object_id).exists(),
        )
        for event in connection.execute(query):
            yield Finding("I23", event.account_id, f"event={event.id}", f"the effect of {event.type}", "none")
    # A paid pack has left more than its session: its payment.
    paid = select(Payment.session_id).where(Payment.session_id == StripeEvent.object_id).exists()
    query = (
        _events(account_id, StripeEvent.payload)
        .where(StripeEvent.type.startswith("checkout.session.", autoescape=True), StripeEvent.status == "done", ~paid)
        .execution_options(yield_per=100)
    )
    for event in connection.execute(query):
        session = json.loads(event.payload).get("data", {}).get("object", {})
        is_paid = session.get("payment_status") in ("paid", "no_payment_required")
        if session.get("mode") == "payment" and session.get("status") == "complete" and is_paid:
            yield Finding("I23", event.account_id, f"event={event.id}", "a payment", "none")


def nothing_left_in_work(connection: Connection, account_id: int | None) -> Iterator[Finding]:
    """I23: None in work past its lease; what has been handled says when."""
    abandoned = and_(StripeEvent.status == "received", StripeEvent.received_at < clock.wall_now() - LEASE)
    undated = and_(StripeEvent.status == "done", StripeEvent.handled_at.is_(None))
    for event in connection.execute(_events(account_id).where(or_(abandoned, undated))):
        yield Finding("I23", event.account_id, f"event={event.id}", "handled, and when", event.status)


def subscription_states(connection: Connection, account_id: int | None) -> Iterator[Finding]:
    """I25: What has ended stays ended, and says when; a period does not end before it starts."""
    has_ended = Subscription.status.in_(sorted(ENDED))
    query = narrowed(
        select(Subscription.account_id, Subscription.stripe_id, Subscription.status, Subscription.ended_at).where(
            or_(
                and_(has_ended, Subscription.ended_at.is_(None)),
                and_(~has_ended, Subscription.ended_at.is_not(None)),
                Subscription.current_period_end < Subscription.current_period_start,
            )
        ),
        Subscription.account_id,
        account_id,
    )
    for row in connection.execute(query):
        where = f"subscription={row.stripe_id}"
        yield Finding("I25", row.account_id, where, "ended, and when, or neither", f"{row.status}, {row.ended_at}")


def paid_until(connection: Connection, account_id: int | None) -> Iterator[Finding]:
    """I26: Access lasts as long as has been paid and not been given back in full or lost in a dispute (R13)."""
    given_back = (
        select(func.coalesce(func.sum(Refund.amount_minor), 0))
        .where(Refund.payment_id == Payment.id, Refund.status == "succeeded", Refund.credits_mode != "keep")
        .scalar_subquery()
    )
    credited = (
        select(func.coalesce(func.sum(CreditNote.amount_minor), 0))
        .where(CreditNote.payment_id == Payment.id, CreditNote.status == "issued")
        .scalar_subquery()
    )
    lost = select(Dispute).where(Dispute.payment_id == Payment.id, Dispute.status.in_(LOST_STATUSES)).exists()
    derived = (
        select(func.max(InvoiceLine.ends_at))
        .join(Payment, Payment.id == InvoiceLine.payment_id)
        .where(
            InvoiceLine.subscription_id == Subscription.stripe_id,
            InvoiceLine.worth >= 0,
            or_(Payment.amount_minor == 0, given_back + credited < Payment.amount_minor),
            ~lost,
        )
        .scalar_subquery()
    )
    query = narrowed(
        select(
            Subscription.account_id,
            Subscription.stripe_id,
            Subscription.paid_until,
            Subscription.paid_elsewhere_until,
            derived.label("derived"),
        ).where(Subscription.paid_until.is_distinct_from(derived)),
        Subscription.account_id,
        account_id,
    )
    for row in connection.execute(query):
        paid_until = max(filter(None, (row.derived, row.paid_elsewhere_until)), default=None)
        if paid_until != row.paid_until:
            where = f"subscription={row.stripe_id}"
            yield Finding("I26", row.account_id, where, f"paid until {paid_until}", row.paid_until)


def one_customer_each(connection: Connection, account_id: int | None) -> Iterator[Finding]:
    """I27: stripe_customer ↔ account is 1:1 per livemode, never reassigned."""
    count = func.count()
    shared = (
        select(StripeCustomer.stripe_id, func.max(StripeCustomer.account_id).label("account_id"), count.label("links"))
        .group_by(StripeCustomer.stripe_id)
        .having(count > 1)
    )
    if account_id is not None:
        mine = select(StripeCustomer.stripe_id).where(StripeCustomer.account_id == account_id)
        shared = shared.where(StripeCustomer.stripe_id.in_(mine))
    for row in connection.execute(shared):
        yield Finding("I27", row.account_id, f"stripe_customer={row.stripe_id}", "one account", row.links)
    twice = (
        select(StripeCustomer.account_id, StripeCustomer.livemode, count.label("links"))
        .where(StripeCustomer.deleted_at.is_(None))
        .group_by(StripeCustomer.account_id, StripeCustomer.livemode)
        .having(count > 1)
    )
    for row in connection.execute(narrowed(twice, StripeCustomer.account_id, account_id)):
        yield Finding("I27", row.account_id, f"livemode={row.livemode}", "one live Stripe customer", row.links)


def one_owner(connection: Connection, account_id: int | None) -> Iterator[Finding]:
    """I27: A payment with its grants, lots, refunds, disputes, lines and months has one and the same customer."""
    belongings: tuple[tuple[str, Any, Any], ...] = (
        ("grant", Grant, Grant.seq),
        ("lot", PaymentLot, PaymentLot.lot),
        ("refund", Refund, Refund.id),
        ("dispute", Dispute, Dispute.stripe_id),
        ("line", InvoiceLine, InvoiceLine.line_id),
        ("month", ScheduledGrant, ScheduledGrant.lot),
    )
    for name, model, key in belongings:
        query = (
            select(model.account_id, key.label("key"), Payment.account_id.label("owner"))
            .join(Payment, Payment.id == model.payment_id)
            .where(Payment.account_id != model.account_id)
        )
        for row in connection.execute(narrowed(query, model.account_id, account_id)):
            yield Finding("I27", row.account_id, f"{name}={row.key}", f"of account {row.owner}", row.account_id)
    for name, column, of_payment in (
        ("session", Checkout.session_id, Payment.session_id),
        ("subscription", Subscription.stripe_id, Payment.subscription_id),
    ):
        owner = column.class_.account_id
        query = (
            select(owner.label("account_id"), column.label("key"), Payment.account_id.label("owner"))
            .join(Payment, of_payment == column)
            .where(Payment.account_id != owner)
        )
        for row in connection.execute(narrowed(query, owner, account_id)):
            yield Finding("I27", row.account_id, f"{name}={row.key}", f"of account {row.owner}", row.account_id)


def _events(account_id: int | None, *more: Any) -> Any:
    query = select(StripeEvent.id, StripeEvent.type, StripeEvent.status, StripeEvent.account_id, *more)
    return narrowed(query, StripeEvent.account_id, account_id)
