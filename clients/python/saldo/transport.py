"""One call over HTTP: kept connections, time-outs, and retries that never do a thing twice."""

from __future__ import annotations

import http.client
import os
import random
import threading
import time
from collections.abc import Callable, Mapping
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from saldo.errors import ApiError, RateLimited, SaldoError, Unavailable, error_of
from saldo.exact import dumps, loads

USER_AGENT = "saldo-python/0.1.0"
FIRST_GAP_SECONDS = 0.2
LONGEST_GAP_SECONDS = 5.0


class Transport:
    """Calls to one Saldo with one API key. Safe to share between threads, and over a fork."""

    def __init__(
        self,
        base_url: str,
        api_key: str,
        *,
        timeout: float,
        connect_timeout: float,
        retries: int,
        longest_wait: float,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        address = urlsplit(base_url)
        if address.scheme not in ("http", "https") or not address.hostname:
            raise ValueError("base_url is something like https://credits.example.com")
        self._secure = address.scheme == "https"
        self._host, self._port = address.hostname, address.port
        self._prefix = address.path.rstrip("/") + "/api/v1"
        self._headers = {"Authorization": f"Bearer {api_key}", "User-Agent": USER_AGENT, "Accept": "application/json"}
        self._timeout, self._connect_timeout = timeout, connect_timeout
        self._retries, self._longest_wait, self._sleep = retries, longest_wait, sleep
        self._kept = threading.local()

    def call(
        self,
        method: str,
        path: str,
        *,
        body: Mapping[str, Any] | None = None,
        query: Mapping[str, Any] | None = None,
        key: str | None = None,
    ) -> Any:
        """The answer's JSON. Every try carries the same `key`, so that Saldo does it once.

        Raises the `ApiError` of the last answer; `Unavailable` when there was none.
        """
        target = self._prefix + path + (f"?{urlencode(query)}" if query else "")
        headers = dict(self._headers)
        payload = None
        if body is not None:
            payload = dumps(body).encode()
            headers["Content-Type"] = "application/json"
        if key is not None:
            headers["Idempotency-Key"] = key
        maybe_done = False
        for attempt in range(self._retries + 1):
            try:
                return self._once(method, target, payload, headers)
            except (Unavailable, RateLimited) as error:
                failure: ApiError = error
            if isinstance(failure, Unavailable):
                # Whatever the last try says: if one of them may have arrived, the call may have taken effect.
                maybe_done = failure.maybe_done = maybe_done or failure.maybe_done
            wait = self._gap(attempt, failure.retry_after)
            if attempt == self._retries or wait > self._longest_wait:
                break
            self._sleep(wait)
        raise failure

    def _gap(self, attempt: int, retry_after: float | None) -> float:
        """Growing and spread out, so that the apps of a Saldo that comes back do not all knock at once."""
        longest: float = min(FIRST_GAP_SECONDS * 2**attempt, LONGEST_GAP_SECONDS)
        return max(longest * random.uniform(0.5, 1.0), retry_after or 0.0)  # noqa: S311

    def _once(self, method: str, target: str, payload: bytes | None, headers: Mapping[str, str]) -> Any:
        connection, is_fresh = self._connection()
        try:
            connection.request(method, target, payload, dict(headers))
            response = connection.getresponse()
            raw = response.read()
        except (OSError, http.client.HTTPException) as error:
            self._drop()
            if not is_fresh and isinstance(error, ConnectionError | http.client.RemoteDisconnected):
                # A kept connection that the server had closed meanwhile says nothing about the server.
                return self._once_more(method, target, payload, headers)
            raise _no_answer(error, maybe_done=True) from error
        if response.will_close:
            self._drop()
        return _read(response, raw)

    def _once_more(self, method: str, target: str, payload: bytes | None, headers: Mapping[str, str]) -> Any:
        """On a fresh connection; the request on the closed one may have arrived, whatever comes now."""
        try:
            return self._once(method, target, payload, headers)
        except Unavailable as error:
            error.maybe_done = True
            raise

    def _connection(self) -> tuple[http.client.HTTPConnection, bool]:
        """This thread's connection; a forked process opens its own, as two cannot share one."""
        kept = getattr(self._kept, "connection", None)
        if kept is not None and self._kept.pid == os.getpid():
            return kept, False
        kind = http.client.HTTPSConnection if self._secure else http.client.HTTPConnection
        connection = kind(self._host, self._port, timeout=self._connect_timeout)
        try:
            connection.connect()
        except OSError as error:
            connection.close()
            raise _no_answer(error, maybe_done=False) from error
        connection.sock.settimeout(self._timeout)
        self._kept.connection, self._kept.pid = connection, os.getpid()
        return connection, True

    def _drop(self) -> None:
        self._kept.connection.close()
        self._kept.connection = None


def segment(value: str) -> str:
    """A part of a path: an id that an app chose may hold any sign."""
    return quote(value, safe="@:")


def _no_answer(error: Exception, *, maybe_done: bool) -> Unavailable:
    detail = f"Saldo does not answer ({type(error).__name__})."
    return Unavailable(0, {"code": "unreachable", "detail": detail}, maybe_done=maybe_done)


def _read(response: http.client.HTTPResponse, raw: bytes) -> Any:
    try:
        body = loads(raw) if raw else None
    except (ValueError, ArithmeticError):
        body = None
    if 200 <= response.status < 300:
        if body is None:
            raise SaldoError(f"the answer was no JSON (HTTP {response.status}): is base_url that of a Saldo?")
        return body
    members = body if isinstance(body, dict) else {}
    raise error_of(response.status, members, _retry_after(response.headers.get("Retry-After")))


def _retry_after(value: str | None) -> float | None:
    """Seconds to wait, from a number or a date; None for anything else."""
    if value is None:
        return None
    try:
        return max(0.0, float(value) if value.isdigit() else parsedate_to_datetime(value).timestamp() - time.time())
    except (ValueError, TypeError):
        return None
