"""What Stripe tells of a payment besides refunds and disputes: credit notes, and early warnings of fraud."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from billing.stripe_facts import fields


@dataclass(frozen=True)
class CreditNoteFacts:
    """A credit note; `amount` is what it gave back of money already paid, other than by a refund (R7)."""

    id: str
    invoice: str
    amount: int
    currency: str
    status: str  # issued | void
    reason: str | None
    created: datetime


@dataclass(frozen=True)
class FraudWarningFacts:
    """The card's network warns of a charge; `actionable` while a refund could still avoid a dispute."""

    id: str
    charge: str
    payment_intent: str | None
    fraud_type: str
    actionable: bool
    created: datetime


def read_credit_note(obj: Mapping[str, Any]) -> CreditNoteFacts:
    """The facts of a `credit_note`; raises `Malformed`.

    Of a note on an open invoice only the part above what was still to pay counts (`post_payment_amount`; in shapes
    without it, the type says which). What its refunds give back is counted with them, once.
    """
    after_payment = fields.text(obj, "type") == "post_payment"
    amount = fields.whole(obj, "post_payment_amount", fields.whole(obj, "amount") if after_payment else 0)
    refunded = sum(fields.whole(each, "amount_refunded", 0) for each in fields.rows(obj, "refunds"))
    if fields.reference(obj, "refund") is not None and not refunded:
        # The shape before notes could have several refunds: one, of all that went nowhere else.
        refunded = amount - fields.whole(obj, "out_of_band_amount", 0)
    return CreditNoteFacts(
        id=fields.text(obj, "id"),
        invoice=fields.required_reference(obj, "invoice"),
        amount=max(0, amount - refunded),
        currency=fields.currency(obj),
        status="void" if fields.text(obj, "status") == "void" else "issued",
        reason=fields.optional_text(obj, "reason", longest=40),
        created=fields.moment(obj, "created"),
    )


def read_fraud_warning(obj: Mapping[str, Any]) -> FraudWarningFacts:
    """The facts of a `radar.early_fraud_warning`; raises `Malformed`."""
    return FraudWarningFacts(
        id=fields.text(obj, "id"),
        charge=fields.required_reference(obj, "charge"),
        payment_intent=fields.reference(obj, "payment_intent")
        or fields.reference(fields.section(obj, "charge"), "payment_intent"),
        fraud_type=fields.text(obj, "fraud_type", longest=60),
        actionable=fields.flag(obj, "actionable", False),
        created=fields.moment(obj, "created"),
    )
