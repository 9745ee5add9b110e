"""Checkout Sessions and the customers they are made for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from billing.stripe_facts import fields


@dataclass(frozen=True)
class CheckoutSessionFacts:
    """A Checkout Session; amounts are minor units of `currency`."""

    id: str
    mode: str  # payment | subscription | setup
    status: str | None  # open | complete | expired
    payment_status: str  # paid | unpaid | no_payment_required
    client_reference_id: str | None
    customer: str | None
    subscription: str | None
    payment_intent: str | None
    invoice: str | None
    amount_total: int
    currency: str
    metadata: dict[str, str]
    livemode: bool
    url: str | None
    created: datetime
    expires_at: datetime

    @property
    def is_paid(self) -> bool:
        """Whether the money is in, or none was due: a delayed method is `complete` and not yet paid."""
        return self.status == "complete" and self.payment_status in ("paid", "no_payment_required")


@dataclass(frozen=True)
class CustomerFacts:
    """A Stripe customer; a deleted one keeps its id and nothing else."""

    id: str
    deleted: bool


def read_checkout_session(obj: Mapping[str, Any]) -> CheckoutSessionFacts:
    """The facts of a `checkout.session`; raises `Malformed`."""
    created = fields.moment(obj, "created")
    return CheckoutSessionFacts(
        id=fields.text(obj, "id"),
        mode=fields.text(obj, "mode"),
        status=fields.optional_text(obj, "status"),
        payment_status=fields.text(obj, "payment_status"),
        client_reference_id=fields.optional_text(obj, "client_reference_id"),
        customer=fields.reference(obj, "customer"),
        subscription=fields.reference(obj, "subscription"),
        payment_intent=fields.reference(obj, "payment_intent"),
        invoice=fields.reference(obj, "invoice"),
        amount_total=fields.whole(obj, "amount_total", 0),
        currency=fields.currency(obj),
        metadata=fields.metadata(obj),
        livemode=fields.flag(obj, "livemode"),
        url=fields.optional_text(obj, "url", longest=10_000),
        created=created,
        expires_at=fields.optional_moment(obj, "expires_at") or created,
    )


def read_customer(obj: Mapping[str, Any]) -> CustomerFacts:
    """The facts of a `customer`, living or deleted; raises `Malformed`."""
    return CustomerFacts(id=fields.text(obj, "id"), deleted=fields.flag(obj, "deleted", False))
