"""Calls to Stripe end in time, are repeated only where that is safe, and fail as one clear error."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
import responses
import stripe
from flask import Flask
from structlog.testing import capture_logs

from billing import stripe_gateway
from billing.db import transaction
from billing.errors import StripeRefused, StripeUnavailable
from billing.stripe_gateway import (
    CardDeclined,
    StripeAuthFailed,
    StripeGateway,
    StripeIdempotencyMismatch,
    StripeNotFound,
    StripeRequestRefused,
    calls,
)
from config import ROOT
from tests.stripe_world import environ, sandbox

__all__ = ["environ", "sandbox"]

BASE = "http://stripe.test"


@pytest.fixture
def gateway(app: Flask) -> StripeGateway:
    """The real gateway in front of an address where `wire` answers."""
    return StripeGateway("sk_test_saldo", "http://127.0.0.1:8000", BASE)


@pytest.fixture
def wire() -> Iterator[responses.RequestsMock]:
    """What the network answers, instead of Stripe."""
    with responses.RequestsMock() as wire:
        yield wire


@pytest.fixture
def gaps(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """How long the gateway would have waited between tries."""
    waited: list[float] = []
    monkeypatch.setattr(calls.time, "sleep", waited.append)
    return waited


CUSTOMER = {"id": "cus_1", "object": "customer"}


def create(gateway: StripeGateway, key: str = "customer-1") -> Any:
    return gateway.create_customer(email="ada@example.com", name=None, locale="es", metadata={}, idempotency_key=key)


def failure(code: str, kind: str = "invalid_request_error") -> dict[str, Any]:
    return {"error": {"type": kind, "code": code, "message": "No: ada@example.com", "param": "customer"}}


def test_sends_our_own_idempotency_key_and_version(gateway: StripeGateway, wire: Any) -> None:
    wire.post(f"{BASE}/v1/customers", json=CUSTOMER)
    assert create(gateway).id == "cus_1"
    sent = wire.calls[0].request
    assert sent.headers["Idempotency-Key"] == "customer-1"
    assert sent.headers["Stripe-Version"] == stripe.api_version
    assert "X-Stripe-Client-Telemetry" not in sent.headers
    assert stripe.enable_telemetry is False


@pytest.mark.parametrize("status", [429, 500, 503, 409])
def test_repeats_a_passing_fault_with_the_same_key__F178(
    gateway: StripeGateway, wire: Any, gaps: list[float], status: int
) -> None:
    wire.post(f"{BASE}/v1/customers", json=failure("lock_timeout"), status=status)
    wire.post(f"{BASE}/v1/customers", json=CUSTOMER)
    assert create(gateway).id == "cus_1"
    assert {call.request.headers["Idempotency-Key"] for call in wire.calls} == {"customer-1"}
    assert len(gaps) == 1


def test_waits_longer_each_time_and_gives_up__F174(gateway: StripeGateway, wire: Any, gaps: list[float]) -> None:
    for _ in range(calls.MAX_TRIES):
        wire.post(f"{BASE}/v1/customers", json=failure("rate_limit"), status=429)
    with pytest.raises(StripeUnavailable):
        create(gateway)
    assert gaps == sorted(gaps)
    assert gaps[-1] > 2 * gaps[0]
    assert sum(gaps) < calls.CALL_TIMEOUT_SECONDS < 15


def test_gives_up_when_the_time_is_up(
    gateway: StripeGateway, wire: Any, gaps: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(calls, "CALL_TIMEOUT_SECONDS", 0.1)
    monkeypatch.setattr(calls, "FIRST_GAP_SECONDS", 0.2)
    wire.post(f"{BASE}/v1/customers", json=failure("x"), status=500)
    with pytest.raises(StripeUnavailable):
        create(gateway)
    assert gaps == []


def test_does_not_repeat_when_stripe_advises_against(gateway: StripeGateway, wire: Any) -> None:
    wire.post(f"{BASE}/v1/customers", json=failure("x"), status=500, headers={"stripe-should-retry": "false"})
    with pytest.raises(StripeUnavailable):
        create(gateway)
    assert len(wire.calls) == 1


@pytest.mark.parametrize(
    ("status", "body", "expected", "code"),
    [
        (400, failure("parameter_unknown"), StripeRequestRefused, "conflict"),
        (400, failure("resource_missing"), StripeNotFound, "not_found"),
        (404, failure("resource_missing"), StripeNotFound, "not_found"),
        (402, failure("card_declined", "card_error"), CardDeclined, "card_declined"),
        (400, failure("x", "idempotency_error"), StripeIdempotencyMismatch, "conflict"),
        (401, failure("x"), StripeAuthFailed, "stripe_unavailable"),
        (403, failure("x"), StripeAuthFailed, "stripe_unavailable"),
    ],
)
def test_sorts_a_refusal_and_never_repeats_it__F184(
    gateway: StripeGateway, wire: Any, status: int, body: Any, expected: type, code: str
) -> None:
    wire.post(f"{BASE}/v1/customers", json=body, status=status, headers={"request-id": "req_42"})
    with capture_logs() as logs, pytest.raises(expected) as error:
        create(gateway)
    assert error.type is expected
    assert error.value.code == code
    assert len(wire.calls) == 1
    assert [log["stripe_request_id"] for log in logs] == ["req_42"]
    assert "ada@example.com" not in repr(logs) + str(error.value)


def test_tells_refused_from_unavailable() -> None:
    assert issubclass(StripeNotFound, StripeRefused)
    assert issubclass(StripeAuthFailed, StripeUnavailable)
    assert not issubclass(StripeIdempotencyMismatch, StripeUnavailable)


@pytest.mark.parametrize(
    "answer",
    [
        {"body": "<html>502</html>", "status": 502, "content_type": "text/html"},
        {"body": "<html>login</html>", "status": 200, "content_type": "text/html"},
        {"body": '{"id": "cus_', "status": 200},
        {"body": "[]", "status": 200},
        {"body": "null", "status": 200},
        {"body": '"text"', "status": 200},
        {"body": '{"object": "customer"}', "status": 200},
        {"body": '{"id": 7, "object": "customer"}', "status": 200},
        {"body": '{"error": "odd"}', "status": 400},
        {"body": '{"error": {"message": null}}', "status": 418},
        {"body": "", "status": 500},
        {"body": ConnectionError("reset")},
        {"body": b"\xff\xfe\x00", "status": 200},
    ],
)
def test_takes_an_answer_that_is_none_for_no_answer__F181(
    gateway: StripeGateway, gaps: list[float], answer: dict[str, Any]
) -> None:
    with responses.RequestsMock() as wire:
        wire.post(f"{BASE}/v1/customers", **answer)
        with pytest.raises(StripeUnavailable):
            create(gateway)


def test_survives_a_broken_certificate__F181(gateway: StripeGateway, gaps: list[float]) -> None:
    from requests.exceptions import SSLError

    with responses.RequestsMock() as wire:
        wire.post(f"{BASE}/v1/customers", body=SSLError("self-signed"))
        with pytest.raises(StripeUnavailable):
            create(gateway)


def test_remembers_a_refused_key_until_stripe_takes_it_again__F182(gateway: StripeGateway, wire: Any) -> None:
    wire.post(f"{BASE}/v1/customers", json=failure("x"), status=401)
    wire.post(f"{BASE}/v1/customers", json=CUSTOMER)
    with pytest.raises(StripeAuthFailed):
        create(gateway)
    assert gateway.auth_failed
    create(gateway)
    assert not gateway.auth_failed


def test_never_calls_inside_a_transaction(gateway: StripeGateway) -> None:
    with transaction(), pytest.raises(AssertionError):
        create(gateway)


def test_reads_a_list_page_by_page(gateway: StripeGateway, wire: Any) -> None:
    page = {"object": "list", "url": "/v1/billing_portal/configurations"}
    row = {"object": "billing_portal.configuration", "active": True, "metadata": {}}
    url = f"{BASE}/v1/billing_portal/configurations"
    wire.get(url, json=page | {"has_more": True, "data": [row | {"id": "bpc_1"}, row | {"id": "bpc_2"}]})
    wire.get(url, json=page | {"has_more": False, "data": [row | {"id": "bpc_3"}]})
    assert [each.id for each in gateway.list_portal_configurations()] == ["bpc_1", "bpc_2", "bpc_3"]
    assert "starting_after=bpc_2" in wire.calls[1].request.url


def test_ends_a_list_that_never_moves_on(gateway: StripeGateway, wire: Any) -> None:
    row = {"object": "billing_portal.configuration", "active": True, "metadata": {}, "id": "bpc_1"}
    wire.get(
        f"{BASE}/v1/billing_portal/configurations",
        json={"object": "list", "url": "/", "has_more": True, "data": [row]},
    )
    with pytest.raises(StripeUnavailable):
        list(gateway.list_portal_configurations())


def test_asks_for_ten_lookup_keys_at_a_time(gateway: StripeGateway, wire: Any) -> None:
    wire.get(f"{BASE}/v1/prices", json={"object": "list", "url": "/v1/prices", "has_more": False, "data": []})
    assert gateway.list_prices_by_lookup_key([f"pack:{n}" for n in range(23)]) == []
    assert [call.request.url.count("lookup_keys") for call in wire.calls] == [10, 10, 3]


def test_calls_at_once_are_half_of_a_workers_threads() -> None:
    threads = re.search(r"^threads = (\d+)$", (ROOT / "gunicorn.conf.py").read_text(encoding="utf-8"), re.MULTILINE)
    assert threads
    assert int(threads[1]) >= 2 * calls.MAX_CALLS_AT_ONCE


def test_leaves_threads_free_when_stripe_hangs(
    app: Flask, gateway: StripeGateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(calls, "WAIT_FOR_TURN_SECONDS", 0.05)
    hang, begun = threading.Event(), threading.Semaphore(0)

    def answer(_request: Any) -> tuple[int, dict[str, str], str]:
        begun.release()
        hang.wait(10)
        return 200, {}, '{"id": "cus_1", "object": "customer"}'

    def call() -> None:
        with app.app_context():
            create(gateway)

    with responses.RequestsMock() as wire:
        wire.add_callback(responses.POST, f"{BASE}/v1/customers", callback=answer)
        threads = [threading.Thread(target=call) for _ in range(calls.MAX_CALLS_AT_ONCE)]
        for thread in threads:
            thread.start()
        for _ in threads:
            begun.acquire()
        before = time.monotonic()
        with pytest.raises(StripeUnavailable):
            create(gateway)
        assert time.monotonic() - before < 1
        hang.set()
        for thread in threads:
            thread.join()


def test_times_out_within_the_bound(app: Flask, sandbox: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calls, "CALL_TIMEOUT_SECONDS", 1.0)
    sandbox.fault("latency", path="/v1/customers", seconds=4)
    before = time.monotonic()
    with pytest.raises(StripeUnavailable):
        create(stripe_gateway.current())
    assert time.monotonic() - before < 2


@pytest.mark.parametrize("kind", ["429", "500", "drop", "truncated", "html", "409"])
def test_makes_one_customer_through_a_fault_on_the_wire__F176(app: Flask, sandbox: Any, kind: str) -> None:
    sandbox.fault(kind, method="POST", path="/v1/customers")
    made = create(stripe_gateway.current())
    assert create(stripe_gateway.current()).id == made.id
    assert len(sandbox.client.v1.customers.list().data) == 1


def test_sends_the_customer_back_to_our_origin_only__F138(gateway: StripeGateway, wire: Any) -> None:
    wire.post(f"{BASE}/v1/billing_portal/sessions", json={"id": "bps_1", "url": "https://billing.stripe.test"})
    gateway.create_portal_session(customer="cus_1", configuration=None, return_path="/subscriptions", locale=None)
    assert "return_url=http%3A%2F%2F127.0.0.1%3A8000%2Fsubscriptions" in wire.calls[0].request.body
