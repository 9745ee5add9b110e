"""Whether a webhook really comes from Stripe, and just now.

The SDK's check takes one secret at a time and lets any time in the future pass, so this is our own, of the scheme
that Stripe documents: `t=<seconds>,v1=<HMAC-SHA256 of "t.body">`, several `v1` while a secret is being rolled.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Sequence
from datetime import datetime

TOLERANCE_SECONDS = 300
_MAX_SIGNATURES = 20


class BadSignature(Exception):
    """The body is not proven to be Stripe's; `why` is for log and metrics only, never for the answer (F017)."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


def check_signature(body: bytes, header: str | None, secrets: Sequence[str], now: datetime) -> None:
    """Raises `BadSignature` unless one of `secrets` signed exactly this body within five minutes of `now`."""
    if not header:
        raise BadSignature("missing")
    pairs = [part.strip().partition("=") for part in header.split(",")]
    times = [value for name, _, value in pairs if name == "t"]
    signatures = [value.encode() for name, _, value in pairs if name == "v1"][:_MAX_SIGNATURES]
    if len(times) != 1 or not (times[0].isascii() and times[0].isdigit() and len(times[0]) <= 12):
        raise BadSignature("malformed")
    signed = times[0].encode() + b"." + body
    expected = [hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest().encode() for secret in secrets]
    # Every pair is compared, so that the time taken tells nothing.
    matches = [hmac.compare_digest(one, other) for one in expected for other in signatures]
    if not any(matches):
        raise BadSignature("mismatch")
    if abs(now.timestamp() - int(times[0])) > TOLERANCE_SECONDS:
        raise BadSignature("out_of_tolerance")
