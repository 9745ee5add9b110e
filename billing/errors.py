"""What can be wrong, as nouns of the situation; a door turns them into a status, nobody else does.

`code` is the stable word programs rely on (the API's problem `code`); the message is for people.
Credits in errors are integer micro-credits.
"""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar


class SaldoError(Exception):
    """Something a rule of Saldo refuses; every other domain error is a kind of it."""

    code: ClassVar[str] = "invalid"
    message: ClassVar[str] = "This cannot be done."

    def __init__(self, message: str | None = None) -> None:
        super().__init__(message or self.message)


class InvalidAmount(SaldoError):
    """An amount of credits or money is not a number, has too many places, or is outside the limits."""

    code = "invalid"
    message = "The amount is not allowed."


class LimitExceeded(SaldoError):
    """The account would hold more than the 10^12 credits an account may hold."""

    code = "invalid"
    message = "The account would hold more credits than an account may hold."


class NotFound(SaldoError):
    """There is no such thing, or it belongs to somebody else: the two are never told apart (R14)."""

    code = "not_found"
    message = "There is no such thing."


class Conflict(SaldoError):
    """What is asked for contradicts the present state of the thing."""

    code = "conflict"
    message = "This contradicts the present state."


class IdempotencyKeyReused(SaldoError):
    """The same idempotency key came with another request before."""

    code = "idempotency_key_reused"
    message = "This idempotency key was used for a different request."


class IdempotencyInProgress(SaldoError):
    """The first request with this idempotency key has not been answered yet."""

    code = "idempotency_in_progress"
    message = "The first request with this idempotency key is still running; ask again in a moment."


class InvalidPicture(SaldoError):
    """The file cannot be an influencer's picture; `problem` is `too_large`, `type` or `pixels`."""

    code = "invalid"
    message = "The file cannot be used as a picture."

    def __init__(self, problem: str) -> None:
        super().__init__()
        self.problem = problem


class CatalogError(SaldoError):
    """The catalog cannot be used: the text names file, line, key and what is allowed there."""

    code = "catalog_invalid"
    message = "The catalog is wrong."


class UnknownAction(SaldoError):
    """The catalog has no such action, or does not price it for this model."""

    code = "unknown_action"
    message = "The catalog has no such action."


class UnitOutOfRange(SaldoError):
    """The units or tokens asked for are missing, not allowed for this action, or beyond its last step."""

    code = "unit_out_of_range"
    message = "The catalog has no price for so many units."


class InsufficientCredits(SaldoError):
    """The customer cannot spend what the action costs; both figures are micro-credits."""

    code = "insufficient_credits"
    message = "There are not enough credits."

    def __init__(self, required: int, available: int, message: str | None = None) -> None:
        super().__init__(message)
        self.required = required
        self.available = available

    @property
    def shortfall(self) -> int:
        """How many micro-credits are missing."""
        return max(0, self.required - self.available)


class QuotaExceeded(SaldoError):
    """A monthly or lifetime limit, or the customer's own spending limit, leaves no room for the action."""

    code = "quota_exceeded"
    message = "The limit is used up."

    def __init__(
        self,
        resource: str,
        *,
        limit: int,
        used: int,
        period: str,
        resets_at: datetime | None = None,
        message: str | None = None,
    ) -> None:
        super().__init__(message)
        self.resource = resource
        self.limit = limit
        self.used = used
        self.period = period
        self.resets_at = resets_at

    @property
    def remaining(self) -> int:
        """What is left of the limit, never below 0."""
        return max(0, self.limit - self.used)


class SubscriptionRequired(SaldoError):
    """The action needs a subscription to this influencer, which the customer does not have."""

    code = "subscription_required"
    message = "This needs a subscription to the influencer."

    def __init__(self, influencer: str, message: str | None = None) -> None:
        super().__init__(message)
        self.influencer = influencer


class HoldAlreadyCaptured(SaldoError):
    """The hold has been captured, which is final."""

    code = "hold_already_captured"
    message = "The hold has already been captured."


class HoldAlreadyVoided(SaldoError):
    """The hold has been voided, which is final."""

    code = "hold_already_voided"
    message = "The hold has already been voided."


class HoldExpired(SaldoError):
    """The hold ran out of time before it was captured, which is final."""

    code = "hold_expired"
    message = "The hold has expired."


class CaptureExceedsHold(SaldoError):
    """More was to be captured than the hold reserved."""

    code = "capture_exceeds_hold"
    message = "More was to be captured than the hold reserved."


class RefundExceeds(SaldoError):
    """More was to be given back than is left to give back."""

    code = "refund_exceeds"
    message = "More was to be given back than is left to give back."


class AlreadySubscribed(SaldoError):
    """The customer has a plan that has not ended, or already subscribes to this influencer."""

    code = "already_subscribed"
    message = "There already is such a subscription."


class InfluencerUnavailable(SaldoError):
    """The influencer is suspended or retired and takes no new subscriptions."""

    code = "influencer_unavailable"
    message = "The influencer takes no new subscriptions."


class Disputed(SaldoError):
    """The payment is under dispute at the bank, so staff cannot refund it (R8)."""

    code = "disputed"
    message = "The payment is under dispute."


class PriceNotSynced(SaldoError):
    """The catalog's price is not at Stripe yet: `flask stripe sync-catalog` puts it there."""

    code = "price_not_synced"
    message = "This price is not at Stripe yet."


class StripeUnavailable(SaldoError):
    """Stripe did not answer or answered with a fault of its own; whether it acted is unknown."""

    code = "stripe_unavailable"
    message = "Stripe does not answer at the moment."


class StripeRefused(SaldoError):
    """Stripe understood the request and refused it; asking again the same way will not help."""

    code = "conflict"
    message = "Stripe refused this."


class Invalid(SaldoError):
    """Something given is not of a kind that is allowed there; the text says what is."""

    code = "invalid"
    message = "Something given is not allowed."


class NotPermitted(SaldoError):
    """A member of staff may not do this: their role does not allow it, or not that much of it."""

    code = "not_permitted"
    message = "Your role does not allow this."


class InvalidCursor(SaldoError):
    """The cursor of a list is broken, or was given out for another list."""

    code = "invalid"
    message = "cursor: pass on the next_cursor of the same list, unchanged"


class InvalidEmail(SaldoError):
    """This is no e-mail address."""

    code = "invalid"
    message = "email: expected an address such as name@example.com"


class EmailTaken(SaldoError):
    """Somebody signs in with this e-mail address already."""

    code = "conflict"
    message = "There already is an account with this e-mail address."


class WeakPassword(SaldoError):
    """The password is too short, or so long that nobody types it."""

    code = "invalid"
    message = "password: expected 8 to 200 characters"


class WrongPassword(SaldoError):
    """The password given as proof is not the present one."""

    code = "invalid"
    message = "This is not the present password."


class InvalidCustomerId(SaldoError):
    """The id that an app gives a customer has characters or a length that are not allowed."""

    code = "invalid"
    message = "id: 1 to 128 letters, digits and . _ : @ -"


class WrongSchema(SaldoError):
    """The database's tables are older or newer than this version of Saldo."""

    code = "wrong_schema"
    message = (
        "the database has the tables of another version; `flask db upgrade` brings older ones up to date, "
        "for newer ones start the newer Saldo"
    )
