"""The second factor: a code by time after the password, each code once, and no secret in the database."""

from __future__ import annotations

import base64
import re
import threading

import pytest
import time_machine
from flask import Flask
from sqlalchemy import text

from billing import second_factor, staff_accounts
from billing.clock import wall_now
from billing.db import connection
from billing.errors import NotFound
from tests.staff.conftest import PASSWORD, SECRET_KEY, Desk, audit_rows, text_of
from tests.stripe_world import Shop

PATH = "/staff/second-factor"


@pytest.fixture(autouse=True)
def still_time() -> object:
    """Codes change every thirty seconds: let no test begin at the end of one."""
    with time_machine.travel(wall_now().timestamp(), tick=False) as traveller:
        yield traveller


def code_of(secret: str, later: int = 0) -> str:
    """What the phone shows now, or `later` steps from now."""
    return second_factor.code_at(secret, int(wall_now().timestamp()) // 30 + later)


def set_up(desk: Desk) -> str:
    """The secret that this member of staff has set up."""
    page = desk.see(PATH)
    secret = re.search(r"secret=([A-Z2-7]{32})", page.text)
    proof = re.search(r'name="proof"[^>]*value="([^"]+)"', page.text)
    assert secret
    assert proof
    assert desk.send(PATH, proof=proof[1], code=code_of(secret[1])).status_code == 303
    return secret[1]


def proof_of(page: object) -> str:
    found = re.search(r'name="proof"[^>]*value="([^"]+)"', page.text)  # type: ignore[attr-defined]
    assert found, text_of(page)  # type: ignore[arg-type]
    return found[1]


@pytest.mark.parametrize(
    ("seconds", "code"),
    [
        (59, "287082"),
        (1111111109, "081804"),
        (1111111111, "050471"),
        (1234567890, "005924"),
        (2000000000, "279037"),
        (20000000000, "353130"),
    ],
)
def test_shows_the_codes_of_rfc_6238(seconds: int, code: str) -> None:
    secret = base64.b32encode(b"12345678901234567890").decode()
    assert second_factor.code_at(secret, seconds // 30) == code


def test_asks_for_a_code_after_the_password(desk: Desk, app: Flask) -> None:
    secret = set_up(desk)
    other = Desk(app.test_client())
    page = other.sign_in("sam@example.com")
    assert page.status_code == 200
    assert "Your code" in text_of(page)
    assert other.see("/staff").status_code == 303, "the password alone opens nothing"
    wrong = other.send("/staff/login/code", proof=proof_of(page), code="000000")
    assert wrong.status_code == 401
    right = other.send("/staff/login/code", proof=proof_of(page), code=code_of(secret, 1), next="/staff/webhooks")
    assert right.headers["Location"] == "/staff/webhooks"
    assert other.see("/staff").status_code == 200


def test_takes_each_code_once(desk: Desk, app: Flask) -> None:
    secret = set_up(desk)
    browsers = [Desk(app.test_client()) for _ in range(4)]
    proofs = [proof_of(each.sign_in("sam@example.com")) for each in browsers]
    used = browsers[0].send("/staff/login/code", proof=proofs[0], code=code_of(secret))
    assert used.status_code == 401, "the code that set it up has been used"
    answers: list[int] = []

    def enter(number: int) -> None:
        with app.app_context():
            sent = browsers[number].send("/staff/login/code", proof=proofs[number], code=code_of(secret, 1))
            answers.append(sent.status_code)

    threads = [threading.Thread(target=enter, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answers) == [303, 401, 401, 401]


def test_counts_only_once_a_code_has_come_back(desk: Desk, app: Flask) -> None:
    page = desk.see(PATH)
    assert desk.send(PATH, proof=proof_of(page), code="000000").status_code == 422
    assert not staff_accounts.get(desk.staff.id).has_second_factor
    assert Desk(app.test_client()).sign_in("sam@example.com").status_code == 303


def test_sets_up_nobody_elses(desk: Desk, admin: Desk) -> None:
    page = admin.see(PATH)
    secret = re.search(r"secret=([A-Z2-7]{32})", page.text)
    assert secret
    assert desk.send(PATH, proof=proof_of(page), code=code_of(secret[1])).status_code == 303
    assert not staff_accounts.get(desk.staff.id).has_second_factor
    assert not staff_accounts.get(admin.staff.id).has_second_factor


def test_slows_down_guessing__F131(desk: Desk, app: Flask) -> None:
    set_up(desk)
    other = Desk(app.test_client())
    proof = proof_of(other.sign_in("sam@example.com"))
    for _ in range(10):
        assert other.send("/staff/login/code", proof=proof, code="000000").status_code == 401
    answer = other.send("/staff/login/code", proof=proof, code="000000")
    assert answer.status_code == 429
    assert int(answer.headers["Retry-After"]) > 0


@pytest.mark.parametrize("code", ["", "1", "１２３４５６", "x" * 1000, "000000\x7f"])
def test_refuses_what_is_no_code(desk: Desk, app: Flask, code: str) -> None:
    set_up(desk)
    other = Desk(app.test_client())
    proof = proof_of(other.sign_in("sam@example.com"))
    assert other.send("/staff/login/code", proof=proof, code=code).status_code == 401


def test_forgets_the_password_after_five_minutes(desk: Desk, app: Flask, still_time: object) -> None:
    secret = set_up(desk)
    other = Desk(app.test_client())
    proof = proof_of(other.sign_in("sam@example.com"))
    still_time.shift(301)  # type: ignore[attr-defined]
    answer = other.send("/staff/login/code", proof=proof, code=code_of(secret))
    assert answer.headers["Location"].startswith("/staff/login")
    assert other.see("/staff").status_code == 303
    forged = other.send("/staff/login/code", proof="forged", code=code_of(secret))
    assert forged.headers["Location"].startswith("/staff/login")


def test_is_asked_for_after_a_set_up_link_too(desk: Desk, app: Flask) -> None:
    set_up(desk)
    path = f"/staff/setup/{staff_accounts.make_setup_token(desk.staff.id, SECRET_KEY)}"
    other = Desk(app.test_client())
    page = other.send(path, password=PASSWORD, repeated=PASSWORD)
    assert "Your code" in text_of(page)
    assert other.see("/staff").status_code == 303


def test_is_forgotten_by_an_operator(desk: Desk, app: Flask) -> None:
    set_up(desk)
    second_factor.forget("Sam@Example.com")
    assert desk.see("/staff").status_code == 303, "sessions end"
    assert desk.sign_in("sam@example.com").status_code == 303
    with pytest.raises(NotFound):
        second_factor.forget("nobody@example.com")


def test_stores_no_secret__F137(desk: Desk, shop: Shop) -> None:
    secret = set_up(desk)
    stored = str(connection().execute(text("SELECT * FROM staff")).all())
    assert secret not in stored
    assert base64.b32decode(secret).hex() not in stored
    assert audit_rows() == [(desk.staff.actor, "staff.second_factor", True)]
