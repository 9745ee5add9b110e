"""Delivery of events: signed, in order, retried, and badly when a switch says so."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import stripe

from tests.sandbox import shop
from tests.sandbox.conftest import Receiver
from tests.sandbox_server import SandboxServer


class _Shop(ThreadingHTTPServer):
    """A receiver over real HTTP."""

    def __init__(self) -> None:
        self.received: list[tuple[dict[str, str], bytes]] = []
        self.answers: list[int] = []
        shop_server = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                shop_server.received.append((dict(self.headers), body))
                status = shop_server.answers.pop(0) if shop_server.answers else 200
                self.send_response(status)
                if status == 302:
                    self.send_header("Location", "/elsewhere")
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *arguments: Any) -> None:
                """Say nothing."""

        super().__init__(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server_port}/webhooks/stripe"


@pytest.fixture
def receiving() -> Iterator[_Shop]:
    server = _Shop()
    thread = threading.Thread(target=lambda: server.serve_forever(0.02), daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()


def test_post_signed_events_over_http(receiving: _Shop) -> None:
    with SandboxServer(webhook_url=receiving.url) as sandbox:
        made = sandbox.client.v1.customers.create({"email": "a@example.com"}, {"idempotency_key": "c-1"})
        assert sandbox.flush()
        headers, body = receiving.received[0]
        event = sandbox.client.construct_event(body, headers["Stripe-Signature"], sandbox.webhook_secret)
        assert (event.type, event.data.object.id, event.api_version) == (
            "customer.created",
            made.id,
            stripe.api_version,
        )
        assert (event.livemode, event.pending_webhooks) == (False, 1)
        assert event.request.idempotency_key == "c-1"
        assert event.request.id == made.last_response.request_id
        assert sandbox.client.v1.events.retrieve(event.id).pending_webhooks == 0
        with pytest.raises(stripe.SignatureVerificationError):
            sandbox.client.construct_event(body + b" ", headers["Stripe-Signature"], sandbox.webhook_secret)


def test_sign_with_real_time_whatever_the_clock(sandbox: SandboxServer, client: Any) -> None:
    sandbox.advance(days=400)
    stamps = []

    def read_stamp(body: bytes, signature: str) -> int:
        stamps.append(int(signature.split(",")[0].removeprefix("t=")))
        return 200

    object.__setattr__(sandbox.world.settings, "deliver", read_stamp)
    client.customers.create({"email": "a@example.com"})
    sandbox.flush()
    assert abs(stamps[0] - time.time()) < 5


@pytest.mark.parametrize("refusal", [500, 302, 404])
def test_retry_until_accepted(receiving: _Shop, refusal: int) -> None:
    receiving.answers = [refusal, refusal]
    with SandboxServer(webhook_url=receiving.url) as sandbox:
        sandbox.client.v1.customers.create({"email": "a@example.com"})
        assert sandbox.flush(retries=True)
        deliveries = sandbox.control("deliveries")["data"]
        assert [a["status"] for a in deliveries[0]["attempts"]] == [refusal, refusal, 200]
        assert deliveries[0]["state"] == "delivered"
        assert len({body for _, body in receiving.received}) == 1


def test_keep_what_was_never_accepted(sandbox: SandboxServer, client: Any, receiver: Receiver) -> None:
    receiver.answer = 503
    client.customers.create({"email": "a@example.com"})
    assert sandbox.flush(retries=True)
    assert len(receiver.events) == 3
    assert sandbox.control("deliveries")["data"][0]["state"] == "undelivered"
    missed = client.events.list({"delivery_success": False}).data
    assert [e.type for e in missed] == ["customer.created"]
    receiver.answer = 200
    sandbox.control(f"events/{missed[0].id}/resend", {})
    sandbox.flush()
    assert client.events.list({"delivery_success": False}).data == []


def test_survive_a_receiver_that_is_down(client: Any, sandbox: SandboxServer) -> None:
    def broken(body: bytes, signature: str) -> int:
        raise ConnectionRefusedError("nobody there")

    object.__setattr__(sandbox.world.settings, "deliver", broken)
    client.customers.create({"email": "a@example.com"})
    sandbox.flush(retries=True)
    assert "nobody there" in sandbox.control("deliveries")["data"][0]["attempts"][0]["problem"]


def test_send_twice(sandbox: SandboxServer, client: Any, receiver: Receiver) -> None:
    sandbox.control("webhooks", {"duplicate": True})
    client.customers.create({"email": "a@example.com"})
    assert receiver.flush()
    assert len(receiver.events) == 2
    assert receiver.events[0]["id"] == receiver.events[1]["id"]
    assert client.events.list().data[0].pending_webhooks == 0


def test_send_in_another_order(sandbox: SandboxServer, client: Any, receiver: Receiver) -> None:
    sandbox.control("webhooks", {"reorder": True, "window_seconds": 0.1})
    for n in range(15):
        client.customers.create({"email": f"c{n}@example.com"})
    sandbox.flush()
    arrived = [e["data"]["object"]["email"] for e in receiver.events]
    happened = [f"c{n}@example.com" for n in range(15)]
    assert sorted(arrived) == sorted(happened)
    assert arrived != happened


def test_lose_some(sandbox: SandboxServer, client: Any, receiver: Receiver) -> None:
    sandbox.control("webhooks", {"drop": 1})
    client.customers.create({"email": "lost@example.com"})
    client.customers.create({"email": "seen@example.com"})
    sandbox.flush()
    assert [e["data"]["object"]["email"] for e in receiver.events] == ["seen@example.com"]
    assert len(client.events.list({"delivery_success": False}).data) == 1
    sandbox.control("webhooks", {"drop": -1})
    client.customers.create({"email": "gone@example.com"})
    sandbox.flush()
    assert len(receiver.events) == 1


def test_send_late_or_not_at_all(sandbox: SandboxServer, client: Any, receiver: Receiver) -> None:
    sandbox.control("webhooks", {"delay_seconds": 0.3})
    start = time.monotonic()
    client.customers.create({"email": "late@example.com"})
    assert receiver.events == []
    sandbox.flush()
    assert len(receiver.events) == 1
    assert time.monotonic() - start >= 0.3
    sandbox.control("webhooks", {"off": True, "delay_seconds": 0})
    client.customers.create({"email": "never@example.com"})
    sandbox.flush()
    assert len(receiver.events) == 1


def test_refuse_an_unknown_switch(sandbox: SandboxServer) -> None:
    for switch in ({"loud": True}, {"drop": True}, {"duplicate": 1}):
        with pytest.raises(RuntimeError, match="400"):
            sandbox.control("webhooks", switch)


def test_send_only_what_an_endpoint_wants(receiving: _Shop) -> None:
    with SandboxServer() as sandbox:
        client = sandbox.client.v1
        endpoint = client.webhook_endpoints.create(
            {"url": receiving.url, "enabled_events": ["product.created"], "api_version": stripe.api_version}
        )
        assert endpoint.secret.startswith("whsec_")
        assert "secret" not in client.webhook_endpoints.retrieve(endpoint.id)
        client.customers.create({"email": "a@example.com"})
        client.products.create({"name": "x"})
        sandbox.flush()
        headers, body = receiving.received[0]
        assert (len(receiving.received), json.loads(body)["type"]) == (1, "product.created")
        stripe.WebhookSignature.verify_header(body, headers["Stripe-Signature"], endpoint.secret, 300)
        client.webhook_endpoints.update(endpoint.id, {"disabled": True})
        client.products.create({"name": "y"})
        sandbox.flush()
        assert len(receiving.received) == 1
        with pytest.raises(stripe.InvalidRequestError):
            client.webhook_endpoints.create({"url": "https://example.com/x", "enabled_events": ["*"]})


def test_call_back_while_time_is_moved(sandbox: SandboxServer, client: Any, receiver: Receiver) -> None:
    """A receiver that asks the API about each event, as a careful one does, sees that moment's world."""
    subscription = shop.subscribe(sandbox, client, shop.customer(client), shop.price(client, 1500))
    seen = []

    def ask(body: bytes, signature: str) -> int:
        event = json.loads(body)
        if event["type"] == "invoice.paid":
            now = client.subscriptions.retrieve(subscription.id)["items"].data[0]
            line = event["data"]["object"]["lines"]["data"][0]
            seen.append((now.current_period_end, line["period"]["end"]))
        return 200

    object.__setattr__(sandbox.world.settings, "deliver", ask)
    sandbox.advance(days=100)
    assert len(seen) == 3
    assert all(asked == told for asked, told in seen)


def test_list_events_by_type_and_page(client: Any) -> None:
    for n in range(3):
        client.customers.create({"email": f"c{n}@example.com"})
    client.products.create({"name": "x"})
    assert [e.type for e in client.events.list({"types": ["product.created"]}).data] == ["product.created"]
    customers = client.events.list({"type": "customer.*"}).data
    newer = client.events.list({"type": "customer.*", "ending_before": customers[2].id})
    assert [e.id for e in newer.data] == [customers[0].id, customers[1].id]


def test_tell_the_clock_file_first(tmp_path: Path) -> None:
    file = tmp_path / "clock"
    offsets = []

    def read_offset(body: bytes, signature: str) -> int:
        offsets.append(int(file.read_text()))
        return 200

    with SandboxServer(deliver=read_offset, clock_file=file) as sandbox:
        client = sandbox.client.v1
        shop.subscribe(sandbox, client, shop.customer(client), shop.price(client, 1500))
        assert set(offsets) == {0}
        offsets.clear()
        sandbox.advance(days=32)
        assert offsets
        assert min(offsets) > 27 * 86400
        assert offsets == sorted(offsets)


def test_stop_lets_the_receiver_of_a_delivery_under_way_ask_back() -> None:
    """A receiver that reads the object again must not be left to its time-out by a sandbox that ends."""
    begun, answers = threading.Event(), []

    def deliver(_body: bytes, _signature: str) -> int:
        begun.set()
        time.sleep(0.2)  # the sandbox is told to stop meanwhile
        answers.append(sandbox.client.v1.customers.list().data)
        return 200

    with SandboxServer(deliver=deliver) as sandbox:
        sandbox.client.v1.customers.create({"name": "Eva"})
        assert begun.wait(5)
    assert [customer.name for customer in answers[0]] == ["Eva"]
