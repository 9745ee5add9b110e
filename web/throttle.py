"""Slows down guessing and flooding: so many attempts within a window, then a wait (F131).

Counted per name (an account, an e-mail address), so that changing addresses helps nobody, and per address, so that
trying one password on many names does not either. The counters stand in the database, which every worker shares; a
name or address is kept there as a keyed hash only.
"""

from __future__ import annotations

import hmac
import ipaddress
import math
from dataclasses import dataclass
from datetime import timedelta

from flask import current_app, request

from billing import attempts, clock


@dataclass(frozen=True, slots=True)
class Limits:
    """How many attempts one name and one address have within the window."""

    per_name: int
    per_address: int
    window: timedelta


_PASSWORDS = Limits(10, 50, timedelta(minutes=15))

DOORS: dict[str, Limits] = {
    "customers": _PASSWORDS,
    "staff": _PASSWORDS,
    # Enough for a school or an office behind one address, too few to farm sign-up credits or to try out addresses.
    "register": Limits(10, 100, timedelta(hours=1)),
    "mail": Limits(5, 50, timedelta(hours=1)),
}
"""What is throttled, each door with counters of its own."""


class TooManyAttempts(Exception):
    """Another attempt is allowed in `retry_after` seconds."""

    def __init__(self, retry_after: int) -> None:
        super().__init__(f"try again in {retry_after} s")
        self.retry_after = retry_after


def count_attempt(door: str, name: str) -> None:
    """Count an attempt before it is looked at, so that many at once are not all let through.

    `door` is one of `DOORS`. Raises `TooManyAttempts`.
    """
    limits = DOORS[door]
    for counter, most in ((_name(door, name), limits.per_name), (_address(door), limits.per_address)):
        ends_at = attempts.count_attempt(counter, most, limits.window)
        if ends_at is not None:
            raise TooManyAttempts(max(1, math.ceil((ends_at - clock.wall_now()).total_seconds())))


def forgive_attempts(door: str, name: str) -> None:
    """The password was right: what was wrong before under this name no longer counts."""
    attempts.forget_attempts(_name(door, name))


def _name(door: str, name: str) -> str:
    return f"{door}-name-{_hash(name.strip().lower())}"


def _address(door: str) -> str:
    return f"{door}-address-{_hash(_network(request.remote_addr or ''))}"


def _network(address: str) -> str:
    """An IPv6 address without its lower half, which whoever has one can change at will."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    return str(ipaddress.ip_network((parsed, 64), strict=False)) if parsed.version == 6 else address


def _hash(text: str) -> str:
    secret = current_app.config["SECRET_KEY"].encode()
    return hmac.digest(secret, text.encode("utf-8", "surrogatepass"), "sha256").hex()
