"""A sandbox for tests, with its controls at hand: on a free port, in background threads or a process of its own."""

from __future__ import annotations

import json
import random
import socket
import tempfile
import urllib.request
from collections.abc import Callable
from contextlib import suppress
from copy import deepcopy
from pathlib import Path
from types import TracebackType
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlencode

import stripe

from sandbox.server import Server
from sandbox.settings import Settings
from sandbox.world import World


class SandboxControls:
    """A running sandbox from outside: what banks, customers, networks and passing time do to it."""

    def __init__(self, base_url: str, secret_key: str) -> None:
        self.base_url = base_url
        self.secret_key = secret_key

    @property
    def client(self) -> stripe.StripeClient:
        """The real SDK, pointed here."""
        stripe.enable_telemetry = False
        return stripe.StripeClient(self.secret_key, base_addresses={"api": self.base_url})

    def control(self, path: str, body: dict[str, Any] | None = None, method: str | None = None) -> Any:
        """Call ``/_sandbox/<path>``; POST when there is a body. Raises ``RuntimeError`` with the answer on an error."""
        request = urllib.request.Request(
            f"{self.base_url}/_sandbox/{path}",
            data=None if body is None else json.dumps(body).encode(),
            headers={"Authorization": f"Bearer {self.secret_key}", "Content-Type": "application/json"},
            method=method or ("GET" if body is None else "POST"),
        )
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return json.load(answer)
        except HTTPError as error:
            raise RuntimeError(f"{error.code}: {error.read().decode()}") from None

    def pay(self, session_id: str, with_: str = "card", promotion_code: str | None = None) -> Any:
        """The customer pays a Checkout Session; returns ``{"session": …, "message": None or the refusal}``."""
        paid = self.control(f"sessions/{session_id}/pay", {"with": with_, "promotion_code": promotion_code})
        self.flush()
        return paid

    def settle(self, session_id: str, outcome: str = "succeeded") -> Any:
        """End a delayed payment."""
        settled = self.control(f"sessions/{session_id}/settle", {"outcome": outcome})
        self.flush()
        return settled

    def advance(self, *, days: int = 0, seconds: int = 0, to: int | None = None, settle: bool = True) -> int:
        """Move the clock; returns the time reached. With ``settle`` begun renewals are finalized too."""
        body: dict[str, Any] = {"advance_days": days, "advance_seconds": seconds, "settle": settle}
        if to is not None:
            body = {"advance_to": to, "settle": settle}
        now: int = self.control("clock", body)["now"]
        return now

    def flush(self, retries: bool = False) -> bool:
        """Wait until every webhook was sent once (or, with ``retries``, to its end)."""
        empty: bool = self.control("webhooks/flush", {"retries": retries})["empty"]
        return empty

    def calls(self, method: str | None = None, path: str = "") -> list[dict[str, Any]]:
        """The API requests received so far, filtered by method and beginning of the path."""
        query = urlencode({**({"method": method} if method else {}), "path": path})
        found: list[dict[str, Any]] = self.control(f"calls?{query}")["data"]
        return found

    def fault(self, kind: str, **fields: Any) -> None:
        """Plant a fault, see :mod:`sandbox.protocol.faults`."""
        self.control("faults", {"kind": kind, **fields})


class SandboxServer(SandboxControls):
    """``with SandboxServer() as sandbox:`` …; give it a ``webhook_url``, or ``deliver`` to receive in-process.

    ``deliver(raw_body, signature_header)`` returns the HTTP status the receiver answered; it is called from the
    sandbox's webhook thread, one event at a time. ``settings`` are further fields of :class:`Settings`.
    """

    def __init__(
        self,
        *,
        webhook_url: str = "",
        deliver: Callable[[bytes, str], int] | None = None,
        secret_key: str = "sk_test_sandbox",
        webhook_secret: str = "whsec_sandbox",
        clock_file: Path | None = None,
        state_file: Path | None = None,
        port: int | None = None,
        **settings: Any,
    ) -> None:
        self._directory: tempfile.TemporaryDirectory[str] | None = None
        if clock_file is None:
            self._directory = tempfile.TemporaryDirectory(prefix="sandbox-")
            clock_file = Path(self._directory.name) / "clock"
        self.clock_file = clock_file
        self.webhook_secret = webhook_secret
        self.settings = Settings(
            secret_key=secret_key,
            webhook_secret=webhook_secret,
            clock_file=clock_file,
            webhook_url=webhook_url,
            deliver=deliver,
            state_file=state_file,
            port=port or free_port(),
            **{"webhook_retry_gaps_seconds": (0.05, 0.1), "tick_seconds": 0, **settings},
        )
        super().__init__(self.settings.base_url, secret_key)
        self._server = Server(self.settings)

    def copy_objects(self, *kinds: str) -> list[dict[str, Any]]:
        """Every object of these kinds as it is stored, for another sandbox to begin with."""
        world = self._server.world
        with world.lock:
            return deepcopy([obj for kind in kinds for obj in world.store.all(kind)])

    def begin_with(self, objects: list[dict[str, Any]]) -> None:
        """Know these objects, as if they had been made here long ago; nobody is told."""
        world = self._server.world
        with world.turn():
            for obj in deepcopy(objects):
                world.store.add(obj)

    def __enter__(self) -> SandboxServer:
        self._server.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.stop()
        if self._directory is not None:
            self._directory.cleanup()

    @property
    def world(self) -> World:
        """The sandbox's inside, for tests of the sandbox itself."""
        return self._server.world


def free_port() -> int:
    """A port nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def demo_port() -> int:
    """A port for `run.py` and, beside it, one for its sandbox.

    Not out of those that the system gives to whoever connects: one that waits for a server there might meet itself.
    """
    for port in random.sample(range(20_000, 28_000), 100):
        with socket.socket() as page, socket.socket() as stripe, suppress(OSError):
            page.bind(("127.0.0.1", port))
            stripe.bind(("127.0.0.1", port + 4111))
            return port
    raise AssertionError("every port is taken")
