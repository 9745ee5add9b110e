"""`/embed/balance` and `POST /embed-links`: a balance in a frame of an app's page, by a signed link."""

from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine
from flask import Flask

from billing import adjustments, clock, customers, spending
from billing.embed_links import make_embed_link
from billing.money import MICRO
from tests.api.conftest import Caller, biller, caller_with, problem
from tests.web.conftest import Visitor, text_of

__all__ = ["biller", "caller_with"]

SITE = "https://app.example.com"


@pytest.fixture
def account(app: Flask) -> int:
    return customers.ensure_customer("user-1", "user@example.com", None)[0].account_id


def link(app: Flask, account: int, **more: str) -> str:
    token = make_embed_link(account, SITE, app.config["SECRET_KEY"]).token
    return "&".join([f"/embed/balance?token={token}", *(f"{name}={value}" for name, value in more.items())])


def test_link_shows_the_balance_to_a_browser_without_a_session(app: Flask, account: int, visitor: Visitor) -> None:
    spending.place_hold(account, spending.Order(amount=20 * MICRO), actor="app:test")
    page = visitor.see(link(app, account, size="large"))
    assert "Balance 40 credits 40 of 60 On hold 20" in text_of(page)
    assert '<progress class="progress-line" max="60000000" value="40000000"' in page.text
    assert "Set-Cookie" not in page.headers


def test_link_shows_more_the_larger_it_is(app: Flask, account: int, visitor: Visitor) -> None:
    expires_at = clock.now() + timedelta(days=10)
    adjustments.grant_credits(account, 500 * MICRO, "For your patience", "staff:test", expires_at=expires_at)
    small, medium, large = (text_of(visitor.see(link(app, account, size=s))) for s in ("small", "nonsense", "large"))
    assert ("Next expiry" in small, "Next expiry" in medium, "Next expiry" in large) == (False, True, True)
    assert ("Buy credits" in medium, "Buy credits" in large) == (False, True)


def test_link_shows_the_apps_choice_of_language_and_colours(app: Flask, account: int, visitor: Visitor) -> None:
    page = visitor.see(link(app, account, locale="es", theme="dark"))
    assert 'lang="es" data-theme="dark"' in page.text
    assert "60 créditos" in text_of(page)


def test_link_may_be_framed_by_its_site_and_by_no_other(app: Flask, account: int, visitor: Visitor) -> None:
    headers = visitor.see(link(app, account)).headers
    assert f"frame-ancestors {SITE};" in headers["Content-Security-Policy"]
    assert "script-src 'self'" in headers["Content-Security-Policy"]
    assert "X-Frame-Options" not in headers
    assert "frame-ancestors 'none'" in visitor.see("/").headers["Content-Security-Policy"]
    assert visitor.see("/").headers["X-Frame-Options"] == "DENY"


def test_link_that_was_changed_or_is_over_shows_nothing(app: Flask, account: int, visitor: Visitor) -> None:
    good = link(app, account)
    # Not the last letter: two of its bits stand for nothing.
    changed = good[:-5] + ("a" if good[-5] != "a" else "b") + good[-4:]
    for bad in ("/embed/balance", "/embed/balance?token=x", changed):
        assert visitor.see(bad).status_code == 404
    with time_machine.travel(clock.wall_now() + timedelta(hours=24, seconds=1)):
        assert visitor.see(good).status_code == 404


def test_create_embed_link_answers_with_a_link_that_works(biller: Caller, account: int, visitor: Visitor) -> None:
    answer = biller.post("/embed-links", {"customer": "user-1", "origin": SITE})
    assert answer.status_code == 201
    assert answer.json is not None
    url = answer.json["url"]
    assert url.startswith("http://127.0.0.1:8000/embed/balance?token=")
    assert "60 credits" in text_of(visitor.see(url.removeprefix("http://127.0.0.1:8000")))


@pytest.mark.parametrize(
    "origin",
    [
        "*",
        "https://*.example.com",
        "https://a.example; script-src *",
        "https://a.example/x",
        "data:",
        "https://a b",
        7,
        None,
    ],
)
def test_create_embed_link_refuses_what_is_no_site(biller: Caller, account: int, origin: object) -> None:
    answer = biller.post("/embed-links", {"customer": "user-1", "origin": origin})
    assert problem(answer) == (422, "invalid")


@pytest.mark.parametrize("expires_in", [0, 59, 2592001, "60", 60.5, True])
def test_create_embed_link_refuses_odd_lifetimes(biller: Caller, account: int, expires_in: object) -> None:
    answer = biller.post("/embed-links", {"customer": "user-1", "origin": SITE, "expires_in": expires_in})
    assert problem(answer) == (422, "invalid")


def test_create_embed_link_for_nobody_is_404(biller: Caller, app: Flask) -> None:
    assert problem(biller.post("/embed-links", {"customer": "nobody", "origin": SITE})) == (404, "not_found")
