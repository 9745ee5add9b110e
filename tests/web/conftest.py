"""A customer in front of the pages: `visitor` is a stranger, `ana` is registered and signed in."""

from __future__ import annotations

import re
from dataclasses import dataclass
from html import unescape
from typing import Any

import pytest
from flask import Flask
from flask.sessions import SecureCookieSessionInterface
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from billing import customers
from billing.db import db
from tests.stripe_world import sandbox, shop  # noqa: F401

PASSWORD = "correct horse battery"


@dataclass
class Visitor:
    """A browser without scripts: it sends the CSRF token of the page it has seen last."""

    client: FlaskClient
    account_id: int = 0
    _token: str = ""
    _token_of: str | None = None  # the session whose token it is

    def see(self, path: str, **headers: str) -> TestResponse:
        return self.ask("GET", path, headers=headers)

    def send(self, path: str, /, **fields: str) -> TestResponse:
        if self._token_of is None or self._token_of != self._session_token():
            self.see("/plans")
            assert self._token_of is not None
        return self.ask("POST", path, data={"csrf_token": self._token, **fields})

    def ask(self, method: str, path: str, **more: Any) -> TestResponse:
        """One request in an application context of its own, as on a server: nothing of one is seen by the next."""
        with self.client.application.app_context():
            answer = self.client.open(path, method=method, **more)
        db.session.rollback()  # what the test reads next is what the request has written
        if answer.mimetype == "text/html" and (token := re.search(r'name="csrf_token" value="([^"]+)"', answer.text)):
            self._token, self._token_of = token[1], self._session_token()
        return answer

    def _session_token(self) -> str | None:
        """What the session's forms are signed for: signing in or out begins a session with another."""
        app, cookie = self.client.application, self.client.get_cookie("session")
        serializer = SecureCookieSessionInterface().get_signing_serializer(app)
        assert serializer
        return serializer.loads(cookie.value).get("csrf_token") if cookie else None

    def sign_in(self, email: str, password: str = PASSWORD) -> TestResponse:
        return self.send("/login", email=email, password=password)


def text_of(response: TestResponse) -> str:
    """The words of a page, without its tags and with single spaces."""
    page = re.sub(r"<(script|style).*?</\1>", " ", response.text.replace("<wbr>", ""), flags=re.S)
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", page))).replace(" ,", ",").replace(" .", ".")


@pytest.fixture
def visitor(client: FlaskClient) -> Visitor:
    return Visitor(client)


@pytest.fixture
def another(app: Flask) -> Visitor:
    """Somebody at another browser."""
    return Visitor(app.test_client())


@pytest.fixture
def ana(app: Flask) -> Visitor:
    """A customer, signed in, with the free plan's 60 sign-up credits."""
    customer = customers.register("ana@example.com", PASSWORD, "Ana", "en")
    visitor = Visitor(app.test_client(), customer.account_id)
    assert visitor.sign_in("ana@example.com").status_code == 303
    return visitor
