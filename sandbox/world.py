"""One sandbox: its clock, its objects, its webhooks, and the lock under which they change."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from sandbox.clock import Clock
from sandbox.protocol.errors import StripeFailure
from sandbox.protocol.faults import Faults
from sandbox.protocol.idempotency import IdempotencyKeys
from sandbox.settings import Settings
from sandbox.store import Obj, Store
from sandbox.webhooks.sender import Sender


@dataclass(frozen=True)
class Cause:
    """The API request that changes the world; both parts are ``None`` for the clock, the pages and the control API."""

    request_id: str | None = None
    idempotency_key: str | None = None


@dataclass
class World:
    """Everything a handler needs. Change it only inside :meth:`turn`."""

    settings: Settings
    clock: Clock
    store: Store
    faults: Faults
    base_url: str
    cause: Cause = Cause()
    calls: list[dict[str, Any]] = field(default_factory=list)
    refund_outcomes: list[str] = field(default_factory=list)
    """Status of the next refunds, first in first out; ``succeeded`` when empty."""
    lock: threading.RLock = field(default_factory=threading.RLock)
    advancing: threading.Lock = field(default_factory=threading.Lock)
    idempotency: IdempotencyKeys = field(init=False)
    sender: Sender = field(init=False)

    def __post_init__(self) -> None:
        self.idempotency = IdempotencyKeys(self.store, self.lock)
        self.sender = Sender(self.settings, self.store, self.lock, self.clock)

    @classmethod
    def create(cls, settings: Settings) -> World:
        """A world on the clock file and state file of these settings."""
        return cls(
            settings=settings,
            clock=Clock(settings.clock_file),
            store=Store(settings.state_file),
            faults=Faults(),
            base_url=settings.base_url,
        )

    @contextmanager
    def turn(self, cause: Cause | None = None) -> Iterator[None]:
        """Change the world alone and at one moment, then keep the changes and let the webhooks go."""
        with self.lock, self.clock.standing():
            outer, self.cause = self.cause, cause or self.cause
            try:
                yield
            finally:
                # A declined card raises too, and what it left behind is real.
                self.cause = outer
                self.store.commit()
                self.sender.wake()

    def now(self) -> int:
        """Virtual Unix time."""
        return self.clock.now()

    def need(self, kind: str, key: Any, param: str | None = None) -> Obj:
        """The object a request names. Raises Stripe's ``resource_missing``: 404 for a path, 400 for a parameter."""
        obj = self.store.get(kind, str(key))
        if obj is None or obj.get("_deleted"):
            words = kind.split(".")[-1].replace("_", " ")
            raise StripeFailure(
                404 if param is None else 400,
                f"No such {words}: '{key}'",
                code="resource_missing",
                param=param or "id",
            )
        return obj
