"""One call to Stripe: bounded in time, retried where that is safe, its failure sorted, no transaction open.

The SDK's own retries are off: they neither end by a deadline nor repeat a 429. Ours repeat a request with
the same idempotency key, with growing jittered gaps, and give up so that the caller answers 503 within 15 s.
"""

from __future__ import annotations

import logging
import random
import threading
import time
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from typing import Any, Protocol, TypeVar

import requests
import stripe
import structlog

from billing.db import db, in_transaction
from billing.errors import SaldoError, StripeUnavailable
from billing.stripe_facts import Malformed
from billing.stripe_gateway.failures import (
    CardDeclined,
    StripeAuthFailed,
    StripeIdempotencyMismatch,
    StripeNotFound,
    StripeRequestRefused,
)

CONNECT_TIMEOUT_SECONDS = 5.0
READ_TIMEOUT_SECONDS = 15.0
CALL_TIMEOUT_SECONDS = 14.0
"""All tries of one call together, waiting included."""
MAX_TRIES = 4
FIRST_GAP_SECONDS = 0.4
MAX_CALLS_AT_ONCE = 4
"""Per process, half of a worker's threads: a hanging Stripe leaves the others to those who do not need it."""
WAIT_FOR_TURN_SECONDS = 1.0
PAGE_SIZE = 100

T = TypeVar("T")

_log = structlog.get_logger(__name__)
_deadline: ContextVar[float] = ContextVar("stripe_call_deadline")


class _Stripe(Protocol):
    def to_dict(self) -> dict[str, Any]: ...


class _TimedSession(requests.Session):
    """Connections whose time-outs shrink with what is left of the call's time."""

    def request(self, *args: Any, **kwargs: Any) -> requests.Response:
        left = max(0.1, _deadline.get() - time.monotonic())
        kwargs["timeout"] = (min(CONNECT_TIMEOUT_SECONDS, left), min(READ_TIMEOUT_SECONDS, left))
        return super().request(*args, **kwargs)


class Calls:
    """What every group of the gateway's methods stands on: the client, and `_call` and `_pages` around it."""

    def __init__(self, key: str, public_url: str, api_base: str | None = None) -> None:
        stripe.enable_telemetry = False
        # At DEBUG the SDK logs request bodies, and those hold e-mail addresses.
        logging.getLogger("stripe").setLevel(logging.WARNING)
        self._client = stripe.StripeClient(
            key,
            base_addresses={"api": api_base} if api_base else {},
            max_network_retries=0,
            http_client=stripe.RequestsClient(
                timeout=(CONNECT_TIMEOUT_SECONDS, READ_TIMEOUT_SECONDS), session=_TimedSession()
            ),
        )
        self._v1 = self._client.v1
        self._turns = threading.BoundedSemaphore(MAX_CALLS_AT_ONCE)
        self._public_url = public_url
        self._api_base = api_base
        self.livemode = "k_live_" in key[:8]
        self.auth_failed = False
        """Whether Stripe refused our key at the last call: `/readyz` says so (F182)."""

    def _call(self, name: str, call: Callable[[], _Stripe], read: Callable[[dict[str, Any]], T]) -> T:
        """The facts that `read` finds in the answer to `call`.

        Raises `StripeUnavailable` (no usable answer in time; whether Stripe acted is unknown), its kind
        `StripeAuthFailed`, `StripeNotFound`, `CardDeclined`, `StripeRequestRefused` or
        `StripeIdempotencyMismatch`. `name` is for the log, which never sees parameters.
        """
        assert not in_transaction(), "no transaction spans a network call"
        # A read may have begun a snapshot: give its connection back for as long as Stripe takes.
        db.session.rollback()
        deadline = time.monotonic() + CALL_TIMEOUT_SECONDS
        if not self._turns.acquire(timeout=WAIT_FOR_TURN_SECONDS):
            _log.warning("stripe_calls_exhausted", call=name)
            raise StripeUnavailable()
        token = _deadline.set(deadline)
        try:
            return self._try(name, call, read, deadline)
        finally:
            _deadline.reset(token)
            self._turns.release()

    def _try(self, name: str, call: Callable[[], _Stripe], read: Callable[[dict[str, Any]], T], deadline: float) -> T:
        for number in range(1, MAX_TRIES + 1):
            try:
                facts = read(call().to_dict())
            except stripe.StripeError as error:
                failure, may_retry = self._sort(name, error)
            except (Malformed, ValueError, TypeError, KeyError, AttributeError) as error:
                # A 200 that is no answer: HTML, truncated JSON, another object (F181).
                _log.warning("stripe_answer_unreadable", call=name, error=type(error).__name__)
                failure, may_retry = StripeUnavailable(), False
            else:
                self.auth_failed = False
                return facts
            gap = FIRST_GAP_SECONDS * 2 ** (number - 1) * random.uniform(0.75, 1.25)  # noqa: S311 not a secret
            if not may_retry or number == MAX_TRIES or time.monotonic() + gap >= deadline:
                raise failure
            time.sleep(gap)
        raise AssertionError("unreachable")

    def _sort(self, name: str, error: stripe.StripeError) -> tuple[SaldoError, bool]:
        """The domain error for the SDK's, and whether the same request may be sent again."""
        status = error.http_status or 0
        _log.warning(
            "stripe_call_failed",
            call=name,
            error=type(error).__name__,
            status=status,
            stripe_code=error.code,
            stripe_request_id=error.request_id,
        )
        if isinstance(error, stripe.APIConnectionError):
            return StripeUnavailable(), bool(error.should_retry)
        if isinstance(error, stripe.AuthenticationError | stripe.PermissionError):
            self.auth_failed = True
            return StripeAuthFailed(), False
        if status == 409:  # the same key is being worked on this moment (F178)
            return StripeUnavailable(), True
        if isinstance(error, stripe.IdempotencyError):
            return StripeIdempotencyMismatch(), False
        if isinstance(error, stripe.RateLimitError):
            return StripeUnavailable(), True
        if isinstance(error, stripe.CardError | stripe.InvalidRequestError):
            return _refusal(error, status), False
        advice = (error.headers or {}).get("stripe-should-retry")
        return StripeUnavailable(), advice != "false"

    def _pages(
        self,
        name: str,
        fetch: Callable[[str | None], _Stripe],
        read: Callable[[dict[str, Any]], T],
    ) -> Iterator[T]:
        """Every object of a list, page by page, each page one call; `fetch` gets the id to start after."""
        after: str | None = None
        while True:
            page = self._call(name, lambda after=after: fetch(after), _read_page)  # type: ignore[misc]
            facts = [_read_row(read, row) for row in page["data"]]
            yield from facts
            last = page["data"][-1]["id"] if page["data"] else None
            if not page["has_more"] or last is None:
                return
            if last == after:  # a list that never moves on would never end
                raise StripeUnavailable()
            after = last


def _read_page(page: dict[str, Any]) -> dict[str, Any]:
    if not isinstance(page.get("data"), list) or not isinstance(page.get("has_more"), bool):
        raise Malformed("a list without data")
    if not all(isinstance(row, dict) and isinstance(row.get("id"), str) for row in page["data"]):
        raise Malformed("a list of something else")
    return page


def _read_row(read: Callable[[dict[str, Any]], T], row: dict[str, Any]) -> T:
    try:
        return read(row)
    except Malformed:
        raise StripeUnavailable() from None


def _refusal(error: stripe.CardError | stripe.InvalidRequestError, status: int) -> StripeRequestRefused:
    kind = StripeRequestRefused
    if isinstance(error, stripe.CardError):
        kind = CardDeclined
    elif status == 404 or error.code == "resource_missing":
        kind = StripeNotFound
    return kind(status=status, stripe_code=error.code, param=error.param, request_id=error.request_id)
