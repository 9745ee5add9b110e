"""Signing in with another address."""

from __future__ import annotations

from datetime import timedelta

import time_machine
from flask import Flask

from billing import clock, customers
from tests.mailbox import deliver, last_link, received
from tests.web.conftest import PASSWORD, Visitor, text_of


def ask(visitor: Visitor, email: str = "new@example.com", password: str = PASSWORD):  # type: ignore[no-untyped-def]
    return visitor.send("/settings/email", new_email=email, email_password=password)


def test_new_address_counts_once_its_link_was_opened(app: Flask, ana: Visitor, another: Visitor) -> None:
    assert ask(ana, "New@Example.com").status_code == 303
    link = last_link(app, "/change-email/")
    assert {mail["To"]: mail["Subject"] for mail in received(app)} == {
        "ana@example.com": "Your e-mail address is about to change",
        "new@example.com": "Confirm your new e-mail address",
    }
    assert customers.get(ana.account_id).login_email == "ana@example.com"
    assert "new@example.com" in text_of(another.see(link))
    answer = another.send(link)
    assert (answer.status_code, answer.location) == (303, "/login")
    changed = customers.get(ana.account_id)
    assert (changed.email, changed.login_email, changed.new_email) == ("new@example.com", "new@example.com", None)
    assert changed.email_confirmed_at is not None
    assert ana.see("/balance").status_code == 200, "whoever is signed in stays so"
    assert another.sign_in("ana@example.com").status_code == 401
    assert another.sign_in("new@example.com").status_code == 303
    assert another.send(link).status_code == 404


def test_change_wants_the_password_and_an_address(app: Flask, ana: Visitor) -> None:
    assert "not your current password" in text_of(ask(ana, password="wrong guess"))
    assert "does not look like an e-mail address" in text_of(ask(ana, "new"))
    ask(ana, "ANA@example.com")
    assert customers.get(ana.account_id).new_email is None
    for _ in range(10):
        ask(ana, password="wrong guess")
    assert "too many attempts" in text_of(ask(ana))


def test_address_of_somebody_else_reads_the_same_and_gets_no_link(app: Flask, ana: Visitor) -> None:
    customers.register("eva@example.com", PASSWORD)
    deliver(app)
    before = len(received(app))
    free, taken = ask(ana, "new@example.com"), ask(ana, "eva@example.com")
    assert (free.status_code, free.location) == (taken.status_code, taken.location) == (303, "/settings")
    deliver(app)
    assert "eva@example.com" not in {mail["To"] for mail in received(app)[before:]}


def test_address_that_somebody_registers_meanwhile_is_theirs(app: Flask, ana: Visitor, another: Visitor) -> None:
    ask(ana)
    link = last_link(app, "/change-email/")
    another.send("/register", email="new@example.com", password=PASSWORD, locale="en")
    assert ana.send(link).status_code == 404
    assert customers.get(ana.account_id).login_email == "ana@example.com"


def test_second_change_ends_the_link_of_the_first(app: Flask, ana: Visitor) -> None:
    ask(ana, "first@example.com")
    first = last_link(app, "/change-email/")
    ask(ana, "second@example.com")
    second = last_link(app, "/change-email/")
    assert ana.send(first).status_code == 404
    assert ana.send(second).status_code == 303
    assert customers.get(ana.account_id).login_email == "second@example.com"


def test_link_ends_after_a_day_and_with_a_new_password_asked_for(app: Flask, ana: Visitor, another: Visitor) -> None:
    another.send("/forgot-password", email="ana@example.com")
    reset = last_link(app, "/reset-password/")
    ask(ana)
    link = last_link(app, "/change-email/")
    with time_machine.travel(clock.wall_now() + timedelta(days=1, seconds=1)):
        assert another.see(link).status_code == 404
    assert another.send(link).status_code == 303
    assert another.see(reset).status_code == 404, "a link to the old address sets no password any more"
