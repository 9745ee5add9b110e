"""What a sandbox is started with, and what it refuses to start with."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

API_VERSION = "2026-10-28.endive"
"""The Stripe API version imitated here; a test compares it with the installed SDK's."""

ACCOUNT_ID = "acct_sandbox0000000001"

Deliver = Callable[[bytes, str], int]
"""Hands one webhook (raw body, ``Stripe-Signature`` header) to a receiver and returns its HTTP status."""


class UnsafeSettings(ValueError):
    """The sandbox was asked to use a real key or to listen beyond this machine."""


@dataclass(frozen=True)
class Settings:
    """Everything adjustable. Times are in the unit their name ends with."""

    secret_key: str
    webhook_secret: str
    clock_file: Path
    webhook_url: str = ""
    """Receiver of the default endpoint; empty means events are only stored."""
    deliver: Deliver | None = None
    """In place of HTTP: the default endpoint hands its webhooks to this function."""
    state_file: Path | None = None
    """SQLite file that keeps the state between runs; ``None`` keeps it in memory."""
    host: str = "127.0.0.1"
    port: int = 8001
    finalize_after_seconds: int = 3600
    """How long a renewal's invoice stays a draft."""
    dunning_retry_days: tuple[int, ...] = (3, 5, 7)
    """Days from one failed attempt of an invoice to the next."""
    dunning_ends_with: str = "cancel"
    """What becomes of the subscription after the last retry: ``cancel`` or ``unpaid``."""
    incomplete_expires_after_seconds: int = 23 * 3600
    delayed_payment_days: int = 3
    """When a delayed payment succeeds by itself if nobody settles it before."""
    webhook_retry_gaps_seconds: tuple[float, ...] = (1, 5, 30, 120)
    webhook_timeout_seconds: float = 15
    step_wait_seconds: float = 10
    """How long an advance of the clock waits for the webhooks of one step."""
    tick_seconds: float = 5
    """How often due work is looked for while nobody calls; 0 turns that off."""

    def __post_init__(self) -> None:
        if not self.secret_key.startswith("sk_test_"):
            raise UnsafeSettings("The sandbox takes only keys that begin with sk_test_.")
        if not self.webhook_secret.strip():
            raise UnsafeSettings("The sandbox needs a webhook secret.")
        if not is_loopback(self.host):
            raise UnsafeSettings(f"The sandbox listens on this machine only, not on {self.host}.")
        if self.dunning_ends_with not in ("cancel", "unpaid"):
            raise UnsafeSettings("dunning_ends_with is cancel or unpaid.")

    @property
    def base_url(self) -> str:
        """Origin of the pages that objects link to."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{self.port}"


def is_loopback(host: str) -> bool:
    """Whether a host name or address can only mean this machine."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
