"""What can go wrong between us and Stripe, sorted by what may be done next."""

from __future__ import annotations

from typing import ClassVar

from billing.errors import StripeRefused, StripeUnavailable


class StripeAuthFailed(StripeUnavailable):
    """Stripe does not take our key (rolled, or without the right): nothing works until an operator acts."""


class StripeRequestRefused(StripeRefused):
    """Stripe refused the request; `stripe_code` and `param` are Stripe's words, `status` its HTTP status."""

    def __init__(self, *, status: int, stripe_code: str | None, param: str | None, request_id: str | None) -> None:
        super().__init__(f"Stripe refused this ({stripe_code or status}).")
        self.status = status
        self.stripe_code = stripe_code
        self.param = param
        self.request_id = request_id


class StripeNotFound(StripeRequestRefused):
    """Stripe has no such object (any more)."""

    code: ClassVar[str] = "not_found"


class CardDeclined(StripeRequestRefused):
    """The card was declined (402); another card may work."""

    code: ClassVar[str] = "card_declined"


class StripeIdempotencyMismatch(StripeRefused):
    """Our key was used with other parameters before; nobody answers that with a new key by itself (F179)."""

    message = "Stripe knows this request with other contents."
