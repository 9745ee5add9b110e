"""What can go wrong, as classes an app catches; each is read from the problem (RFC 9457) that Saldo answered."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from saldo.exact import credits, moment


class SaldoError(Exception):
    """Everything that this package raises on its own account."""


class JobFailed(Exception):
    """Raise this inside `with credits.hold(…)`: the hold ends with this reason, and the catalog says what it costs.

    `reason` is `moderation`, `timeout`, `provider_error` or `user_cancelled`. It goes on to the caller.
    """

    def __init__(self, reason: str, message: str | None = None) -> None:
        super().__init__(message or reason)
        self.reason = reason


class ApiError(SaldoError):
    """Saldo's answer was no.

    `code` is the stable word to decide by, `detail` a sentence for people, `errors` names the fields that are
    wrong, `request_id` finds the call in the server's log, and `members` holds all that the problem said.
    """

    def __init__(self, status: int, members: Mapping[str, Any], retry_after: float | None = None) -> None:
        self.status = status
        self.members = dict(members)
        self.code = str(members.get("code") or f"http_{status}")
        self.detail = str(members.get("detail") or members.get("title") or f"HTTP {status}")
        self.request_id: str | None = members.get("request_id")
        self.errors: list[dict[str, str]] = list(members.get("errors") or ())
        self.retry_after = retry_after
        super().__init__(f"{self.code}: {self.detail}")


class Refused(ApiError):
    """The customer may not do this now. `link` leads to the way out: buy, upgrade or subscribe."""

    @property
    def link(self) -> str | None:
        """Where the customer can change it, if anywhere."""
        return None


class InsufficientCredits(Refused):
    """402: the action costs more than the customer can spend. Figures are exact credits."""

    @property
    def required(self) -> Decimal:
        return credits(self.members.get("required", 0))

    @property
    def available(self) -> Decimal:
        return credits(self.members.get("available", 0))

    @property
    def shortfall(self) -> Decimal:
        return credits(self.members.get("shortfall", 0))

    @property
    def topup_url(self) -> str | None:
        return self.members.get("topup_url")

    @property
    def link(self) -> str | None:
        return self.topup_url


class QuotaExceeded(Refused):
    """429: a limit of the plan, or the customer's own spending limit (`resource` is `spending`), is used up."""

    @property
    def resource(self) -> str:
        return str(self.members.get("resource", ""))

    @property
    def limit(self) -> Decimal:
        return credits(self.members.get("limit", 0))

    @property
    def used(self) -> Decimal:
        return credits(self.members.get("used", 0))

    @property
    def remaining(self) -> Decimal:
        return credits(self.members.get("remaining", 0))

    @property
    def period(self) -> str:
        """`month`, or `lifetime` for a limit that waiting does not lift."""
        return str(self.members.get("period", ""))

    @property
    def resets_at(self) -> datetime | None:
        return moment(self.members.get("resets_at"))

    @property
    def upgrade_url(self) -> str | None:
        return self.members.get("upgrade_url")

    @property
    def link(self) -> str | None:
        return self.upgrade_url


class SubscriptionRequired(Refused):
    """403: the action needs a subscription to this influencer."""

    @property
    def influencer(self) -> str:
        return str(self.members.get("influencer", ""))

    @property
    def subscribe_url(self) -> str | None:
        return self.members.get("subscribe_url")

    @property
    def link(self) -> str | None:
        return self.subscribe_url


class Unauthenticated(ApiError):
    """401: the API key is unknown or revoked."""


class MissingScope(ApiError):
    """403: the API key is valid, but not for this call."""


class NotFound(ApiError):
    """404: there is no such thing, or it is somebody else's."""


class Invalid(ApiError):
    """400, 413, 415, 422: the request is wrong and would be wrong again; `errors` names the fields."""


class Conflict(ApiError):
    """409: it contradicts the present state; `code` says how."""


class HoldAlreadyCaptured(Conflict):
    """The hold has been captured, which is final."""


class HoldAlreadyVoided(Conflict):
    """The hold has been voided, which is final."""


class HoldExpired(Conflict):
    """The hold has ended by itself: its credits are free again and nothing was charged."""


class RateLimited(ApiError):
    """429: too many calls, also after this client's own retries. `retry_after` is in seconds."""


class Unavailable(ApiError):
    """Saldo did not answer, or answered that it cannot at the moment (5xx), also after the retries.

    `maybe_done`: the call may have taken effect all the same, as an answer can get lost. Calling again with the
    same `key` is safe: Saldo does it once.
    """

    def __init__(
        self,
        status: int,
        members: Mapping[str, Any],
        retry_after: float | None = None,
        *,
        maybe_done: bool = True,
    ) -> None:
        super().__init__(status, members, retry_after)
        self.maybe_done = maybe_done


_BY_CODE: dict[str, type[ApiError]] = {
    "insufficient_credits": InsufficientCredits,
    "quota_exceeded": QuotaExceeded,
    "subscription_required": SubscriptionRequired,
    "missing_scope": MissingScope,
    "hold_already_captured": HoldAlreadyCaptured,
    "hold_already_voided": HoldAlreadyVoided,
    "hold_expired": HoldExpired,
    # The first of two equal calls still runs: its outcome is open, and asking again later will tell.
    "idempotency_in_progress": Unavailable,
}

_BY_STATUS: dict[int, type[ApiError]] = {
    400: Invalid,
    401: Unauthenticated,
    404: NotFound,
    409: Conflict,
    413: Invalid,
    415: Invalid,
    422: Invalid,
    429: RateLimited,
}


def error_of(status: int, members: Mapping[str, Any], retry_after: float | None = None) -> ApiError:
    """The error for an answer: by its code where that says more than the status."""
    if status >= 500:
        return Unavailable(status, members, retry_after)
    kind = _BY_CODE.get(str(members.get("code"))) or _BY_STATUS.get(status, ApiError)
    return kind(status, members, retry_after)
