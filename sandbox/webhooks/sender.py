"""Sends events to their endpoints: signed, in order, from a thread of its own, with retries."""

from __future__ import annotations

import heapq
import json
import logging
import threading
import time
from typing import Any

import requests
import stripe

from sandbox.clock import Clock
from sandbox.ids import token
from sandbox.settings import Settings
from sandbox.store import Obj, Store
from sandbox.webhooks.switches import Switches

log = logging.getLogger("sandbox.webhooks")


class Sender:
    """One queue and one thread, so that an undisturbed receiver sees events in the order they happened."""

    def __init__(self, settings: Settings, store: Store, world_lock: threading.RLock, clock: Clock) -> None:
        self.switches = Switches()
        self._settings, self._store, self._world_lock, self._clock = settings, store, world_lock, clock
        self._changed = threading.Condition()
        self._queue: list[tuple[float, int, str]] = []  # when (monotonic), tie-breaker, delivery id
        self._sequence = 0
        self._retries: set[int] = set()
        self._sending = 0
        self._stopped = False
        self._thread: threading.Thread | None = None
        self._session = requests.Session()
        self._session.trust_env = False

    def start(self) -> None:
        """Begin to send; what an earlier run left waiting goes first."""
        with self._world_lock:
            for delivery in self._store.where("_delivery", state="waiting"):
                self._push(delivery["id"], 0)
        self._thread = threading.Thread(target=self._run, name="sandbox-webhooks", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Stop after the delivery now under way."""
        with self._changed:
            self._stopped = True
            self._changed.notify_all()
        if self._thread is not None:
            self._thread.join(timeout=self._settings.webhook_timeout_seconds + 1)

    def queue(self, event: Obj, endpoint: Obj) -> None:
        """Plan the delivery of an event. The caller holds the world's lock."""
        delivery = self._store.add(
            {
                "object": "_delivery",
                "id": f"dlv_{token(20)}",
                "event": event["id"],
                "endpoint": endpoint["id"],
                "state": "waiting",
                "attempts": [],
            }
        )
        self.resend(delivery)

    def resend(self, delivery: Obj) -> None:
        """Plan a delivery (again), as the switches have it. The caller holds the world's lock."""
        if self.switches.lose_one():
            self._store.update(delivery, state="undelivered")
            return
        self._store.update(delivery, state="waiting", attempts=[])
        for _ in range(2 if self.switches.duplicate else 1):
            self._push(delivery["id"], self.switches.wait_seconds())

    def wake(self) -> None:
        """Look at the queue now."""
        with self._changed:
            self._changed.notify_all()

    def flush(self, timeout_seconds: float, retries: bool = False) -> bool:
        """Wait until every first attempt (or, with ``retries``, every attempt) is over; whether that came true."""
        deadline = time.monotonic() + timeout_seconds
        with self._changed:
            while self._sending or any(retries or n not in self._retries for _, n, _ in self._queue):
                left = deadline - time.monotonic()
                if left <= 0 or self._stopped:
                    return False
                self._changed.wait(left)
        return True

    def clear(self) -> None:
        """Forget what was planned."""
        with self._changed:
            self._queue.clear()
            self._retries.clear()
        self.switches = Switches()

    def _push(self, delivery_id: str, wait_seconds: float, retry: bool = False) -> None:
        with self._changed:
            self._sequence += 1
            if retry:
                self._retries.add(self._sequence)
            heapq.heappush(self._queue, (time.monotonic() + wait_seconds, self._sequence, delivery_id))
            self._changed.notify_all()

    def _next(self) -> str | None:
        """The next due delivery; ``None`` when stopped."""
        with self._changed:
            while not self._stopped:
                wait = self._queue[0][0] - time.monotonic() if self._queue else None
                if wait is not None and wait <= 0:
                    _, number, delivery_id = heapq.heappop(self._queue)
                    self._retries.discard(number)
                    self._sending += 1
                    return delivery_id
                self._changed.wait(wait)
        return None

    def _run(self) -> None:
        while (delivery_id := self._next()) is not None:
            try:
                self._deliver(delivery_id)
            except Exception:
                log.exception("delivery %s failed inside the sandbox", delivery_id)
            finally:
                with self._changed:
                    self._sending -= 1
                    self._changed.notify_all()

    def _deliver(self, delivery_id: str) -> None:
        with self._world_lock:
            delivery = self._store.get("_delivery", delivery_id)
            event = self._store.get("event", delivery["event"]) if delivery else None
            endpoint = self._store.get("webhook_endpoint", delivery["endpoint"]) if delivery else None
            if delivery is None or event is None or endpoint is None or endpoint["status"] != "enabled":
                return
            public = {name: value for name, value in event.items() if not name.startswith("_")}
            body = json.dumps(public, indent=2).encode()
        # Signatures carry real time: receivers check their age against their real clock.
        header = stripe.WebhookSignature.generate_signature_header(body.decode(), endpoint["_secret"])
        status, problem = self._post(endpoint, body, header)
        with self._world_lock:
            self._record(delivery, event, status, problem)
            self._store.commit()

    def _post(self, endpoint: Obj, body: bytes, header: str) -> tuple[int | None, str | None]:
        try:
            if endpoint.get("_default") and self._settings.deliver is not None:
                return self._settings.deliver(body, header), None
            answer = self._session.post(
                endpoint["url"],
                data=body,
                headers={
                    "Content-Type": "application/json; charset=utf-8",
                    "Stripe-Signature": header,
                    "User-Agent": "Stripe/1.0 (+https://stripe.com/docs/webhooks)",
                },
                timeout=self._settings.webhook_timeout_seconds,
                allow_redirects=False,
            )
        except Exception as error:  # a receiver may fail in any way; the failure is the result
            return None, f"{type(error).__name__}: {error}"[:300]
        return answer.status_code, None

    def _record(self, delivery: Obj, event: Obj, status: int | None, problem: str | None) -> None:
        attempts: list[dict[str, Any]] = [
            *delivery["attempts"],
            {"at": self._clock.now(), "status": status, "problem": problem},
        ]
        if status is not None and 200 <= status < 300:
            if delivery["state"] != "delivered":
                self._store.update(event, pending_webhooks=max(0, event["pending_webhooks"] - 1))
            self._store.update(delivery, state="delivered", attempts=attempts)
            return
        gaps = self._settings.webhook_retry_gaps_seconds
        log.warning("%s (%s) was answered %s", event["id"], event["type"], problem or status)
        if delivery["state"] == "delivered":  # the twin of a duplicate already got through
            self._store.update(delivery, attempts=attempts)
        elif len(attempts) <= len(gaps):
            self._store.update(delivery, attempts=attempts)
            self._push(delivery["id"], gaps[len(attempts) - 1], retry=True)
        else:
            self._store.update(delivery, state="undelivered", attempts=attempts)
