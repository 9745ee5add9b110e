"""`/confirm-email/…`: mail that proves its address."""

from __future__ import annotations

from datetime import timedelta

import time_machine
from flask import Flask

from billing import clock, customers
from tests.mailbox import deliver, last_link, received, text_of_mail
from tests.web.conftest import PASSWORD, Visitor, text_of


def is_confirmed(account_id: int) -> bool:
    return customers.get(account_id).email_confirmed_at is not None


def test_registering_sends_one_mail_without_a_word_of_whoever_registered__F144(app: Flask, visitor: Visitor) -> None:
    visitor.send("/register", email="eva@example.com", password=PASSWORD, name="<b>Buy</b>", locale="es")
    deliver(app)
    deliver(app)
    (mail,) = received(app)
    assert (mail["To"], mail["From"]) == ("eva@example.com", "no-reply@127.0.0.1")
    assert mail["Subject"] == "Confirma tu correo electrónico"
    assert "Buy" not in mail.as_string(), "what somebody typed as a name is not sent to strangers"


def test_link_confirms_by_a_button_and_only_once(app: Flask, ana: Visitor, another: Visitor) -> None:
    link = last_link(app, "/confirm-email/")
    page = another.see(link)
    assert "ana@example.com" in text_of(page)
    assert not is_confirmed(ana.account_id), "programs that follow links in mails confirm nothing"
    answer = another.send(link)
    assert (answer.status_code, answer.location) == (303, "/login")
    assert is_confirmed(ana.account_id)
    assert "Your e-mail address is confirmed." in text_of(another.see("/login"))
    assert another.send(link).status_code == another.see(link).status_code == 404


def test_link_ends_after_three_days(app: Flask, ana: Visitor, another: Visitor) -> None:
    link = last_link(app, "/confirm-email/")
    with time_machine.travel(clock.wall_now() + timedelta(days=3, seconds=1)):
        answer = another.see(link)
        assert answer.status_code == 404
        assert "no longer works" in text_of(answer)
    assert not is_confirmed(ana.account_id)


def test_settings_send_the_mail_again_until_it_is_confirmed(app: Flask, ana: Visitor) -> None:
    first = last_link(app, "/confirm-email/")
    assert "not confirmed yet" in text_of(ana.see("/settings"))
    assert ana.send("/settings/confirm-email").status_code == 303
    second = last_link(app, "/confirm-email/")
    assert second != first
    ana.send(second)
    assert "not confirmed yet" not in text_of(ana.see("/settings"))
    ana.send("/settings/confirm-email")
    deliver(app)
    assert len(received(app)) == 2
    assert ana.see(first).status_code == 404, "the other link is over, too"


def test_asking_for_mail_is_throttled(app: Flask, ana: Visitor) -> None:
    deliver(app)
    for _ in range(8):
        ana.send("/settings/confirm-email")
        deliver(app)
    assert len(received(app)) == 6, "one from registering, and five an hour"


def test_links_of_one_purpose_do_nothing_else(app: Flask, ana: Visitor, another: Visitor) -> None:
    token = last_link(app, "/confirm-email/").rpartition("/")[2]
    assert another.see(f"/reset-password/{token}").status_code == 404
    assert another.see(f"/portal/{token}").status_code == 404
    assert another.see(f"/confirm-email/{token}x").status_code == 404


def test_mail_says_the_same_as_text_and_as_html(app: Flask, ana: Visitor) -> None:
    deliver(app)
    (mail,) = received(app)
    html = mail.get_body(("html",))
    assert html is not None
    for line in filter(None, text_of_mail(mail).splitlines()):
        assert line in html.get_content() or line == "-- " or line.startswith("Saldo")
