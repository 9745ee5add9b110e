"""Invoices, their lines and what paid them, in both shapes: before and after 2025-03-31 (basil).

Basil moved the subscription under `parent`, the price under `pricing` and the payment into objects of its
own. Which shape comes depends on the endpoint's version and not on our SDK's, so each field is looked for in
both places.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from billing.stripe_facts import fields


@dataclass(frozen=True)
class LineFacts:
    """One invoice line: `period_*` is the service period, `amount` minor units, negative for a credit."""

    id: str
    price: str | None
    product: str | None
    subscription: str | None
    subscription_item: str | None
    quantity: int
    amount: int
    discounted: bool
    proration: bool
    period_start: datetime
    period_end: datetime


@dataclass(frozen=True)
class InvoiceFacts:
    """An invoice; amounts are minor units of `currency`.

    `balance_applied` is how much of the customer's credit balance paid it (negative: it collected an old
    debit). `metadata` is the subscription's, frozen when the invoice was finalized. `payment_intent` and
    `charge` are set only in the old shape; since basil they stand in invoice payments.
    """

    id: str
    customer: str | None
    subscription: str | None
    billing_reason: str | None
    status: str | None
    amount_paid: int
    total: int
    balance_applied: int
    currency: str
    metadata: dict[str, str]
    lines: tuple[LineFacts, ...]
    has_more_lines: bool
    livemode: bool
    created: datetime
    paid_at: datetime | None
    attempt_count: int
    next_payment_attempt: datetime | None
    payment_intent: str | None
    charge: str | None


@dataclass(frozen=True)
class InvoicePaymentFacts:
    """What paid (part of) an invoice: a PaymentIntent, a charge, or neither (paid out of band)."""

    id: str
    invoice: str
    status: str
    amount_paid: int
    payment_intent: str | None
    charge: str | None


def read_line(obj: Mapping[str, Any]) -> LineFacts:
    """The facts of a line item in either shape; raises `Malformed`."""
    parent = fields.section(obj, "parent")
    details = fields.section(parent, "subscription_item_details") or fields.section(parent, "invoice_item_details")
    bought = fields.section(fields.section(obj, "pricing"), "price_details")
    old_price = fields.section(obj, "price")
    old_plan = fields.section(obj, "plan")
    period = fields.section(obj, "period")
    return LineFacts(
        id=fields.text(obj, "id"),
        price=fields.reference(bought, "price") or fields.reference(obj, "price") or fields.reference(obj, "plan"),
        product=fields.reference(bought, "product")
        or fields.reference(fields.section(bought, "price"), "product")
        or fields.reference(old_price, "product")
        or fields.reference(old_plan, "product"),
        subscription=fields.reference(details, "subscription") or fields.reference(obj, "subscription"),
        subscription_item=fields.reference(details, "subscription_item") or fields.reference(obj, "subscription_item"),
        quantity=fields.whole(obj, "quantity", 1),
        amount=fields.whole(obj, "amount"),
        discounted=any(fields.whole(row, "amount", 0) > 0 for row in fields.rows(obj, "discount_amounts")),
        proration=fields.flag(details, "proration", False) or fields.flag(obj, "proration", False),
        period_start=fields.moment(period, "start"),
        period_end=fields.moment(period, "end"),
    )


def read_invoice(obj: Mapping[str, Any]) -> InvoiceFacts:
    """The facts of an `invoice` in either shape; raises `Malformed`."""
    details = fields.section(fields.section(obj, "parent"), "subscription_details")
    old_details = fields.section(obj, "subscription_details")
    starting = fields.whole(obj, "starting_balance", 0)
    lines = fields.section(obj, "lines")
    return InvoiceFacts(
        id=fields.text(obj, "id"),
        customer=fields.reference(obj, "customer"),
        subscription=fields.reference(details, "subscription") or fields.reference(obj, "subscription"),
        billing_reason=fields.optional_text(obj, "billing_reason"),
        status=fields.optional_text(obj, "status"),
        amount_paid=fields.whole(obj, "amount_paid", 0),
        total=fields.whole(obj, "total", 0),
        # null until the invoice is finalized: nothing has been applied then.
        balance_applied=fields.whole(obj, "ending_balance", starting) - starting,
        currency=fields.currency(obj),
        metadata=fields.metadata(details) or fields.metadata(old_details),
        lines=tuple(read_line(line) for line in fields.rows(obj, "lines")),
        has_more_lines=fields.flag(lines, "has_more", False),
        livemode=fields.flag(obj, "livemode"),
        created=fields.moment(obj, "created"),
        paid_at=fields.optional_moment(fields.section(obj, "status_transitions"), "paid_at"),
        attempt_count=fields.whole(obj, "attempt_count", 0),
        next_payment_attempt=fields.optional_moment(obj, "next_payment_attempt"),
        payment_intent=fields.reference(obj, "payment_intent"),
        charge=fields.reference(obj, "charge"),
    )


def read_hosted_invoice_url(obj: Mapping[str, Any]) -> str | None:
    """Where Stripe shows an `invoice` to whom it bills; None until it is finalized. Raises `Malformed`."""
    fields.text(obj, "id")
    return fields.optional_text(obj, "hosted_invoice_url", longest=fields.MAX_ADDRESS_LENGTH)


def read_invoice_payment(obj: Mapping[str, Any]) -> InvoicePaymentFacts:
    """The facts of an `invoice_payment`; raises `Malformed`."""
    payment = fields.section(obj, "payment")
    return InvoicePaymentFacts(
        id=fields.text(obj, "id"),
        invoice=fields.required_reference(obj, "invoice"),
        status=fields.text(obj, "status"),
        amount_paid=fields.whole(obj, "amount_paid", 0),
        payment_intent=fields.reference(payment, "payment_intent"),
        charge=fields.reference(payment, "charge")
        or fields.reference(fields.section(payment, "payment_intent"), "latest_charge"),
    )
