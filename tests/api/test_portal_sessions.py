"""`POST /portal-sessions`, and the page it leads to."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

import pytest
import time_machine
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import text

from billing import clock, customers
from billing.db import connection, db
from tests.api.conftest import Caller, problem

HOME = "http://127.0.0.1:8000"


@pytest.fixture
def user(app: Flask) -> int:
    return customers.ensure_customer("user-1", "user@example.com", "<script>Ada</script>")[0].account_id


def link(biller: Caller, **more: str) -> str:
    answer = biller.post("/portal-sessions", {"customer": "user-1", **more})
    assert answer.status_code == 201
    url: str = answer.json["url"]  # type: ignore[index]
    assert url.startswith(f"{HOME}/portal/")
    return url.removeprefix(HOME)


def press(client: FlaskClient, path: str):  # type: ignore[no-untyped-def]
    """Open the link as a browser does, and press its button if it has one."""
    with client.application.app_context():
        page = client.get(path)
        token = re.search(r'name="csrf_token" value="([^"]+)"', page.text)
        assert token
        answer = client.post(path, data={"csrf_token": token[1]})
    db.session.rollback()
    return answer


def is_signed_in(client: FlaskClient) -> bool:
    with client.application.app_context():
        return client.get("/balance").status_code == 200


def test_link_signs_the_customer_in_once_by_a_button(app: Flask, biller: Caller, user: int) -> None:
    path = link(biller, return_path="/history?kind=DEBIT")
    browser, thief = app.test_client(), app.test_client()
    with app.app_context():
        page = browser.get(path)
    assert page.status_code == 200
    assert "&lt;script&gt;Ada" in page.text
    assert not is_signed_in(browser), "looking at the page signs nobody in"
    answer = press(browser, path)
    assert (answer.status_code, answer.location) == (303, "/history?kind=DEBIT")
    assert is_signed_in(browser)
    assert press(thief, path).status_code == 404
    assert not is_signed_in(thief)


def test_link_ends_after_five_minutes(app: Flask, biller: Caller, user: int) -> None:
    answer = biller.post("/portal-sessions", {"customer": "user-1"}).json
    assert answer is not None
    expires_at = datetime.fromisoformat(answer["expires_at"])
    assert timedelta(minutes=4) < expires_at - clock.wall_now() <= timedelta(minutes=5)
    with time_machine.travel(expires_at + timedelta(seconds=1)):
        assert press(app.test_client(), answer["url"].removeprefix(HOME)).status_code == 404


def test_link_needs_the_pages_own_token(app: Flask, biller: Caller, user: int) -> None:
    path, browser = link(biller), app.test_client()
    assert browser.post(path).status_code == 400
    assert press(browser, path).status_code == 303, "and is not used up by such a try"


@pytest.mark.parametrize(
    "evil", ["https://evil.test", "//evil.test", "/\\evil.test", "https://app.example@evil.test", "javascript:alert(1)"]
)
def test_link_leads_to_no_other_site__F138(biller: Caller, user: int, evil: str) -> None:
    answer = biller.post("/portal-sessions", {"customer": "user-1", "return_path": evil})
    assert problem(answer) == (422, "invalid")
    assert answer.json["errors"][0]["field"] == "return_path"  # type: ignore[index]


def test_unknown_customers_are_missing_and_bodies_are_checked(biller: Caller, reader: Caller, user: int) -> None:
    assert problem(biller.post("/portal-sessions", {"customer": "user-2"})) == (404, "not_found")
    assert problem(biller.post("/portal-sessions", {"customer": ""})) == (422, "invalid")
    assert problem(biller.post("/portal-sessions", {"customer": "user-1", "admin": True})) == (422, "invalid")
    assert problem(reader.post("/portal-sessions", {"customer": "user-1"})) == (403, "missing_scope")


def test_settings_offer_no_password_to_whom_an_app_lets_in(app: Flask, biller: Caller, user: int) -> None:
    browser = app.test_client()
    press(browser, link(biller))
    with app.app_context():
        page = browser.get("/settings").text
        assert "user-1" in page
        assert "current_password" not in page
        token = re.search(r'name="csrf_token" value="([^"]+)"', page)
        assert token
        form = {
            "csrf_token": token[1],
            "current_password": "x",
            "new_password": "12345678",
            "repeated_password": "12345678",
        }
        assert browser.post("/settings/password", data=form).status_code == 404
    assert customers.get(user).password_hash is None


def test_token_is_not_in_the_database__F137(biller: Caller, user: int) -> None:
    token = link(biller).rpartition("/")[2]
    rows = [str(row) for row in connection().execute(text("SELECT * FROM links"))]
    assert rows
    assert not any(token in row for row in rows)
