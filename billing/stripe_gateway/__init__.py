"""The only module that calls Stripe. Its methods return facts and raise domain errors, never the SDK's.

`configure` is called once by the application; verbs ask for `current()`.
"""

from __future__ import annotations

from typing import Protocol

from pydantic import SecretStr

from billing.stripe_gateway.catalog_objects import CatalogCalls
from billing.stripe_gateway.checkout_sessions import CheckoutCalls, SessionOrder
from billing.stripe_gateway.customers import CustomerCalls
from billing.stripe_gateway.failures import (
    CardDeclined,
    StripeAuthFailed,
    StripeIdempotencyMismatch,
    StripeNotFound,
    StripeRequestRefused,
)
from billing.stripe_gateway.invoices import InvoiceCalls
from billing.stripe_gateway.payments import PaymentCalls, RefundReason
from billing.stripe_gateway.return_paths import InvalidReturnPath, check_return_path
from billing.stripe_gateway.signatures import BadSignature, check_signature
from billing.stripe_gateway.subscriptions import SubscriptionCalls


class StripeGateway(CustomerCalls, CheckoutCalls, SubscriptionCalls, InvoiceCalls, PaymentCalls, CatalogCalls):
    """Everything Saldo asks of Stripe, by Stripe's own nouns."""


class GatewaySettings(Protocol):
    """The settings the gateway is made from."""

    @property
    def stripe_secret_key(self) -> SecretStr:
        """The key; it decides live or test mode."""

    @property
    def stripe_api_base(self) -> str | None:
        """Another base address, for stand-ins."""

    @property
    def public_url(self) -> str:
        """The only origin that Stripe's pages are told to send customers back to (R15)."""


_current: StripeGateway | None = None


def configure(settings: GatewaySettings) -> StripeGateway:
    """Make the gateway that `current` returns from now on."""
    global _current
    _current = StripeGateway(
        settings.stripe_secret_key.get_secret_value(), settings.public_url, settings.stripe_api_base
    )
    return _current


def current() -> StripeGateway:
    """The gateway of this process; raises `RuntimeError` before `configure`."""
    if _current is None:
        raise RuntimeError("the Stripe gateway is not configured")
    return _current


__all__ = [
    "BadSignature",
    "CardDeclined",
    "InvalidReturnPath",
    "RefundReason",
    "SessionOrder",
    "StripeAuthFailed",
    "StripeGateway",
    "StripeIdempotencyMismatch",
    "StripeNotFound",
    "StripeRequestRefused",
    "check_return_path",
    "check_signature",
    "configure",
    "current",
]
