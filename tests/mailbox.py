"""The mails that Saldo has sent, read from the folder that MAIL_URL names; a round of the worker sends them."""

from __future__ import annotations

import re
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path

from flask import Flask

from billing.db import db
from worker.loop import Worker
from worker.tasks import TASKS


def deliver(app: Flask) -> None:
    """Let the worker send what is due."""
    result = Worker(app, [task for task in TASKS if task.name == "send mail"]).run_once()
    db.session.rollback()
    assert result.failed == {}


def received(app: Flask) -> list[EmailMessage]:
    """Every mail so far, oldest first."""
    folder = Path(app.config["SETTINGS"].mail_url.get_secret_value().removeprefix("file://"))
    files = sorted(folder.glob("*.eml"), key=lambda file: file.stat().st_mtime_ns)
    return [message_from_bytes(file.read_bytes(), policy=policy.default) for file in files]


def text_of_mail(mail: EmailMessage) -> str:
    body = mail.get_body(("plain",))
    assert body is not None
    return str(body.get_content())


def link_in(mail: EmailMessage) -> str:
    """The path of the one link that a mail is about, with the token in it."""
    (url,) = set(re.findall(r"https?://\S+/\S+", text_of_mail(mail)))
    assert url.startswith("http://127.0.0.1:8000/"), "PUBLIC_URL and nothing else"
    return url.removeprefix("http://127.0.0.1:8000")


def last_link(app: Flask, path: str) -> str:
    """The link of the newest mail that leads below `path`."""
    deliver(app)
    return next(link for mail in reversed(received(app)) if path in text_of_mail(mail) for link in [link_in(mail)])
