"""Tables and their constraints, one file per noun."""

from billing.models.accounts import Attempts, Link, Mail
from billing.models.customers import ApiKey, AuditRecord, Customer, Staff, StripeCustomer
from billing.models.desk import CreditNote, DailyTotal, FraudWarning
from billing.models.influencers import KeptInfluencer
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
from billing.models.pictures import Picture
from billing.models.replies import Reply
from billing.models.spending import QuotaReset, QuotaUse, Quote, Usage
from billing.models.stripe_objects import Checkout, Price, StripeEvent, Subscription

__all__ = [
    "Account",
    "ApiKey",
    "Attempts",
    "AuditRecord",
    "Checkout",
    "CreditNote",
    "Customer",
    "DailyTotal",
    "Debt",
    "Dispute",
    "Entry",
    "FraudWarning",
    "Grant",
    "Hold",
    "HoldUse",
    "InvoiceLine",
    "KeptInfluencer",
    "Link",
    "Mail",
    "Payment",
    "PaymentIntentLink",
    "PaymentLot",
    "Picture",
    "Price",
    "QuotaReset",
    "QuotaUse",
    "Quote",
    "Refund",
    "Reply",
    "ScheduledGrant",
    "Staff",
    "StripeCustomer",
    "StripeEvent",
    "Subscription",
    "Usage",
    "Use",
]
