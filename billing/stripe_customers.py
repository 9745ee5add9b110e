"""Account ↔ Stripe customer: one live link per account and mode, made before the first checkout (I27).

A link is never found by e-mail and never reassigned. A customer deleted at Stripe keeps its row, so that late
events still find their account; the next checkout makes a new one (F112).
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import datetime
from typing import Literal, TypeVar

from sqlalchemy import func, select

from billing import clock, stripe_gateway
from billing.db import db, transaction
from billing.errors import NotFound
from billing.models import Customer, StripeCustomer
from billing.stripe_gateway import StripeNotFound, StripeRequestRefused

T = TypeVar("T")

_STRIPE_LOCALES: dict[str, Literal["en", "es"]] = {"en": "en", "es": "es"}


def account_of(stripe_customer_id: str | None) -> int | None:
    """The account a Stripe customer belongs to, also a deleted one's; None for somebody else's."""
    if stripe_customer_id is None:
        return None
    return db.session.scalar(select(StripeCustomer.account_id).where(StripeCustomer.stripe_id == stripe_customer_id))


def imported_at(stripe_customer_id: str | None) -> datetime | None:
    """When the Stripe customer was brought along from an earlier system, which booked what was paid before."""
    return db.session.scalar(select(StripeCustomer.imported_at).where(StripeCustomer.stripe_id == stripe_customer_id))


def live_link(account_id: int) -> str | None:
    """The Stripe customer of an account in the mode of our key, if it has one."""
    return db.session.scalar(
        select(StripeCustomer.stripe_id).where(
            StripeCustomer.account_id == account_id,
            StripeCustomer.livemode == stripe_gateway.current().livemode,
            StripeCustomer.deleted_at.is_(None),
        )
    )


def ensure_stripe_customer(account_id: int) -> str:
    """The account's Stripe customer, made if it has none; simultaneous calls end with the same one.

    Calls Stripe, so no transaction may be open. Raises `NotFound` without such an account.
    """
    linked = live_link(account_id)
    if linked is not None:
        return linked
    customer = db.session.get(Customer, account_id)
    if customer is None:
        raise NotFound()
    gateway = stripe_gateway.current()
    made = gateway.create_customer(
        email=customer.email,
        name=customer.name,
        locale=stripe_locale(customer.locale),
        metadata={"saldo_customer": customer.public_id},
        idempotency_key=_creation_key(customer, gateway.livemode),
    )
    with transaction():
        # Whoever holds the customer's row links first; the others find that link and use it.
        db.session.execute(select(Customer.account_id).where(Customer.account_id == account_id).with_for_update())
        linked = live_link(account_id)
        if linked is None:
            linked = made.id
            db.session.add(
                StripeCustomer(
                    stripe_id=made.id,
                    account_id=account_id,
                    livemode=gateway.livemode,
                    created_at=clock.now(),
                )
            )
    return linked


def with_stripe_customer(account_id: int, call: Callable[[str], T]) -> T:
    """What `call` returns for the account's Stripe customer; a deleted one is replaced first (F112)."""
    stripe_id = ensure_stripe_customer(account_id)
    try:
        return call(stripe_id)
    except StripeRequestRefused as refusal:
        if refusal.param != "customer" or not _is_gone(stripe_id):
            raise
    mark_deleted(stripe_id)
    return call(ensure_stripe_customer(account_id))


def mark_deleted(stripe_customer_id: str) -> bool:
    """Note that the customer is gone at Stripe; credits stay. False when it is not ours."""
    with transaction():
        link = db.session.get(StripeCustomer, stripe_customer_id, with_for_update=True)
        if link is None:
            return False
        if link.deleted_at is None:
            link.deleted_at = clock.now()
        return True


def stripe_locale(locale: str | None) -> Literal["en", "es"] | None:
    """The language Stripe's pages and mails shall use, where it is one that we speak ourselves."""
    return _STRIPE_LOCALES.get((locale or "").replace("_", "-").split("-")[0].lower())


def _is_gone(stripe_customer_id: str) -> bool:
    try:
        return stripe_gateway.current().retrieve_customer(stripe_customer_id).deleted
    except StripeNotFound:
        return True


def _creation_key(customer: Customer, livemode: bool) -> str:
    """The same for every try to make the same customer (F176); keys must not hold personal data.

    What is sent is part of it: a profile edited between two tries may cost an unused customer at Stripe, and
    never an account that cannot buy.
    """
    # Only those that are gone: one linked this very moment is the one that this try is about.
    earlier = db.session.scalar(
        select(func.count())
        .select_from(StripeCustomer)
        .where(
            StripeCustomer.account_id == customer.account_id,
            StripeCustomer.livemode == livemode,
            StripeCustomer.deleted_at.is_not(None),
        )
    )
    words = (customer.public_id, customer.created_at, earlier, customer.email, customer.name, customer.locale)
    return "customer-" + hashlib.sha256(repr(words).encode()).hexdigest()[:40]
