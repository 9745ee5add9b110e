"""Mail on its way out: once, also when the mail server is away for a while."""

from __future__ import annotations

import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest
import time_machine
from flask import Flask

from app import create_app
from billing import clock, customers, email_confirmation, mail_transport, mails
from billing.db import connection, db, transaction
from billing.models import Mail
from config import load_settings
from tests.mailbox import deliver, received, text_of_mail
from worker.loop import Worker
from worker.tasks import TASKS


@pytest.fixture
def ana(app: Flask) -> int:
    return customers.register("ana@example.com", "correct horse battery", locale="es_MX").account_id


class _Postbox(socketserver.StreamRequestHandler):
    """As much SMTP as a client needs; it keeps what it is given."""

    def handle(self) -> None:
        self.wfile.write(b"220 ready\r\n")
        while line := self.rfile.readline():
            word = line[:4].upper()
            if word == b"DATA":
                self.wfile.write(b"354 go on\r\n")
                lines = iter(self.rfile.readline, b".\r\n")
                self.server.mails.append(b"".join(lines).decode())  # type: ignore[attr-defined]
            self.wfile.write(b"221 bye\r\n" if word == b"QUIT" else b"250 ok\r\n")


@contextmanager
def smtp_server() -> Iterator[tuple[int, list[str]]]:
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), _Postbox) as server:
        server.mails = []  # type: ignore[attr-defined]
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        yield server.server_address[1], server.mails  # type: ignore[attr-defined]
        server.shutdown()


def server_with(environ: dict[str, str], mail_url: str) -> Flask:
    return create_app(load_settings({**environ, "MAIL_URL": mail_url}))


def test_smtp_takes_the_mail(app: Flask, environ: dict[str, str], ana: int) -> None:
    with smtp_server() as (port, taken):
        deliver(server_with(environ, f"smtp://127.0.0.1:{port}?from=billing@shop.example"))
    assert len(taken) == 1
    assert "From: billing@shop.example" in taken[0]
    assert "To: ana@example.com" in taken[0]


def test_password_is_never_sent_in_the_clear(app: Flask, environ: dict[str, str], ana: int) -> None:
    with smtp_server() as (port, taken):
        deliver(server_with(environ, f"smtp://saldo:secret@127.0.0.1:{port}"))
    assert taken == []
    assert mails.due_mails() == [], "it waits for its next try"


def test_server_that_is_away_gets_the_mail_later_once(app: Flask, environ: dict[str, str], ana: int) -> None:
    deliver(server_with(environ, "smtp://127.0.0.1:9"))
    deliver(app)
    assert received(app) == []
    with time_machine.travel(clock.wall_now() + timedelta(minutes=2)):
        deliver(app)
        deliver(app)
    assert len(received(app)) == 1


def test_mail_is_given_up_after_some_hours(app: Flask, environ: dict[str, str], ana: int) -> None:
    away = server_with(environ, "smtp://127.0.0.1:9")
    begin = clock.wall_now()
    for hours in range(1, 3 + mails.MAX_TRIES):
        with time_machine.travel(begin + timedelta(days=hours)):
            deliver(away)
    row = connection().execute(db.select(Mail.__table__)).one()
    assert (row.attempts, row.next_try_at, row.sent_at) == (mails.MAX_TRIES, None, None)


def test_workers_at_once_send_each_mail_once(app: Flask) -> None:
    for number in range(6):
        customers.register(f"eva{number}@example.com", "correct horse battery")
    task = [task for task in TASKS if task.name == "send mail"]
    threads = [threading.Thread(target=Worker(app, task).run_once) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(received(app)) == 6


def test_asking_again_hurries_the_mail_that_waits(app: Flask, environ: dict[str, str], ana: int) -> None:
    deliver(server_with(environ, "smtp://127.0.0.1:9"))
    assert mails.due_mails() == []
    email_confirmation.request_confirmation(ana)
    deliver(app)
    assert len(received(app)) == 1


def test_mail_asked_for_in_what_is_undone_is_not_sent(app: Flask, ana: int) -> None:
    deliver(app)

    def change_and_fail() -> None:
        with transaction():
            mails.queue_mail(ana, "password_changed")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        change_and_fail()
    deliver(app)
    assert len(received(app)) == 1


def test_console_shows_the_mail_with_its_link(
    environ: dict[str, str], ana: int, capsys: pytest.CaptureFixture[str]
) -> None:
    deliver(server_with(environ, "console://"))
    shown = capsys.readouterr().out
    assert "mail to ana@example.com: Confirma tu correo electrónico" in shown
    assert "http://127.0.0.1:8000/confirm-email/" in shown


def test_old_links_and_mails_are_forgotten(app: Flask, ana: int) -> None:
    deliver(app)
    task = [task for task in TASKS if task.name == "forget old links"]
    Worker(app, task).run_once()
    assert connection().execute(db.select(Mail.__table__)).all()
    with time_machine.travel(clock.wall_now() + timedelta(days=31)):
        Worker(app, task).run_once()
    db.session.rollback()
    for table in ("mails", "links"):
        assert connection().exec_driver_sql(f"SELECT count(*) FROM {table}").scalar() == 0


def test_odd_addresses_stand_in_the_header_as_they_are() -> None:
    mail = mail_transport.write_mail(
        "console://", "https://saldo.example", to="josé@bücher.example", subject="Hola", text="a", html="b"
    )
    assert mail["To"].endswith("@xn--bcher-kva.example")
    assert text_of_mail(mail) == "a\n"
