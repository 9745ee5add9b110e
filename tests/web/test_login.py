"""`/login` and `/logout`: sessions, throttling, and where they lead."""

from __future__ import annotations

import re

import pytest
from flask import Flask

from tests.web.conftest import PASSWORD, Visitor, text_of


def test_login_leads_on_to_the_page_that_asked_for_it(ana: Visitor, another: Visitor) -> None:
    asked = another.see("/history?kind=DEBIT")
    assert (asked.status_code, asked.location) == (303, "/login?next=/history?kind%3DDEBIT")
    page = another.see(asked.location)
    assert 'name="next"' in page.text
    answer = another.send("/login", email="ana@example.com", password=PASSWORD, next="/history?kind=DEBIT")
    assert answer.location == "/history?kind=DEBIT"


@pytest.mark.parametrize(
    "evil",
    [
        "https://evil.test",
        "//evil.test",
        "/\\evil.test",
        "https://app.example@evil.test",
        "javascript:alert(1)",
        "/\t/evil.test",
        "\\\\evil.test",
        "evil.test",
    ],
)
def test_login_goes_to_no_other_site_f138(ana: Visitor, another: Visitor, evil: str) -> None:
    answer = another.send("/login", email="ana@example.com", password=PASSWORD, next=evil)
    assert answer.location == "/balance"


def test_login_says_the_same_for_an_unknown_address_as_for_a_wrong_password_f131(
    ana: Visitor, visitor: Visitor, another: Visitor
) -> None:
    wrong = visitor.sign_in("ana@example.com", "not it at all")
    unknown = another.sign_in("nobody@example.com", "not it at all")
    assert wrong.status_code == unknown.status_code == 401
    same = [text_of(each).replace("nobody", "ana") for each in (wrong, unknown)]
    assert same[0] == same[1]


@pytest.mark.parametrize(
    "email", ["\x00", "ana@example.com\x00", "x" * 100_000, "'; DROP TABLE customers;--", "\u202eana"]
)
def test_login_takes_any_text_for_an_address_f151(ana: Visitor, another: Visitor, email: str) -> None:
    assert another.sign_in(email).status_code in (400, 401)
    assert another.sign_in("ana@example.com", "\x00").status_code == 400


def test_login_is_throttled_by_account_whatever_the_address_f131(app: Flask, ana: Visitor) -> None:
    for number in range(10):
        client = app.test_client()
        client.environ_base["REMOTE_ADDR"] = f"192.0.2.{number}"
        assert Visitor(client).sign_in("ana@example.com", "wrong guess").status_code == 401
    stranger = app.test_client()
    stranger.environ_base["REMOTE_ADDR"] = "198.51.100.7"
    answer = Visitor(stranger).sign_in(" ANA@example.com", PASSWORD)
    assert answer.status_code == 429
    assert 0 < int(answer.headers["Retry-After"]) <= 15 * 60
    assert "too many attempts" in text_of(answer)
    assert Visitor(stranger).sign_in("nobody@example.com", "x").status_code == 401, "another account is not locked"


def test_login_throttling_does_not_believe_a_forged_forwarding_header(app: Flask, ana: Visitor) -> None:
    client = app.test_client()
    for number in range(50):
        client.environ_base["HTTP_X_FORWARDED_FOR"] = f"192.0.2.{number}"
        Visitor(client).sign_in(f"guess{number}@example.com", "wrong guess")
    client.environ_base["HTTP_X_FORWARDED_FOR"] = "198.51.100.1"
    assert Visitor(client).sign_in("fresh@example.com", "wrong guess").status_code == 429


def test_login_forgets_wrong_attempts_after_a_right_one(ana: Visitor, another: Visitor) -> None:
    for _ in range(9):
        another.sign_in("ana@example.com", "wrong guess")
    assert another.sign_in("ana@example.com").status_code == 303
    another.send("/logout")
    for _ in range(9):
        assert another.sign_in("ana@example.com", "wrong guess").status_code == 401


def test_login_lets_nothing_planted_before_survive_f129(app: Flask, ana: Visitor) -> None:
    client = app.test_client()
    visitor = Visitor(client)
    visitor.see("/login")
    planted = client.get_cookie("session")
    assert planted is not None
    visitor.sign_in("ana@example.com")
    fresh = client.get_cookie("session")
    assert fresh is not None
    assert fresh.value != planted.value
    thief = app.test_client()
    thief.set_cookie("session", planted.value)
    assert Visitor(thief).see("/balance").status_code == 303


def test_logout_ends_also_a_copied_cookie_f129(app: Flask, ana: Visitor) -> None:
    copied = ana.client.get_cookie("session")
    assert copied is not None
    assert ana.see("/balance").status_code == 200
    assert ana.send("/logout").status_code == 303
    thief = app.test_client()
    thief.set_cookie("session", copied.value)
    answer = Visitor(thief).see("/balance")
    assert (answer.status_code, answer.location) == (303, "/login?next=/balance")


def test_logout_is_no_link(ana: Visitor) -> None:
    assert ana.see("/logout").status_code == 405
    assert ana.see("/balance").status_code == 200


def test_session_cookie_is_kept_from_scripts_and_other_sites_f128(ana: Visitor, another: Visitor) -> None:
    header = another.sign_in("ana@example.com").headers["Set-Cookie"]
    assert re.search(r"session=.*HttpOnly", header)
    assert "SameSite=Lax" in header


def test_forged_session_cookies_are_strangers(app: Flask) -> None:
    for forged in ("", "x", "customer:1:0", "eyJfdXNlcl9pZCI6ImN1c3RvbWVyOjE6MCJ9.aaaa.bbbb"):
        client = app.test_client()
        client.set_cookie("session", forged)
        assert Visitor(client).see("/balance").status_code == 303
