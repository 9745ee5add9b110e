"""Tables and their constraints, one file per noun."""

from billing.models.customers import ApiKey, AuditRecord, Customer, Staff, StripeCustomer
from billing.models.ledger import Account, Debt, Entry, Grant, Hold, HoldUse, Use
from billing.models.payments import (
    Dispute,
    InvoiceLine,
    Payment,
    PaymentIntentLink,
    PaymentLot,
    Refund,
    ScheduledGrant,
)
from billing.models.stripe_objects import Checkout, Price, StripeEvent, Subscription

__all__ = [
    "Account",
    "ApiKey",
    "AuditRecord",
    "Checkout",
    "Customer",
    "Debt",
    "Dispute",
    "Entry",
    "Grant",
    "Hold",
    "HoldUse",
    "InvoiceLine",
    "Payment",
    "PaymentIntentLink",
    "PaymentLot",
    "Price",
    "Refund",
    "ScheduledGrant",
    "Staff",
    "StripeCustomer",
    "StripeEvent",
    "Subscription",
    "Use",
]
