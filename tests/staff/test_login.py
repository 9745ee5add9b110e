"""Who gets in at /staff, by which link, and for how long."""

from __future__ import annotations

import re

import pytest
import time_machine
from flask import Flask

from billing import staff_accounts
from billing.clock import wall_now
from tests.staff.conftest import PASSWORD, SECRET_KEY, Desk, text_of
from tests.stripe_world import Shop
from tests.web.conftest import Visitor


def setup_path(staff_id: str) -> str:
    return f"/staff/setup/{staff_accounts.make_setup_token(staff_id, SECRET_KEY)}"


def test_signs_in_and_out(desk: Desk) -> None:
    assert desk.see("/staff").status_code == 200
    assert desk.send("/staff/logout").status_code == 303
    assert desk.see("/staff").headers["Location"] == "/staff/login?next=/staff"


def test_ends_every_copy_of_a_session__F129(desk: Desk, app: Flask) -> None:
    copied = desk.client.get_cookie("staff_session", path="/staff")
    assert copied is not None
    desk.send("/staff/logout")
    thief = Visitor(app.test_client())
    thief.client.set_cookie("staff_session", copied.value, path="/staff")
    assert thief.see("/staff").status_code == 303


def test_keeps_the_cookie_from_scripts_and_the_rest_of_the_site(desk: Desk) -> None:
    cookie = desk.client.get_cookie("staff_session", path="/staff")
    assert cookie is not None
    assert (cookie.http_only, cookie.same_site, cookie.path) == (True, "Lax", "/staff")


def test_ends_a_session_after_a_working_day(desk: Desk) -> None:
    with time_machine.travel(wall_now().timestamp() + 12 * 3600 + 5, tick=False):
        assert desk.see("/staff").status_code == 303


@pytest.mark.parametrize("path", ["/staff/webhooks", "/staff/customers/ada", "/staff/refunds/rf_1", "/staff/audit"])
def test_asks_strangers_to_sign_in(visitor_at_staff: Visitor, path: str) -> None:
    answer = visitor_at_staff.see(path)
    assert answer.status_code == 303
    assert answer.headers["Location"].startswith("/staff/login?next=/staff/")


def test_hides_all_pages_from_customers__F133(shop: Shop, customer_browser: Visitor) -> None:
    for path in ("/staff/webhooks", "/staff/customers/ada", "/staff/audit", "/staff/payments/pay_1/refund"):
        assert customer_browser.see(path).status_code == 404
    for path in ("/staff/payments/pay_1/refund/confirm", "/staff/customers/ada/grant", "/staff/logout"):
        assert customer_browser.send(path).status_code == 404


def test_lets_nobody_of_the_customers_in_by_password(app: Flask, customer_browser: Visitor) -> None:
    answer = customer_browser.send("/staff/login", email="ana@example.com", password=PASSWORD)
    assert answer.status_code == 401


def test_answers_alike_to_a_wrong_password_and_an_unknown_address(desk: Desk, visitor_at_staff: Visitor) -> None:
    wrong = visitor_at_staff.send("/staff/login", email="sam@example.com", password="something else")
    unknown = visitor_at_staff.send("/staff/login", email="nobody@example.com", password="something else")
    strange = visitor_at_staff.send("/staff/login", email="@@", password="x" * 1000)
    assert wrong.status_code == unknown.status_code == strange.status_code == 401
    said = [text_of(page) for page in (wrong, unknown, strange)]
    assert "do not belong together" in said[0]
    assert said[0] == said[1] == said[2]


def test_slows_down_guessing__F131(desk: Desk, visitor_at_staff: Visitor) -> None:
    for _ in range(10):
        assert visitor_at_staff.send("/staff/login", email="sam@example.com", password="guess").status_code == 401
    answer = visitor_at_staff.send("/staff/login", email="sam@example.com", password=PASSWORD)
    assert answer.status_code == 429
    assert int(answer.headers["Retry-After"]) > 0


@pytest.mark.parametrize("wished", ["https://evil.test", "//evil.test", "/balance", "/staffroom", "javascript:x"])
def test_goes_nowhere_but_to_staff_pages_after_signing_in__F138(
    desk: Desk, visitor_at_staff: Visitor, wished: str
) -> None:
    answer = visitor_at_staff.send("/staff/login", email="sam@example.com", password=PASSWORD, next=wished)
    assert answer.headers["Location"] == "/staff"


def test_goes_on_to_where_the_reader_was_going(desk: Desk, visitor_at_staff: Visitor) -> None:
    path = "/staff/customers/ada?before=x"
    answer = visitor_at_staff.send("/staff/login", email="sam@example.com", password=PASSWORD, next=path)
    assert answer.headers["Location"] == path


def test_sets_a_password_by_a_link_that_works_once(visitor_at_staff: Visitor) -> None:
    staff = staff_accounts.add_staff("new@example.com", "manager")
    path = setup_path(staff.id)
    assert "new@example.com" in visitor_at_staff.see(path).text
    short = visitor_at_staff.send(path, password="short", repeated="short")
    assert short.status_code == 422
    assert visitor_at_staff.send(path, password=PASSWORD, repeated="another one").status_code == 422
    done = visitor_at_staff.send(path, password=PASSWORD, repeated=PASSWORD)
    assert done.headers["Location"] == "/staff"
    assert visitor_at_staff.see("/staff").status_code == 200
    assert visitor_at_staff.see(path).status_code == 404
    assert visitor_at_staff.send(path, password="taken over", repeated="taken over").status_code == 404


def test_ends_a_link_after_a_day(visitor_at_staff: Visitor) -> None:
    path = setup_path(staff_accounts.add_staff("new@example.com", "support").id)
    with time_machine.travel(wall_now().timestamp() + 24 * 3600 + 5, tick=False):
        assert visitor_at_staff.see(path).status_code == 404


@pytest.mark.parametrize("token", ["x", "..", "WyJzdGFmZl8xIiwieCJd.aaaa.bbbb", "%00"])
def test_refuses_a_forged_link(visitor_at_staff: Visitor, token: str) -> None:
    assert visitor_at_staff.see(f"/staff/setup/{token}").status_code == 404


def test_shuts_a_disabled_account_out_at_once(desk: Desk) -> None:
    link = setup_path(desk.staff.id)
    staff_accounts.disable_staff("sam@example.com")
    assert desk.see("/staff").status_code == 303
    assert desk.see(link).status_code == 404
    assert desk.sign_in("sam@example.com").status_code == 401


def test_lets_somebody_in_again_whose_account_is_added_anew(desk: Desk) -> None:
    staff_accounts.disable_staff("sam@example.com")
    staff = staff_accounts.add_staff("Sam@Example.com ", "manager")
    assert (staff.id, staff.role) == (desk.staff.id, "manager")
    assert desk.sign_in("sam@example.com").status_code == 303


def test_stores_no_password__F137(desk: Desk) -> None:
    from sqlalchemy import text

    from billing.db import connection

    stored = connection().execute(text("SELECT * FROM staff")).all()
    assert PASSWORD not in str(stored)
    assert re.search(r"\$argon2id\$", str(stored))
