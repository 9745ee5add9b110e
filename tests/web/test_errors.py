"""Error pages, and what every answer carries."""

from __future__ import annotations

import re

import pytest
from flask import Flask
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from app import create_app
from config import load_settings
from tests.web.conftest import Visitor, text_of

ACCOUNT_PAGES = ("/balance", "/history", "/subscriptions", "/payments", "/settings", "/checkout/return?session_id=cs_x")


def test_error_page_shows_the_id_that_the_answer_carries(visitor: Visitor) -> None:
    answer = visitor.see("/nowhere")
    assert answer.status_code == 404
    assert answer.headers["X-Request-Id"] in text_of(answer)


def test_request_ids_differ_and_come_with_every_answer(visitor: Visitor) -> None:
    ids = {visitor.see(path).headers["X-Request-Id"] for path in ("/", "/livez", "/nowhere", "/static/saldo.css")}
    assert len(ids) == 4


def _without_ids(page: str) -> str:
    return re.sub(r'req_[0-9a-f]+|name="csrf_token" value="[^"]+"', "", page)


@pytest.mark.parametrize(
    ("missing", "foreign"),
    [
        ("/influencers/nobody", "/influencers/%2e%2e"),
        ("/checkout/return?session_id=cs_no", "/checkout/return?session_id="),
    ],
)
def test_not_found_is_the_same_page_for_everything_r14(ana: Visitor, missing: str, foreign: str) -> None:
    answers = [ana.see(path) for path in (missing, foreign)]
    assert [each.status_code for each in answers] == [404, 404]
    assert _without_ids(answers[0].text) == _without_ids(answers[1].text)


@pytest.mark.parametrize("path", ACCOUNT_PAGES)
def test_account_pages_ask_strangers_to_sign_in(visitor: Visitor, path: str) -> None:
    answer = visitor.see(path)
    assert answer.status_code == 303
    assert answer.location.startswith("/login?next=/")


@pytest.mark.parametrize(
    "path",
    [
        "/login",
        "/register",
        "/logout",
        "/preferences",
        "/plans/basic/checkout",
        "/packs/small/checkout",
        "/influencers/luna-style/basic/checkout",
        "/subscriptions/x/cancel",
        "/subscriptions/x/resume",
        "/subscriptions/portal",
        "/settings/profile",
        "/settings/password",
    ],
)
def test_every_form_needs_its_token_f127(ana: Visitor, path: str) -> None:
    answer = ana.ask("POST", path, data={"email": "ana@example.com", "password": "x", "locale": "es"})
    assert answer.status_code == 400
    assert "This form is out of date" in text_of(answer)


def test_methods_that_are_not_meant_are_refused_f159(ana: Visitor) -> None:
    assert ana.ask("DELETE", "/balance").status_code == 405
    assert ana.ask("PUT", "/settings").status_code == 405
    overridden = ana.ask("GET", "/balance", headers={"X-HTTP-Method-Override": "DELETE"})
    assert overridden.status_code == 200
    assert ana.ask("HEAD", "/balance").status_code == 200


def test_large_bodies_are_refused(visitor: Visitor) -> None:
    assert visitor.send("/login", email="x" * 1_100_000, password="x").status_code == 413


def test_database_outage_is_503_with_retry_after(app: Flask, ana: Visitor, monkeypatch: pytest.MonkeyPatch) -> None:
    from billing.db import db

    def gone(*_: object, **__: object) -> None:
        raise OperationalError("SELECT secret", {}, Exception("connection to 10.1.2.3 refused"))

    monkeypatch.setattr(db.engine.dialect, "do_execute", gone)
    for path in ("/balance", "/plans"):
        answer = ana.see(path)
        assert answer.status_code == 503
        assert int(answer.headers["Retry-After"]) > 0
        assert "We will be right back" in text_of(answer)
        assert "secret" not in answer.text
        assert "10.1.2.3" not in answer.text


def test_unexpected_errors_tell_nothing_f142(app: Flask, visitor: Visitor, monkeypatch: pytest.MonkeyPatch) -> None:
    from web import packs

    def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError("/srv/saldo/secret.py")

    monkeypatch.setattr(packs, "price_per_credit", broken)
    app.testing = False
    answer = visitor.see("/packs")
    assert answer.status_code == 500
    assert "secret.py" not in answer.text
    assert "Traceback" not in answer.text
    assert answer.headers["X-Request-Id"] in text_of(answer)


def test_answers_carry_the_security_headers_f144(visitor: Visitor, environ: dict[str, str]) -> None:
    for path in ("/", "/nowhere", "/login"):
        headers = visitor.see(path).headers
        policy = dict(part.strip().split(" ", 1) for part in headers["Content-Security-Policy"].split(";"))
        assert policy["default-src"] == "'none'"
        assert policy["script-src"] == policy["style-src"] == "'self'"
        assert policy["form-action"].split() == ["'self'", environ["STRIPE_API_BASE"]]
        assert policy["frame-ancestors"] == "'none'"
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Referrer-Policy"] == "same-origin"
        assert headers["Cache-Control"] == "no-store"
        assert "Access-Control-Allow-Origin" not in headers


def test_pages_have_no_inline_script_or_style_and_no_foreign_address(visitor: Visitor, ana: Visitor) -> None:
    pages = [visitor.see(p).text for p in ("/", "/packs", "/influencers", "/login", "/register", "/nowhere")]
    pages += [ana.see(p).text for p in ("/balance", "/history", "/subscriptions", "/payments", "/settings")]
    for page in pages:
        assert not re.search(r"<style|\sstyle=|\son[a-z]+=|javascript:", page)
        assert not re.search(r"<script(?![^>]*\ssrc=)", page)
        assert not re.search(r'(?:src|href|action)="(?:https?:)?//', page)


def test_links_never_follow_the_host_header(ana: Visitor) -> None:
    for path in ("/", "/login", "/balance", "/nowhere"):
        assert "evil.test" not in ana.see(path, Host="evil.test", **{"X-Forwarded-Host": "evil.test"}).text
    assert ana.see("/balance", Host="evil.test").location == "/login?next=/balance"


def test_live_settings_make_cookies_secure(environ: dict[str, str]) -> None:
    live = environ | {"STRIPE_SECRET_KEY": "sk_live_saldo", "PUBLIC_URL": "https://saldo.example.com"}
    del live["STRIPE_API_BASE"], live["TEST_CLOCK_FILE"]
    app = create_app(load_settings(live))
    answer = app.test_client().get("/login")
    assert "Secure" in answer.headers["Set-Cookie"]
    assert "Strict-Transport-Security" in answer.headers
    assert "https://checkout.stripe.com https://billing.stripe.com" in answer.headers["Content-Security-Policy"]


def test_health_names_the_failing_part(app: Flask, visitor: Visitor) -> None:
    assert visitor.see("/livez").json == {"status": "ok"}
    assert visitor.see("/readyz").json == {
        "status": "ok",
        "parts": {"database": "ok", "schema": "ok", "stripe": "ok"},
    }
    from billing.db import transaction

    with transaction() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = 'another'"))
    answer = visitor.see("/readyz")
    assert answer.status_code == 503
    assert answer.json == {
        "status": "failing",
        "parts": {"database": "ok", "schema": "another version", "stripe": "ok"},
    }
    assert visitor.see("/livez").status_code == 200


def test_version_is_the_projects(visitor: Visitor) -> None:
    answer = visitor.see("/version").json
    assert answer is not None
    assert re.fullmatch(r"\d+\.\d+\.\d+", answer["version"])
