"""The API's resources, one module per small family. Each has its ``ROUTES``."""

from __future__ import annotations

from sandbox.protocol.routes import Route
from sandbox.resources import (
    account,
    billing_portal,
    checkout_sessions,
    coupons,
    credit_notes,
    customers,
    disputes,
    events,
    invoice_payments,
    invoices,
    payments,
    prices,
    products,
    refunds,
    subscription_items,
    subscription_schedules,
    subscriptions,
    test_clocks,
    webhook_endpoints,
)

ROUTES: list[Route] = [
    route
    for module in (
        account,
        billing_portal,
        checkout_sessions,
        coupons,
        credit_notes,
        customers,
        disputes,
        events,
        invoice_payments,
        invoices,
        payments,
        prices,
        products,
        refunds,
        subscription_items,
        subscription_schedules,
        subscriptions,
        test_clocks,
        webhook_endpoints,
    )
    for route in module.ROUTES
]
"""Every operation that the sandbox answers."""
