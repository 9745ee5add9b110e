"""Starting a checkout: our own record first, then Stripe's session; the same one again for the same wish.

The record's id is the session's idempotency key, so that a lost answer, a double click or a crash never makes
a second session. What is paid in it is booked elsewhere, by webhook or landing page.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from billing import stripe_customers, stripe_gateway
from billing.checkout import records
from billing.checkout.records import Reserved
from billing.checkout.wishes import Wish, wish_influencer, wish_pack, wish_plan
from billing.db import db
from billing.errors import AlreadySubscribed, Conflict, StripeUnavailable
from billing.models import Customer
from billing.stripe_facts import CheckoutSessionFacts
from billing.stripe_gateway import (
    SessionOrder,
    StripeIdempotencyMismatch,
    StripeNotFound,
    StripeRequestRefused,
)

__all__ = [
    "StartedCheckout",
    "start_influencer_checkout",
    "start_pack_checkout",
    "start_plan_checkout",
]

MAX_TRIES = 3


@dataclass(frozen=True, slots=True)
class StartedCheckout:
    """An open Checkout Session (Stripe's id): where to send the customer, and until when."""

    id: str
    url: str
    expires_at: datetime


def start_plan_checkout(account_id: int, plan: str, interval: str, return_path: str | None = None) -> StartedCheckout:
    """A session that subscribes to a plan; open ones for other plans are closed.

    Raises `NotFound` for what is not sold, `AlreadySubscribed` while any plan has not ended (both before
    Stripe is called), `PriceNotSynced`, `InvalidReturnPath`, `Conflict` when overtaken, `StripeUnavailable`.
    """
    return _start(wish_plan(account_id, plan, interval, return_path))


def start_pack_checkout(
    account_id: int, pack: str, quantity: int = 1, return_path: str | None = None
) -> StartedCheckout:
    """A session that buys `quantity` of a pack; raises like `start_plan_checkout`, and `InvalidAmount`."""
    return _start(wish_pack(account_id, pack, quantity, return_path))


def start_influencer_checkout(
    account_id: int, influencer: str, tier: str, return_path: str | None = None
) -> StartedCheckout:
    """A session that subscribes to an influencer, each a subscription of its own.

    Raises like `start_plan_checkout`, and `InfluencerUnavailable` for one who is suspended or retired.
    """
    return _start(wish_influencer(account_id, influencer, tier, return_path))


def _start(wish: Wish) -> StartedCheckout:
    passed_over: frozenset[str] = frozenset()
    tries = 0
    while tries < MAX_TRIES:
        reserved = records.reserve(wish, passed_over)
        for record_id, session_id in reserved.rivals:
            _close_rival(record_id, session_id)
        session = _look_up(reserved) if reserved.session_id else _create(wish, reserved)
        if session is None:
            tries += 1
        elif session.status == "complete":
            # Paid, and the webhook is on its way.
            if wish.mode == "subscription":
                raise AlreadySubscribed()
            # No try that failed: however many packs were paid meanwhile, each is passed over once.
            passed_over |= {reserved.record_id}
        elif session.url is None:
            raise StripeUnavailable()
        elif records.keep(reserved.record_id, session):
            return StartedCheckout(session.id, session.url, session.expires_at)
        else:
            _close_rival(reserved.record_id, session.id)
            raise Conflict("Another checkout was started meanwhile.")
    raise Conflict()


def _look_up(reserved: Reserved) -> CheckoutSessionFacts | None:
    """The session we already have, if it is open or paid; None when it has ended."""
    assert reserved.session_id is not None
    try:
        session = stripe_gateway.current().retrieve_checkout_session(reserved.session_id)
    except StripeNotFound:
        session = None
    if session is None or session.status == "expired":
        records.close(reserved.record_id, "expired")
        return None
    return session


def _create(wish: Wish, reserved: Reserved) -> CheckoutSessionFacts | None:
    """The session for a record that has none yet; None when the record cannot be used any more."""
    customer = db.session.get_one(Customer, wish.account_id)
    public_id, locale = customer.public_id, _locale(customer.locale)

    def create(stripe_customer: str) -> CheckoutSessionFacts:
        order = SessionOrder(
            mode=wish.mode,
            customer=stripe_customer,
            client_reference_id=public_id,
            price=wish.price_id,
            quantity=wish.quantity,
            metadata=wish.metadata(public_id),
            record_id=reserved.record_id,
            success_path="/checkout/return?session_id={CHECKOUT_SESSION_ID}",
            cancel_path=f"{wish.cancel_path}?checkout=cancelled",
            locale=locale,
            # A trial is for getting to know something: once.
            trial_days=wish.sellable.trial_days if reserved.is_first else 0,
        )
        return stripe_gateway.current().create_checkout_session(order)

    try:
        return stripe_customers.with_stripe_customer(wish.account_id, create)
    except StripeIdempotencyMismatch:
        # Language, trial or Stripe customer changed between two tries. The first try's session, if there is
        # one, was shown to nobody: the next record makes another.
        records.close(reserved.record_id, "failed")
        return None


def _close_rival(record_id: str, session_id: str) -> None:
    """Expire an open session that must not be paid beside the new one; `AlreadySubscribed` if it has been."""
    gateway = stripe_gateway.current()
    try:
        gateway.expire_checkout_session(session_id)
    except StripeNotFound:
        pass
    except StripeRequestRefused:
        if gateway.retrieve_checkout_session(session_id).status == "complete":
            raise AlreadySubscribed() from None
    records.close(record_id, "expired")


def _locale(locale: str | None) -> Literal["en", "es", "auto"]:
    return stripe_customers.stripe_locale(locale) or "auto"
