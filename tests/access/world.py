"""A shop with two customers, staff of each role and keys, whose every request is a lie about host and origin.

Bea owns one of everything that a customer can own; Ana is the one who looks for it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from html import unescape
from typing import Any

from flask import Flask
from flask.testing import FlaskClient
from werkzeug.routing import Rule
from werkzeug.test import TestResponse

from billing import api_keys, checkout, customers, events, payments, refunds, spending, staff_accounts, subscriptions
from billing.db import db
from billing.money import MICRO
from billing.spending import Order
from tests.access.ways import ROLES, Way
from tests.stripe_world import Shop

EVIL = "evil.test"
"""The host that every request of the sweep claims to be for: no answer may ever name it."""

PASSWORD = "correct horse battery"
SECRET_KEY = "a key for tests only, 32 letters"

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")


@dataclass
class Person:
    """A browser with somebody's session in it, or nobody's."""

    client: FlaskClient
    email: str = ""
    at: str = "/login"
    token: str = ""

    def sign_in(self) -> None:
        """Begin a session; nobody's stays nobody's."""
        self.token = ""
        if self.email:
            answer = self.send("POST", self.at, data={"email": self.email, "password": PASSWORD})
            assert answer.status_code == 303, answer.text
            self.token = ""

    def send(self, method: str, path: str, *, token: bool = True, **more: Any) -> TestResponse:
        """One request in an application context of its own; `token` puts the session's CSRF token in a form."""
        if method not in ("GET", "HEAD") and token and "json" not in more:
            more["data"] = {**more.get("data", {}), "csrf_token": self._token()}
        return self._open(method, path, **more)

    def _token(self) -> str:
        """The session's token, the same as long as the session is."""
        if not self.token:
            found = re.search(r'name="csrf_token" value="([^"]+)"', self._open("GET", "/plans").text)
            assert found
            self.token = found[1]
        return self.token

    def _open(self, method: str, path: str, **more: Any) -> TestResponse:
        lies = {"X-Forwarded-Host": EVIL, "Forwarded": f"host={EVIL};proto=https", "Origin": f"https://{EVIL}"}
        headers = {**lies, **more.pop("headers", {})}
        with self.client.application.app_context():
            answer = self.client.open(path, method=method, base_url=f"http://{EVIL}", headers=headers, **more)
        db.session.rollback()
        assert answer.status_code < 500, f"{method} {path}: {answer.status_code}"
        assert EVIL not in answer.text, f"{method} {path} names the host it was asked for"
        assert EVIL not in str(answer.headers), f"{method} {path} leads to the host it was asked for"
        assert not {name for name, _ in answer.headers if name.startswith("Access-Control-")}, f"{method} {path}"
        assert "Cache-Control" in answer.headers, f"{method} {path}"
        assert "frame-ancestors" in answer.headers["Content-Security-Policy"], f"{method} {path}"
        for cookie in answer.headers.getlist("Set-Cookie"):
            if "Max-Age=0" in cookie:
                continue
            assert "SameSite=Lax" in cookie, f"{method} {path}"
            assert "HttpOnly" in cookie or not cookie.startswith(("session", "staff_session")), f"{method} {path}"
        return answer


@dataclass
class World:
    """Who there is, and by kind what Bea has and what nobody has: the two ids are of one length."""

    shop: Shop
    nobody: Person
    ana: Person
    bea: Person
    staff: dict[str, Person]
    theirs: dict[str, str]
    missing: dict[str, str] = field(default_factory=dict)
    refund_calls: list[dict[str, Any]] = field(default_factory=list)

    def address(self, rule: Rule, way: Way, named: dict[str, str]) -> str:
        """The rule's address with what it names, and so its question."""
        path = re.sub(r"<(?:\w+:)?(\w+)>", lambda part: named[part[1]], rule.rule)
        question = "&".join(f"{name}={named[kind]}" for name, kind in way.query.items())
        return f"{path}?{question}" if question else path


def build(shop: Shop) -> World:
    """The shop with everything in it that an address can name."""
    app = shop.app
    customers.register("ana@example.com", PASSWORD, "Ana", "en")
    account_id = customers.register("bea@example.com", PASSWORD, "Bea", "en").account_id
    shop.sandbox.pay(checkout.start_pack_checkout(account_id, "small").id)
    shop.sandbox.pay(checkout.start_plan_checkout(account_id, "basic", "month").id)
    waiting = checkout.start_pack_checkout(account_id, "large")
    shop.sandbox.flush()
    spending.debit(account_id, Order(amount=MICRO, reference="scene-of-bea"), actor="app:studio")
    db.session.rollback()
    pack = next(each for each in payments.list_payments(account_id) if each.kind == "pack")
    refund = refunds.request_refund(
        pack.id,
        amount_minor=100,
        credits="proportional",
        reason="duplicate",
        note=None,
        actor="operator",
        form_token="t" * 32,
    )
    (subscription,) = subscriptions.list_subscriptions(account_id)
    issued, _ = (api_keys.create_key(name, ["credits:read"]) for name in ("doomed", "studio"))
    theirs = {
        "public_id": customers.get(account_id).public_id,
        "payment_id": pack.id,
        "refund_id": refund.id,
        "subscription": subscription.id,
        "subscription_id": subscription.id,
        "checkout": waiting.id,
        "event_id": events.list_events(limit=1).events[0].id,
        "key_id": issued.key.id,
        "hold_id": f"ho_{account_id}_1",
        "entry_id": f"en_{account_id}_1",
        "job_id": f"us_{account_id}_1",
        "reference": "scene-of-bea",
        "influencer": "luna",
        "influencer_id": "luna",
        "tier": "basic",
        "plan": "premium",
        "pack": "small",
        "resource": "images",
        "filename": "saldo.css",
        "token": "x" * 20,
    }
    missing = {kind: value[:-4] + "zzzz" for kind, value in theirs.items()}
    missing |= {"hold_id": "ho_9_1", "entry_id": "en_9_1", "job_id": "us_9_1"}
    db.session.rollback()
    return World(
        shop=shop,
        nobody=Person(app.test_client()),
        ana=_signed_in(app, "ana@example.com", "/login"),
        bea=_signed_in(app, "bea@example.com", "/login"),
        staff={role: _signed_in(app, _hire(role), "/staff/login") for role in ROLES},
        theirs=theirs,
        missing=missing,
        refund_calls=shop.sandbox.calls("POST", "/v1/refunds"),
    )


def rules(app: Flask) -> dict[str, Rule]:
    """Every method of every address: `GET /balance` → its rule."""
    found = {f"{method} {rule.rule}": rule for rule in app.url_map.iter_rules() for method in rule.methods or ()}
    return {call: rule for call, rule in found.items() if call.split()[0] in METHODS}


def bare(answer: TestResponse, *ids: str) -> tuple[int, str, dict[str, str]]:
    """An answer without what differs each time: request id, CSRF token, nonce, and the ids asked for."""
    per_request = r'req_[0-9a-f]+|name="csrf_token" value="[^"]+"|nonce="[^"]+"'
    text = re.sub(per_request, "", unescape(answer.text))
    for value in ids:
        text = text.replace(value, "")
    left_out = ("X-Request-Id", "Set-Cookie", "Date")
    headers = {name: value for name, value in answer.headers if name not in left_out}
    return answer.status_code, text, headers


def _signed_in(app: Flask, email: str, at: str) -> Person:
    person = Person(app.test_client(), email, at)
    person.sign_in()
    return person


def _hire(role: str) -> str:
    email = f"{role}@example.com"
    token = staff_accounts.make_setup_token(staff_accounts.add_staff(email, role).id, SECRET_KEY)
    staff_accounts.set_password(token, SECRET_KEY, PASSWORD)
    return email
