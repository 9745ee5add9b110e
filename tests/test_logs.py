"""Logs are JSON lines with the request's id, and hold neither secrets nor personal data (F017, F151, I38)."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
import structlog

import logs


@pytest.fixture
def lines(capsys: pytest.CaptureFixture[str]) -> Iterator[Any]:
    """Configure logging as a server does, and return a function that reads what was logged since."""
    logs.configure("INFO")
    yield lambda: [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    structlog.contextvars.clear_contextvars()


def test_log_carries_level_time_logger_and_request_id(lines: Any) -> None:
    structlog.contextvars.bind_contextvars(request_id="req_1")
    structlog.get_logger("billing.refunds").warning("refund_pending", amount_minor=1200, held=None)
    [line] = lines()
    assert line.pop("timestamp").endswith("Z")
    assert line == {
        "event": "refund_pending",
        "level": "warning",
        "logger": "billing.refunds",
        "request_id": "req_1",
        "amount_minor": 1200,
        "held": None,
    }


def test_log_leaves_out_what_is_below_the_level(lines: Any) -> None:
    structlog.get_logger("a").debug("noise")
    logging.getLogger("gunicorn.error").debug("noise")
    logging.getLogger("stripe").info("message='Request to Stripe api'")
    assert lines() == []


def test_log_of_other_libraries_is_redacted_json_too(lines: Any) -> None:
    structlog.contextvars.bind_contextvars(request_id="req_2")
    logging.getLogger("gunicorn.error").info("key %s", "sk_live_abc")
    [line] = lines()
    assert line["event"] == "key [redacted]"
    assert line["request_id"] == "req_2"


def test_log_of_an_exception_keeps_its_traceback_and_no_secret(lines: Any) -> None:
    try:
        raise RuntimeError("for ana@example.com with sk_test_abc")
    except RuntimeError:
        structlog.get_logger("a").exception("failed")
    [line] = lines()
    assert "Traceback" in line["exception"]
    assert 'raise RuntimeError("for [redacted] with [redacted]")' in line["exception"]
    assert "abc" not in line["exception"]


def test_log_line_cannot_be_faked_by_line_breaks(lines: Any) -> None:
    structlog.get_logger("a").info("customer", name='x\r\n{"event": "forged"}\u2028\x00y')
    [line] = lines()
    assert line["name"] == 'x {"event": "forged"} y'


@pytest.mark.parametrize(
    "secret",
    [
        "sk_test_51Habc",
        "sk_live_51Habc",
        "rk_live_51Habc",
        "whsec_Zm9v+/bar=",
        "sk_saldo_01h2x3-_z",
        "Bearer abc.def",
        "ana.b+c@mail.example.com",
        "4242424242424242",
        "4000 0000 0000 0002",
        "3782-822463-10005",
    ],
)
def test_redact_blanks_secrets_and_personal_data(secret: str) -> None:
    for text in (secret, f"before {secret} after", f"<{secret}>", f"a={secret};b"):
        assert logs.redact(text) == text.replace(secret, logs.REDACTED)


def test_redact_blanks_the_password_in_an_address() -> None:
    assert logs.redact("postgresql://saldo:pa55@db:5432/saldo") == "postgresql://[redacted]@db:5432/saldo"
    assert logs.redact("smtp://a@example.com:pw@mail.example.com").count("pw") == 0


@pytest.mark.parametrize(
    "text",
    [
        "en_12_7 of cus_NffrFeUfNV2Hib",
        "2026-11-24T18:25:00.123456Z",
        "balance 1000000000000000",  # micro-credits: as long as a card number, and none
        "10.0.0.1:4242",
        "evt_4242424242424242",
        "price plan:basic:month",
    ],
)
def test_redact_leaves_ids_times_and_amounts(text: str) -> None:
    assert logs.redact(text) == text


@pytest.mark.parametrize("name", ["password", "new_password", "Authorization", "Set-Cookie", "client_secret"])
def test_redact_event_blanks_values_under_telling_names(name: str) -> None:
    event = logs.redact_event(None, "info", {"event": "x", "form": {name: "hunter2"}, name: ["hunter2"]})
    assert "hunter2" not in str(event)
    assert event["event"] == "x"
