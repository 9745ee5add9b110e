"""Coming back from Stripe's page: look at the session, and book it when no webhook has done so yet."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import structlog
from sqlalchemy import select

from billing import fulfilment, payments, stripe_gateway
from billing.db import db
from billing.errors import NotFound, StripeUnavailable
from billing.models import Checkout, Payment, Price
from billing.stripe_facts import CheckoutSessionFacts
from billing.stripe_gateway import StripeNotFound

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class CheckoutState:
    """How a checkout stands: `pending` until its money is in and booked. `credits` are micro-credits in all."""

    status: Literal["paid", "pending", "failed", "open", "expired"]
    kind: str
    item: str
    tier: str | None
    credits: int
    quantity: int
    description: str
    return_path: str | None


def look_at_return(account_id: int, session_id: str) -> CheckoutState:
    """The state of this account's Checkout Session, booked on the spot if it is paid and not booked yet.

    Nothing is believed but our own record and Stripe. Raises `NotFound` for another customer's session as for
    one that does not exist (F140). While Stripe does not answer, it says what is known here.
    """
    record = _own_record(account_id, session_id)
    status = record.status
    if status in ("failed", "expired"):
        return _state(record, "failed" if status == "failed" else "expired")
    if _payment_of_session(session_id) is not None:
        return _state(record, "paid")
    try:
        session = stripe_gateway.current().retrieve_checkout_session(session_id)
        is_booked = _book(session)
    except (StripeUnavailable, StripeNotFound) as error:
        _log.warning("landing_without_stripe", session=session_id, error=type(error).__name__)
        record = _own_record(account_id, session_id)
        return _state(record, "pending" if record.status == "complete" else "open")
    record = _own_record(account_id, session_id)
    if record.status == "failed":
        return _state(record, "failed")
    if session.status == "complete":
        return _state(record, "paid" if session.is_paid and is_booked else "pending")
    return _state(record, "expired" if session.status == "expired" else "open")


def _book(session: CheckoutSessionFacts) -> bool:
    """Book the session and, for a subscription, its first invoice; whether its credits are in the books now."""
    if session.status != "complete":
        return False
    word = fulfilment.prepare_session(session)()
    if session.mode == "payment":
        return word in ("granted", "duplicate")
    if session.invoice is None:
        return False
    if payments.payment_of_invoice(session.invoice) is None:
        invoice = stripe_gateway.current().retrieve_invoice(session.invoice)
        fulfilment.prepare_invoice(invoice)()
    return payments.payment_of_invoice(session.invoice) is not None


def _own_record(account_id: int, session_id: str) -> Checkout:
    record = db.session.scalar(
        select(Checkout).where(Checkout.session_id == session_id, Checkout.account_id == account_id)
    )
    if record is None:
        raise NotFound()
    return record


def _payment_of_session(session_id: str) -> Payment | None:
    return db.session.scalar(select(Payment).where(Payment.session_id == session_id))


def _state(record: Checkout, status: Literal["paid", "pending", "failed", "open", "expired"]) -> CheckoutState:
    price = db.session.get_one(Price, record.price_id)
    return CheckoutState(
        status=status,
        kind=record.kind,
        item=record.item,
        tier=record.tier,
        credits=record.credits * record.quantity,
        quantity=record.quantity,
        description=price.lookup_key,
        return_path=record.return_path,
    )
