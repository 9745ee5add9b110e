"""What our books know of Stripe's things: whether we know one, and which of ours Stripe does not (I17)."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from sqlalchemy import Select, select

from billing import clock, stripe_gateway
from billing.db import connection
from billing.models import CreditNote, Customer, Dispute, Payment, Refund, Subscription
from billing.stripe_gateway import StripeGateway, StripeNotFound

Kind = Literal["subscription", "checkout.session", "invoice", "refund", "credit_note", "dispute"]

GRACE = timedelta(minutes=15)
"""What is younger may still be on its way, from either side."""

_Retrieve = Callable[[StripeGateway, str], object]


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a kind of Stripe's things stands in our tables, since when, and how Stripe is asked for one."""

    stripe_id: Any
    at: Any
    retrieve: _Retrieve | None


_PLACES: dict[Kind, _Place] = {
    "subscription": _Place(Subscription.stripe_id, Subscription.created_at, StripeGateway.retrieve_subscription),
    "checkout.session": _Place(Payment.session_id, Payment.paid_at, StripeGateway.retrieve_checkout_session),
    "invoice": _Place(Payment.invoice_id, Payment.paid_at, StripeGateway.retrieve_invoice),
    "refund": _Place(Refund.stripe_id, Refund.created_at, StripeGateway.retrieve_refund),
    # Its time is Stripe's own, so a list since then has it, if Stripe has.
    "credit_note": _Place(CreditNote.stripe_id, CreditNote.created_at, None),
    "dispute": _Place(Dispute.stripe_id, Dispute.opened_at, StripeGateway.retrieve_dispute),
}


@dataclass(frozen=True, slots=True)
class Ours:
    """One thing that our books have."""

    stripe_id: str
    customer: str
    at: datetime


def is_known(kind: Kind, stripe_id: str) -> bool:
    """Whether our books have it."""
    column = _PLACES[kind].stripe_id
    return connection().scalar(select(column).where(column == stripe_id)) is not None


def find(kind: Kind, listed: Collection[str], since: datetime) -> list[Ours]:
    """What of this kind our books have since then and Stripe has not; `listed` is what its list had.

    Our times are later than Stripe's, so a list may begin after what it should have: each one that it lacks is asked
    for. Raises `StripeUnavailable`.
    """
    place = _PLACES[kind]
    query = _of(place).where(place.at >= since, place.at < clock.now() - GRACE)
    lacking = [each for each in _read(query) if each.stripe_id not in listed]
    return [each for each in lacking if not _exists(place.retrieve, each.stripe_id)]


def find_one(kind: Kind, stripe_id: str) -> list[Ours]:
    """The same of one thing: none if Stripe has it; raises `StripeUnavailable`."""
    place = _PLACES[kind]
    found = _read(_of(place).where(place.stripe_id == stripe_id))
    return [each for each in found if not _exists(place.retrieve, each.stripe_id)]


def _of(place: _Place) -> Select[Any]:
    return (
        select(place.stripe_id.label("stripe_id"), Customer.public_id, place.at.label("at"))
        .join(Customer, Customer.account_id == place.stripe_id.class_.account_id)
        .where(place.stripe_id.is_not(None))
        .order_by(place.stripe_id)
    )


def _read(query: Select[Any]) -> list[Ours]:
    return [Ours(row.stripe_id, row.public_id, row.at) for row in connection().execute(query).all()]


def _exists(retrieve: _Retrieve | None, stripe_id: str) -> bool:
    if retrieve is None:
        return False
    try:
        retrieve(stripe_gateway.current(), stripe_id)
    except StripeNotFound:
        return False
    return True
