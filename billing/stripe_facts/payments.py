"""Money as Stripe moved it: PaymentIntents, charges, refunds, disputes, in minor units of their currency."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from billing.stripe_facts import fields


@dataclass(frozen=True)
class ChargeFacts:
    """A charge; `amount_refunded` is the sum of all its refunds so far."""

    id: str
    payment_intent: str | None
    amount: int
    amount_refunded: int
    currency: str
    customer: str | None
    disputed: bool
    metadata: dict[str, str]


@dataclass(frozen=True)
class RefundFacts:
    """Money going back; a `succeeded` one can still become `failed`."""

    id: str
    amount: int
    currency: str
    status: str  # pending | requires_action | succeeded | failed | canceled
    charge: str | None
    payment_intent: str | None
    reason: str | None
    failure_reason: str | None
    metadata: dict[str, str]
    created: datetime


@dataclass(frozen=True)
class DisputeFacts:
    """A cardholder's complaint at the bank; `amount` may differ from the charge's."""

    id: str
    charge: str
    payment_intent: str | None
    amount: int
    currency: str
    status: str
    reason: str | None
    due_by: datetime | None
    created: datetime


def read_charge(obj: Mapping[str, Any]) -> ChargeFacts:
    """The facts of a `charge`; raises `Malformed`."""
    return ChargeFacts(
        id=fields.text(obj, "id"),
        payment_intent=fields.reference(obj, "payment_intent"),
        amount=fields.whole(obj, "amount"),
        amount_refunded=fields.whole(obj, "amount_refunded", 0),
        currency=fields.currency(obj),
        customer=fields.reference(obj, "customer"),
        disputed=fields.flag(obj, "disputed", False),
        metadata=fields.metadata(obj),
    )


def read_receipt_url(obj: Mapping[str, Any]) -> str | None:
    """Where Stripe shows the receipt of a `charge`; None of one that took nothing. Raises `Malformed`."""
    if not fields.flag(obj, "paid"):
        return None
    return fields.optional_text(obj, "receipt_url", longest=fields.MAX_ADDRESS_LENGTH)


def read_refund(obj: Mapping[str, Any]) -> RefundFacts:
    """The facts of a `refund`; raises `Malformed`. Without a status (nullable at Stripe) it is pending."""
    return RefundFacts(
        id=fields.text(obj, "id"),
        amount=fields.whole(obj, "amount"),
        currency=fields.currency(obj),
        status=fields.optional_text(obj, "status", longest=16) or "pending",
        charge=fields.reference(obj, "charge"),
        payment_intent=fields.reference(obj, "payment_intent")
        or fields.reference(fields.section(obj, "charge"), "payment_intent"),
        reason=fields.optional_text(obj, "reason", longest=40),
        failure_reason=fields.optional_text(obj, "failure_reason", longest=80),
        metadata=fields.metadata(obj),
        created=fields.moment(obj, "created"),
    )


def read_dispute(obj: Mapping[str, Any]) -> DisputeFacts:
    """The facts of a `dispute`; raises `Malformed`."""
    return DisputeFacts(
        id=fields.text(obj, "id"),
        charge=fields.required_reference(obj, "charge"),
        payment_intent=fields.reference(obj, "payment_intent")
        or fields.reference(fields.section(obj, "charge"), "payment_intent"),
        amount=fields.whole(obj, "amount"),
        currency=fields.currency(obj),
        status=fields.text(obj, "status", longest=24),
        reason=fields.optional_text(obj, "reason", longest=40),
        due_by=fields.optional_moment(fields.section(obj, "evidence_details"), "due_by"),
        created=fields.moment(obj, "created"),
    )
