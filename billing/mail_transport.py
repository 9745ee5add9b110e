"""Where mail goes, as MAIL_URL says: to the screen, into a folder, or to a mail server.

`?from=ADDRESS` at its end names the sender; by default it is `no-reply@` the host of PUBLIC_URL.
"""

from __future__ import annotations

import smtplib
import ssl
import sys
from email.message import EmailMessage
from email.utils import format_datetime, make_msgid
from pathlib import Path
from urllib.parse import SplitResult, parse_qs, unquote, urlsplit

from billing import clock
from billing.ids import new_id

TIMEOUT_SECONDS = 15


class MailNotSent(Exception):
    """The mail server did not take it; the text names no address. Trying again later may help."""


def write_mail(mail_url: str, public_url: str, *, to: str, subject: str, text: str, html: str) -> EmailMessage:
    """A mail with its words as text and as HTML, both saying the same."""
    host = urlsplit(public_url).hostname or "localhost"
    message = EmailMessage()
    message["From"] = _sender(urlsplit(mail_url)) or f"no-reply@{host}"
    message["To"] = _ascii(to)
    message["Subject"] = subject
    message["Date"] = format_datetime(clock.wall_now())
    message["Message-ID"] = make_msgid(domain=host)
    message["Auto-Submitted"] = "auto-generated"  # no out-of-office answers (RFC 3834)
    message.set_content(text)
    message.add_alternative(html, subtype="html")
    return message


def send_mail(mail_url: str, message: EmailMessage) -> None:
    """Hand the mail over. Raises `MailNotSent`."""
    parts = urlsplit(mail_url)
    try:
        if parts.scheme == "console":
            sys.stdout.write(f"{_plain(message)}\n")
            sys.stdout.flush()
        elif parts.scheme == "file":
            _put(Path(unquote(parts.path)), message)
        else:
            _hand_over(parts, message)
    except (OSError, smtplib.SMTPException, UnicodeError) as error:
        raise MailNotSent(type(error).__name__) from error


def _plain(message: EmailMessage) -> str:
    body = message.get_body(("plain",))
    assert body is not None
    return f"--- mail to {message['To']}: {message['Subject']}\n{body.get_content()}---"


def _put(folder: Path, message: EmailMessage) -> None:
    """Write it whole or not at all: whoever watches the folder reads no half mail."""
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"{new_id('mail')}.eml"
    hidden = file.with_suffix(".part")
    hidden.write_bytes(bytes(message))
    hidden.rename(file)


def _hand_over(parts: SplitResult, message: EmailMessage) -> None:
    """To the server, encrypted wherever it can be; a password never travels in the clear."""
    tls = ssl.create_default_context()
    host = parts.hostname or ""
    if parts.scheme == "smtps":
        server: smtplib.SMTP = smtplib.SMTP_SSL(host, parts.port or 465, timeout=TIMEOUT_SECONDS, context=tls)
    else:
        server = smtplib.SMTP(host, parts.port or 587, timeout=TIMEOUT_SECONDS)
    with server:
        server.ehlo_or_helo_if_needed()
        if parts.scheme == "smtp" and (parts.username or server.has_extn("starttls")):
            server.starttls(context=tls)
        if parts.username:
            server.login(unquote(parts.username), unquote(parts.password or ""))
        server.send_message(message)


def _sender(parts: SplitResult) -> str | None:
    return next(iter(parse_qs(parts.query).get("from", [])), None)


def _ascii(address: str) -> str:
    """The address with its domain as mail servers know it: IDNA where it is not ASCII."""
    local, _, domain = address.rpartition("@")
    try:
        return f"{local}@{domain.encode('idna').decode()}"
    except UnicodeError:
        return address
