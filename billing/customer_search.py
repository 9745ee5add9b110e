"""Finding a customer by whatever somebody who helps them has at hand."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, or_, select

from billing import stripe_gateway
from billing.db import db
from billing.errors import StripeUnavailable
from billing.models import (
    Checkout,
    Customer,
    Dispute,
    Payment,
    PaymentIntentLink,
    Refund,
    StripeCustomer,
    Subscription,
)
from billing.stripe_gateway import StripeNotFound

_CHARGE_ID = re.compile(r"(?:ch|py)_[A-Za-z0-9]{1,250}")


@dataclass(frozen=True, slots=True)
class CustomerHit:
    """A customer that a search found, and by what."""

    account_id: int
    public_id: str
    email: str | None
    name: str | None
    why: str
    created_at: datetime


MAX_HITS = 50


def search_customers(query: str) -> list[CustomerHit]:
    """Customers by e-mail, name, our id of them or of a payment or refund, or any Stripe id of theirs."""
    text = query.strip().replace("\x00", "")
    if not text:
        return []
    owner = _owner_of(text) or _owner_of_charge(text)
    if owner is not None:
        return [_hit(db.session.get_one(Customer, owner), text)]
    pattern = "%" + text.lower().replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") + "%"
    rows = db.session.scalars(
        select(Customer)
        .where(
            or_(
                Customer.public_id == text,
                func.lower(Customer.email).like(pattern, escape="\\"),
                func.lower(Customer.name).like(pattern, escape="\\"),
            )
        )
        .order_by(Customer.account_id.desc())
        .limit(MAX_HITS)
    )
    return [_hit(customer, "email" if text.lower() in (customer.email or "") else "name") for customer in rows]


def _owner_of(identifier: str) -> int | None:
    """The account that an id of ours or of Stripe's belongs to."""
    columns = (
        (StripeCustomer.stripe_id, StripeCustomer.account_id),
        (Subscription.stripe_id, Subscription.account_id),
        (Checkout.session_id, Checkout.account_id),
        (Payment.id, Payment.account_id),
        (Payment.invoice_id, Payment.account_id),
        (Refund.id, Refund.account_id),
        (Refund.stripe_id, Refund.account_id),
        (Dispute.stripe_id, Dispute.account_id),
    )
    for column, owner in columns:
        found = db.session.scalar(select(owner).where(column == identifier))
        if found is not None:
            return found
    return db.session.scalar(
        select(Payment.account_id)
        .join(PaymentIntentLink, PaymentIntentLink.payment_id == Payment.id)
        .where(
            or_(
                PaymentIntentLink.payment_intent_id == identifier,
                PaymentIntentLink.charge_id == identifier,
            )
        )
    )


def _owner_of_charge(identifier: str) -> int | None:
    """The account that a charge belongs to; sessions and invoices name only its PaymentIntent, so Stripe is asked."""
    if not _CHARGE_ID.fullmatch(identifier):
        return None
    try:
        charge = stripe_gateway.current().retrieve_charge(identifier)
    except (StripeNotFound, StripeUnavailable):
        return None
    return _owner_of(charge.payment_intent) if charge.payment_intent else None


def _hit(customer: Customer, why: str) -> CustomerHit:
    return CustomerHit(
        account_id=customer.account_id,
        public_id=customer.public_id,
        email=customer.email,
        name=customer.name,
        why=why,
        created_at=customer.created_at,
    )
