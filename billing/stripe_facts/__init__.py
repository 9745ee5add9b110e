"""The only place that knows where a field is in Stripe's payloads; everybody else works on frozen facts.

Each `read_<object>` takes the plain JSON mapping of an event or an answer, in either invoice shape, with ids
or expanded objects, optional fields null and unknown ones present; it raises `Malformed` for anything else.
"""

from billing.stripe_facts.catalog_objects import (
    PortalConfigurationFacts,
    PriceFacts,
    ProductFacts,
    read_portal_configuration,
    read_price,
    read_product,
)
from billing.stripe_facts.checkout_sessions import (
    CheckoutSessionFacts,
    CustomerFacts,
    read_checkout_session,
    read_customer,
)
from billing.stripe_facts.events import EventFacts, is_thin_event, read_event
from billing.stripe_facts.fields import Malformed
from billing.stripe_facts.invoices import (
    InvoiceFacts,
    InvoicePaymentFacts,
    LineFacts,
    read_hosted_invoice_url,
    read_invoice,
    read_invoice_payment,
    read_line,
)
from billing.stripe_facts.notices import (
    CreditNoteFacts,
    FraudWarningFacts,
    read_credit_note,
    read_fraud_warning,
)
from billing.stripe_facts.payments import (
    ChargeFacts,
    DisputeFacts,
    RefundFacts,
    read_charge,
    read_dispute,
    read_receipt_url,
    read_refund,
)
from billing.stripe_facts.subscriptions import ENDED, SubscriptionFacts, read_subscription

__all__ = [
    "ENDED",
    "ChargeFacts",
    "CheckoutSessionFacts",
    "CreditNoteFacts",
    "CustomerFacts",
    "DisputeFacts",
    "EventFacts",
    "FraudWarningFacts",
    "InvoiceFacts",
    "InvoicePaymentFacts",
    "LineFacts",
    "Malformed",
    "PortalConfigurationFacts",
    "PriceFacts",
    "ProductFacts",
    "RefundFacts",
    "SubscriptionFacts",
    "is_thin_event",
    "read_charge",
    "read_checkout_session",
    "read_credit_note",
    "read_customer",
    "read_dispute",
    "read_event",
    "read_fraud_warning",
    "read_hosted_invoice_url",
    "read_invoice",
    "read_invoice_payment",
    "read_line",
    "read_portal_configuration",
    "read_price",
    "read_product",
    "read_receipt_url",
    "read_refund",
    "read_subscription",
]
