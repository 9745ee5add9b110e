"""Mails to customers: asked for in the transaction of what they tell of, sent afterwards by a worker.

A row says only who gets which mail; words, address and links are put in when it is sent. It goes out at least
once: a worker that dies between sending and noting sends it again.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Literal, get_args

from sqlalchemy import delete, insert, select, update

from billing import clock, links
from billing.db import connection, in_transaction, transaction
from billing.models import Customer, Mail

Kind = Literal["confirm_email", "change_email", "email_change_asked", "reset_password", "password_changed"]

LINK_OF: dict[Kind, tuple[links.Purpose, str]] = {
    "confirm_email": ("confirm_email", "/confirm-email/"),
    "change_email": ("change_email", "/change-email/"),
    "reset_password": ("reset_password", "/reset-password/"),
}
"""Mails that bring a link: its purpose, and the path that its token is put behind."""

FIRST_GAP = timedelta(minutes=1)
"""Doubled with each try that fails."""

MAX_TRIES = 10
"""The last one comes after eight hours; later than that nobody waits for the link any more."""

KEPT = timedelta(days=30)
"""How long it stays known that a mail was sent."""


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A mail that is to be sent now; `path` is that of its link, which works from this moment on."""

    id: int
    kind: Kind
    to: str
    locale: str | None
    path: str | None


def queue_mail(account_id: int, kind: Kind) -> None:
    """Have a mail sent once the open transaction is committed; one that is waiting already is sent now instead."""
    assert in_transaction(), "a mail is asked for together with what it tells of"
    assert kind in get_args(Kind)
    now = clock.wall_now()
    waiting = (Mail.account_id == account_id) & (Mail.kind == kind) & Mail.next_try_at.is_not(None)
    hurried = connection().execute(update(Mail).where(waiting).values(attempts=0, next_try_at=now))
    if not hurried.rowcount:
        row = {"account_id": account_id, "kind": kind, "attempts": 0, "created_at": now, "next_try_at": now}
        connection().execute(insert(Mail), row)


def due_mails(limit: int = 100) -> list[int]:
    """Which mails are to be sent now, oldest first."""
    due = select(Mail.id).where(Mail.next_try_at <= clock.wall_now()).order_by(Mail.id).limit(limit)
    return list(connection().scalars(due))


def take_mail(mail_id: int) -> Outgoing | None:
    """Take a mail to send it; None when another worker has it, or when there is nobody to send it to any more.

    Whoever takes it notes the next try first, so that nobody else does before then.
    """
    now = clock.wall_now()
    with transaction() as connection:
        mail = connection.execute(select(Mail.__table__).where(Mail.id == mail_id)).first()
        if mail is None or mail.next_try_at is None or mail.next_try_at > now:
            return None
        attempts = mail.attempts + 1
        next_try_at = now + FIRST_GAP * 2**mail.attempts if attempts < MAX_TRIES else None
        taken = connection.execute(
            update(Mail)
            .where(Mail.id == mail_id, Mail.attempts == mail.attempts, Mail.next_try_at == mail.next_try_at)
            .values(attempts=attempts, next_try_at=next_try_at)
        )
        if taken.rowcount != 1:
            return None
        customer = connection.execute(
            select(Customer.login_email, Customer.new_email, Customer.locale).where(
                Customer.account_id == mail.account_id
            )
        ).one()
        to = customer.new_email if mail.kind == "change_email" else customer.login_email
        if to is None:
            connection.execute(update(Mail).where(Mail.id == mail_id).values(next_try_at=None))
            return None
        return Outgoing(mail_id, mail.kind, to, customer.locale, _link(mail.account_id, mail.kind))


def note_sent(mail_id: int) -> None:
    """The mail is out."""
    with transaction() as connection:
        connection.execute(update(Mail).where(Mail.id == mail_id).values(sent_at=clock.wall_now(), next_try_at=None))


def forget_mails(account_id: int | None = None) -> int:
    """Delete all mails of an account, or of everybody the old ones; how many. Needs an open transaction."""
    old = Mail.next_try_at.is_(None) & (Mail.created_at < clock.wall_now() - KEPT)
    return (
        connection().execute(delete(Mail).where(old if account_id is None else Mail.account_id == account_id)).rowcount
    )


def _link(account_id: int, kind: Kind) -> str | None:
    if kind not in LINK_OF:
        return None
    purpose, path = LINK_OF[kind]
    return path + links.make_link(purpose, account_id)[0]
