"""Apps in front of the API: `reader` has a key that reads, `biller` one that bills, `stranger` none."""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from billing import api_keys
from billing.db import db
from tests.stripe_world import environ, sandbox, shop

__all__ = ["Caller", "environ", "exact", "sandbox", "shop"]


@dataclass
class Caller:
    """An app with its key."""

    client: FlaskClient
    secret: str | None = None

    def get(self, path: str, **query: Any) -> TestResponse:
        return self.call("GET", path, query_string=query)

    def post(self, path: str, body: Any = None, key: str | None = None) -> TestResponse:
        """A POST under this Idempotency-Key, or a new one; without a body there is none."""
        sent = {} if body is None else {"json": body}
        return self.call("POST", path, headers={"Idempotency-Key": key or secrets.token_hex(8)}, **sent)

    def call(self, method: str, path: str, headers: dict[str, str] | None = None, **more: Any) -> TestResponse:
        """One request in an application context of its own, as on a server."""
        sent = {"Authorization": f"Bearer {self.secret}"} if self.secret else {}
        with self.client.application.app_context():
            answer = self.client.open(f"/api/v1{path}", method=method, headers={**sent, **(headers or {})}, **more)
        db.session.rollback()
        return answer


def exact(answer: TestResponse) -> Any:
    """The answer's JSON with fractions as they were written."""
    return json.loads(answer.text, parse_float=Decimal)


def problem(answer: TestResponse) -> tuple[int, str]:
    """Status and code of a problem, after a look at what every problem has."""
    assert answer.content_type == "application/problem+json", answer.text
    body = answer.json
    assert isinstance(body, dict)
    assert {"type", "title", "status", "detail", "code", "request_id"} <= body.keys()
    assert body["status"] == answer.status_code
    assert body["request_id"] == answer.headers["X-Request-Id"]
    return answer.status_code, body["code"]


@pytest.fixture
def caller_with(app: Flask) -> Callable[..., Caller]:
    """Makes an app with these scopes."""

    def make(*scopes: str) -> Caller:
        return Caller(app.test_client(), api_keys.create_key("studio", scopes).secret)

    return make


@pytest.fixture
def reader(caller_with: Callable[..., Caller]) -> Caller:
    return caller_with("credits:read")


@pytest.fixture
def biller(caller_with: Callable[..., Caller]) -> Caller:
    return caller_with("credits:read", "billing:write")


@pytest.fixture
def spender(caller_with: Callable[..., Caller]) -> Caller:
    return caller_with("credits:read", "credits:spend")


@pytest.fixture
def refunder(caller_with: Callable[..., Caller]) -> Caller:
    return caller_with("refunds:write")


@pytest.fixture
def stranger(app: Flask) -> Caller:
    return Caller(app.test_client())
