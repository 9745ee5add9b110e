"""`/forgot-password` and `/reset-password/…`."""

from __future__ import annotations

from datetime import timedelta

import time_machine
from flask import Flask
from sqlalchemy import text

from billing import clock, customers
from billing.db import connection
from tests.mailbox import deliver, last_link, received
from tests.web.conftest import PASSWORD, Visitor, text_of

NEW = "another horse entirely"


def forget(visitor: Visitor, email: str = "ana@example.com"):  # type: ignore[no-untyped-def]
    return visitor.send("/forgot-password", email=email)


def choose(visitor: Visitor, link: str, password: str = NEW, again: str | None = None):  # type: ignore[no-untyped-def]
    return visitor.send(link, password=password, repeated_password=again or password)


def test_asking_reads_the_same_for_an_unknown_address(app: Flask, ana: Visitor, another: Visitor) -> None:
    known, unknown = forget(another), forget(another, "eva@example.com")
    assert known.status_code == unknown.status_code == 200
    assert text_of(known).replace("ana@", "x@") == text_of(unknown).replace("eva@", "x@")
    deliver(app)
    assert {mail["To"] for mail in received(app)} == {"ana@example.com"}


def test_link_sets_a_password_signs_in_and_ends_other_sessions(app: Flask, ana: Visitor, another: Visitor) -> None:
    forget(another, " ANA@example.com ")
    link = last_link(app, "/reset-password/")
    assert another.see(link).status_code == 200
    assert choose(another, link).location == "/balance"
    assert another.see("/balance").status_code == 200
    assert ana.see("/balance").status_code == 303, "signed out where the old password was used"
    assert customers.authenticate("ana@example.com", PASSWORD) is None
    assert customers.authenticate("ana@example.com", NEW) is not None
    assert customers.get(ana.account_id).email_confirmed_at is not None, "whoever reads the mail has the address"
    deliver(app)
    assert received(app)[-1]["Subject"] == "Your password was changed"


def test_link_works_once_and_takes_the_others_along(app: Flask, ana: Visitor, another: Visitor) -> None:
    forget(another)
    first = last_link(app, "/reset-password/")
    forget(another)
    second = last_link(app, "/reset-password/")
    assert choose(another, first).status_code == 303
    another.send("/logout")
    for link in (first, second):
        answer = choose(another, link, "a third horse")
        assert answer.status_code == 404
        assert 'href="/forgot-password"' in answer.text
    assert customers.authenticate("ana@example.com", NEW) is not None


def test_link_ends_after_an_hour(app: Flask, ana: Visitor, another: Visitor) -> None:
    forget(another)
    link = last_link(app, "/reset-password/")
    with time_machine.travel(clock.wall_now() + timedelta(hours=1, seconds=1)):
        assert choose(another, link).status_code == 404
    assert customers.authenticate("ana@example.com", PASSWORD) is not None


def test_changing_the_password_ends_a_link_that_was_asked_for_before(
    app: Flask, ana: Visitor, another: Visitor
) -> None:
    forget(another)
    link = last_link(app, "/reset-password/")
    ana.send("/settings/password", current_password=PASSWORD, new_password=NEW, repeated_password=NEW)
    assert choose(another, link, "a third horse").status_code == 404


def test_slips_are_said_at_the_field_and_leave_the_link(app: Flask, ana: Visitor, another: Visitor) -> None:
    forget(another)
    link = last_link(app, "/reset-password/")
    assert "at least 8 characters" in text_of(choose(another, link, "short"))
    assert "The two new passwords differ" in text_of(choose(another, link, again="something else"))
    assert choose(another, link).status_code == 303


def test_nonsense_is_no_address(visitor: Visitor) -> None:
    for email in ("", "ana", "x" * 10_000, "ana@example.com\r\nBcc: eva@example.com", "'; DROP TABLE links;--"):
        assert forget(visitor, email).status_code == 422


def test_asking_is_throttled_by_address_asked_for(app: Flask, ana: Visitor) -> None:
    for number in range(5):
        client = app.test_client()
        client.environ_base["REMOTE_ADDR"] = f"192.0.2.{number}"
        assert forget(Visitor(client)).status_code == 200
    answer = forget(Visitor(app.test_client()))
    assert answer.status_code == 429
    assert 0 < int(answer.headers["Retry-After"]) <= 3600


def test_a_new_password_is_not_locked_out_by_guesses_at_the_old_one(app: Flask, ana: Visitor, another: Visitor) -> None:
    for _ in range(11):
        another.sign_in("ana@example.com", "wrong guess")
    forget(another)
    choose(another, last_link(app, "/reset-password/"))
    another.send("/logout")
    assert another.sign_in("ana@example.com", NEW).status_code == 303


def test_tokens_and_addresses_are_not_in_the_database__F137(app: Flask, ana: Visitor, another: Visitor) -> None:
    forget(another)
    token = last_link(app, "/reset-password/").rpartition("/")[2]
    kept = [
        str(row)
        for table in ("links", "mails", "attempts")
        for row in connection().execute(text(f"SELECT * FROM {table}"))
    ]
    assert len(kept) >= 4
    assert not any(token in row or "ana@" in row for row in kept)
