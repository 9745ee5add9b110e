"""What the door lets in: Stripe's own events, whole, fresh and of our mode; everything else changes nothing."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from structlog.testing import capture_logs

from billing.models import Entry, StripeEvent
from config import Settings
from tests.stripe_world import EVENTS, SECRET, count, post, sample, sign, stored
from webhooks import refusals

OLD_SECRET = "whsec_before"


@pytest.fixture
def environ(environ: dict[str, str]) -> dict[str, str]:
    """A secret that is being rolled: both are good."""
    return environ | {"STRIPE_WEBHOOK_SECRET": f"{SECRET},{OLD_SECRET}"}


def unknown(number: int = 1, **changes: Any) -> dict[str, Any]:
    """An event of a type that nobody handles."""
    event = sample("customer.deleted") | {"id": f"evt_unknown_{number}", "type": "radar.rule.hit"}
    return event | changes


def assert_nothing_happened() -> None:
    assert count(StripeEvent) == 0
    assert count(Entry) == 0


def test_refuses_an_event_without_signature__F001(app: Flask) -> None:
    answer = post(app, sample("invoice.paid"), signature="")
    assert (answer.status_code, answer.json) == (400, {"status": "bad_request"})
    answer = app.test_client().post("/webhooks/stripe", data=json.dumps(sample("invoice.paid")))
    assert answer.status_code == 400
    assert_nothing_happened()


def test_refuses_another_secret_and_a_changed_body__F002(app: Flask) -> None:
    body = json.dumps(unknown()).encode()
    assert post(app, body, secret="whsec_forged").status_code == 400
    assert post(app, body.replace(b"rule", b"role"), signature=sign(body)).status_code == 400
    respaced = json.dumps(unknown(), indent=1).encode()
    assert post(app, respaced, signature=sign(body)).status_code == 400
    assert_nothing_happened()
    assert post(app, body).status_code == 200


def test_refuses_a_signature_older_than_five_minutes__F004(app: Flask) -> None:
    assert post(app, unknown(), at=time.time() - 301).status_code == 400
    assert_nothing_happened()
    assert post(app, unknown(), at=time.time() - 290).status_code == 200


def test_refuses_a_signature_from_the_future_and_says_so_to_the_operator__F196(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    fresh = refusals.Refusals()
    monkeypatch.setattr("webhooks.views.refusals", fresh)
    with capture_logs() as logs:
        assert post(app, unknown(), at=time.time() + 600).status_code == 400
    assert fresh.total == {"out_of_tolerance": 1}
    assert [log["counts"] for log in logs if log["event"] == "webhooks_refused"] == [{"out_of_tolerance": 1}]
    assert post(app, unknown()).status_code == 200


@pytest.mark.parametrize("signed_by", [(SECRET,), (OLD_SECRET,), (SECRET, "whsec_x"), ("whsec_x", SECRET)])
def test_takes_old_and_new_secret_while_one_is_rolled__F005(app: Flask, signed_by: tuple[str, ...]) -> None:
    body = json.dumps(unknown()).encode()
    at = time.time()
    headers = [sign(body, secret, at) for secret in signed_by]
    signatures = [header.split(",")[1] for header in headers]
    header = ",".join([headers[0].split(",")[0], "v0=junk", *signatures])
    assert post(app, body, signature=header).status_code == 200
    assert stored("evt_unknown_1").attempts == 1


@pytest.mark.parametrize(
    "header",
    ["t=1", "v1=abc", "t=,v1=", "t=x,v1=y", "t=1,t=2,v1=y", "=,=,=", "t=" + "9" * 400 + ",v1=a", "t=²,v1=é", "\x00"],
)
def test_refuses_a_signature_that_is_none(app: Flask, header: str) -> None:
    with app.test_request_context():
        answer = post(app, unknown(), signature=header)
    assert answer.status_code == 400
    assert_nothing_happened()


def test_answers_only_post_on_the_exact_path_and_never_redirects__F007(app: Flask) -> None:
    client = app.test_client()
    assert client.get("/webhooks/stripe").status_code == 405
    assert client.put("/webhooks/stripe").status_code == 405
    assert client.open("/webhooks/stripe", method="OPTIONS").status_code == 405
    body = json.dumps(unknown()).encode()
    for path in ("/webhooks/stripe/", "/webhooks//stripe", "/webhooks", "/webhooks/Stripe"):
        answer = client.post(path, data=body, headers={"Stripe-Signature": sign(body)})
        assert answer.status_code == 404, path
    insecure = client.post(
        "/webhooks/stripe",
        data=body,
        headers={"Stripe-Signature": sign(body), "X-Forwarded-Proto": "http", "Host": "www.shop.example"},
    )
    assert insecure.status_code == 200


def test_needs_no_form_token__F008(app: Flask) -> None:
    app.config["WTF_CSRF_ENABLED"] = True
    assert post(app, unknown()).status_code == 200


def test_ignores_the_other_mode__F009(app: Flask, settings: Settings) -> None:
    assert not settings.livemode
    answer = post(app, sample("invoice.paid") | {"livemode": True})
    assert (answer.status_code, answer.json) == (200, {"status": "ignored"})
    assert count(Entry) == 0
    assert stored(sample("invoice.paid")["id"]).note == "live mode"


def test_ignores_a_connected_account(app: Flask) -> None:
    answer = post(app, sample("invoice.paid") | {"account": "acct_other"})
    assert (answer.status_code, answer.json) == (200, {"status": "ignored"})


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"",
        b"[]",
        b"null",
        b"{}",
        b"7",
        b'"text"',
        b"\xff\xfe",
        b'{"id": "evt_1", "type": "invoice.paid", "created": 1, "livemode": false}',
        b'{"id": "evt_1", "type": "invoice.paid", "created": 1, "livemode": false, "data": {"object": {}}}',
        b'{"id": "evt_1", "type": "invoice.paid", "created": 1, "livemode": false, "data": {"object": [1]}}',
        b'{"id": "evt_1", "type": "x", "created": NaN, "livemode": false, "data": {"object": {"id": "a"}}}',
        b'{"id": "evt_1", "type": "x", "created": 1e999, "livemode": false, "data": {"object": {"id": "a"}}}',
        b'{"id": "evt\\u0000", "type": "x", "created": 1, "livemode": false, "data": {"object": {"id": "a"}}}',
        b'{"id": "' + b"e" * 300 + b'", "type": "x", "created": 1, "livemode": false, "data": {"object": {"a": 1}}}',
        b'{"id": "\\ud800", "type": "x", "created": 1, "livemode": false, "data": {"object": {"id": "a"}}}',
        b"[" * 10_000 + b"]" * 10_000,
        b'{"a":' * 10_000 + b"1" + b"}" * 10_000,
        b'{"created": ' + b"9" * 5000 + b"}",
    ],
)
def test_refuses_a_signed_body_that_is_no_event__F013(app: Flask, body: bytes) -> None:
    answer = app.test_client().post("/webhooks/stripe", data=body, headers={"Stripe-Signature": _sign_bytes(body)})
    assert (answer.status_code, answer.json) == (400, {"status": "bad_request"})
    assert_nothing_happened()


def test_parks_a_known_event_whose_object_cannot_be_read(app: Flask) -> None:
    answer = post(app, sample("invoice.paid", lines={"data": [{"id": 7}]}))
    assert (answer.status_code, answer.json) == (200, {"status": "parked"})
    assert stored(sample("invoice.paid")["id"]).note == "unreadable: id is not a text"


def test_refuses_a_body_over_a_megabyte__F014(app: Flask) -> None:
    body = b'{"padding": "' + b"x" * (1024 * 1024) + b'"}'
    before = time.monotonic()
    answer = post(app, body)
    assert (answer.status_code, answer.json) == (413, {"status": "too_large"})
    assert time.monotonic() - before < 1
    assert_nothing_happened()


def test_keeps_and_ignores_what_is_not_handled__F015(app: Flask) -> None:
    assert post(app, unknown()).json == {"status": "ignored"}
    assert stored("evt_unknown_1").status == "ignored"
    assert count(Entry) == 0


def test_tells_nobody_which_check_failed__F017(app: Flask) -> None:
    event = sample("customer.deleted")
    with capture_logs() as logs:
        answers = [
            post(app, event, signature=""),
            post(app, event, secret="whsec_forged"),
            post(app, event, at=time.time() - 3600),
            post(app, b"{"),
        ]
    assert {answer.get_data() for answer in answers} == {b'{"status":"bad_request"}\n'}
    written = repr(logs)
    assert "ada@example.com" not in written
    assert "cus_sample" not in written


def test_logs_a_flood_of_forgeries_in_few_lines__F207(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    fresh = refusals.Refusals()
    monkeypatch.setattr("webhooks.views.refusals", fresh)
    with capture_logs() as logs:
        for _ in range(50):
            post(app, unknown(), secret="whsec_forged")
    assert fresh.total["mismatch"] == 50
    assert len([log for log in logs if log["event"] == "webhooks_refused"]) == 1


def test_ignores_a_thin_event__F044(app: Flask) -> None:
    thin = {
        "id": "evt_thin",
        "object": "v2.core.event",
        "type": "v1.invoice.paid",
        "created": "2026-11-24T12:00:00Z",
        "livemode": False,
        "related_object": {"id": "in_sample", "type": "invoice", "url": "/v1/invoices/in_sample"},
    }
    answer = post(app, thin)
    assert (answer.status_code, answer.json) == (200, {"status": "ignored"})
    assert_nothing_happened()


def test_writes_nothing_of_the_payload_to_the_log(app: Flask) -> None:
    with capture_logs() as logs:
        post(app, sample("customer.deleted"))
    assert "ada" not in repr(logs)


def _sign_bytes(body: bytes) -> str:
    """The SDK signs text; this signs any bytes by the same scheme."""
    import hashlib
    import hmac

    at = int(time.time())
    return f"t={at},v1=" + hmac.new(SECRET.encode(), f"{at}.".encode() + body, hashlib.sha256).hexdigest()


def test_finds_a_sample_of_every_handled_event() -> None:
    from webhooks.registry import HANDLERS

    sampled = {json.loads(path.read_text())["type"] for path in EVENTS.glob("*.json")}
    assert sampled == set(HANDLERS)
    handlers = {path.stem for path in Path("webhooks/handlers").glob("*.py")} - {"__init__"}
    assert handlers == {name.replace(".", "_") for name in HANDLERS}
    assert all(handler.why for handler in HANDLERS.values())
