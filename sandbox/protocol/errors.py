"""Stripe's error answers."""

from __future__ import annotations

from typing import Any


class StripeFailure(Exception):
    """An error answer. ``type`` is one of Stripe's four error types."""

    def __init__(
        self,
        status: int,
        message: str,
        *,
        type: str = "invalid_request_error",
        code: str | None = None,
        param: str | None = None,
        **extra: Any,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        fields = {"code": code, "message": message, "param": param, "type": type, **extra}
        self.body: dict[str, Any] = {"error": {k: v for k, v in fields.items() if v is not None}}


def invalid(message: str, param: str | None = None, code: str | None = None) -> StripeFailure:
    """400 ``invalid_request_error``."""
    return StripeFailure(400, message, code=code, param=param)


def unsupported(what: str, param: str | None = None) -> StripeFailure:
    """400 that says honestly that the real Stripe can do this and the sandbox does not imitate it."""
    return StripeFailure(400, f"The sandbox does not imitate {what}.", code="sandbox_unsupported", param=param)


def card_declined(message: str = "Your card was declined.", **extra: Any) -> StripeFailure:
    """402 ``card_error`` as the API answers a declined payment."""
    fields = {"code": "card_declined", "decline_code": "generic_decline", **extra}
    return StripeFailure(402, message, type="card_error", **fields)
