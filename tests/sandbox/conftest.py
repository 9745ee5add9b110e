"""A sandbox per test, whose every answer and every event is checked when the test ends."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import stripe

from tests.sandbox import schema_bundle, sdk_shapes
from tests.sandbox_server import SandboxServer


class Recorder(stripe.RequestsClient):
    """The SDK's own HTTP client, keeping what comes back."""

    def __init__(self) -> None:
        super().__init__(timeout=20)
        self.answers: list[tuple[str, int, dict[str, Any]]] = []

    def request(self, method: str, url: str, headers: Any, post_data: Any = None) -> Any:
        body, status, answered = super().request(method, url, headers, post_data)
        try:
            self.answers.append((f"{method} {url}", status, json.loads(body)))
        except ValueError:
            self.answers.append((f"{method} {url}", status, {"error": {"type": "api_error"}}))
        return body, status, answered


class Receiver:
    """A webhook receiver that checks signatures and keeps the events; ``answer`` is the status it gives."""

    def __init__(self) -> None:
        self.events: list[dict[str, Any]] = []
        self.answer = 200
        self.flush: Callable[[], object] = lambda: None
        self._lock = threading.Lock()

    def __call__(self, body: bytes, signature: str) -> int:
        stripe.WebhookSignature.verify_header(body, signature, "whsec_sandbox", 300)
        with self._lock:
            self.events.append(json.loads(body))
        return self.answer

    def types(self) -> list[str]:
        """The event types sent so far, in order; forgets them."""
        self.flush()
        with self._lock:
            found = [event["type"] for event in self.events]
            self.events.clear()
        return found

    def last(self, type_: str) -> dict[str, Any]:
        """The object of the newest event of a type."""
        self.flush()
        found: dict[str, Any] = next(e for e in reversed(self.events) if e["type"] == type_)["data"]["object"]
        return found


def complaints(objects: list[tuple[str, dict[str, Any]]]) -> list[str]:
    """Everything wrong with these objects, by the SDK and by the schema bundle if there is one."""
    found = []
    for name, obj in objects:
        wrong = sdk_shapes.problems(obj)
        if schema_bundle.present():
            wrong += schema_bundle.problems(obj)
        found += [f"{name}: {problem}" for problem in wrong]
    return sorted(set(found))


@pytest.fixture
def receiver() -> Receiver:
    return Receiver()


@pytest.fixture
def recorder() -> Recorder:
    return Recorder()


@pytest.fixture
def sandbox(receiver: Receiver, recorder: Recorder) -> Iterator[SandboxServer]:
    """A running sandbox; at the end of the test all that it said must be as the SDK declares it."""
    with SandboxServer(deliver=receiver) as server:
        receiver.flush = server.flush
        yield server
        server.control("webhooks", {"off": False, "drop": 0})
        with server.world.lock:
            events = [
                (event["type"], {name: value for name, value in event.items() if not name.startswith("_")})
                for event in server.world.store.all("event")
            ]
    answers = [(name, body) for name, _, body in recorder.answers]
    assert complaints(answers + events) == []


@pytest.fixture
def client(sandbox: SandboxServer, recorder: Recorder) -> Any:
    """The real SDK over real HTTP, without retries."""
    stripe.enable_telemetry = False
    return stripe.StripeClient(sandbox.secret_key, base_addresses={"api": sandbox.base_url}, http_client=recorder).v1
