"""Slows down guessing of passwords: ten wrong ones in a quarter of an hour, then a wait (F131).

Counted per account name, so that changing addresses helps nobody, and per address, so that trying one password
on many names does not either. A name is counted as a keyed hash: the store never holds an e-mail.
"""

from __future__ import annotations

import hmac
import math
import time

from flask import Flask, current_app, request
from limits import RateLimitItemPerMinute
from limits.storage import storage_from_string
from limits.strategies import FixedWindowRateLimiter

from config import Settings

WRONG_PER_NAME = RateLimitItemPerMinute(10, 15)
WRONG_PER_ADDRESS = RateLimitItemPerMinute(50, 15)


class TooManyAttempts(Exception):
    """Another attempt is allowed in `retry_after` seconds."""

    def __init__(self, retry_after: int) -> None:
        super().__init__(f"try again in {retry_after} s")
        self.retry_after = retry_after


def register(app: Flask) -> None:
    """Keep the counters where RATELIMIT_STORAGE_URI says."""
    settings: Settings = app.config["SETTINGS"]
    storage = storage_from_string(settings.ratelimit_storage_uri.get_secret_value())
    app.extensions["password_attempts"] = FixedWindowRateLimiter(storage)


def count_attempt(door: str, name: str) -> None:
    """Count an attempt before its password is checked, so that many at once are not all let through.

    `door` keeps customers' and staff's counters apart. Raises `TooManyAttempts`.
    """
    attempts: FixedWindowRateLimiter = current_app.extensions["password_attempts"]
    for item, key in _counters(door, name):
        if not attempts.hit(item, *key):
            reset_at = attempts.get_window_stats(item, *key).reset_time
            raise TooManyAttempts(max(1, math.ceil(reset_at - time.time())))


def forgive_attempts(door: str, name: str) -> None:
    """The password was right: what was wrong before under this name no longer counts."""
    item, key = _counters(door, name)[0]
    current_app.extensions["password_attempts"].clear(item, *key)


def _counters(door: str, name: str) -> list[tuple[RateLimitItemPerMinute, tuple[str, str]]]:
    secret = current_app.config["SECRET_KEY"].encode()
    hashed = hmac.digest(secret, name.strip().lower().encode("utf-8", "surrogatepass"), "sha256").hex()
    return [
        (WRONG_PER_NAME, (f"{door}-name", hashed)),
        (WRONG_PER_ADDRESS, (f"{door}-address", request.remote_addr or "")),
    ]
