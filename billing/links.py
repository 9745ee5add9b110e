"""Links for one use, such as the one in a mail that sets a new password: made, looked at, used up.

The token is random and leaves this process in the link only; the database keeps its SHA-256. Real time decides
when a link ends: a test clock moves no log-in.
"""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from sqlalchemy import ColumnElement, delete, insert, or_, select, update

from billing import clock
from billing.db import connection, in_transaction
from billing.errors import NotFound
from billing.models import Link

Purpose = Literal["confirm_email", "change_email", "reset_password", "sign_in"]

LIFETIMES: dict[Purpose, timedelta] = {
    "confirm_email": timedelta(days=3),
    "change_email": timedelta(days=1),
    "reset_password": timedelta(hours=1),
    "sign_in": timedelta(minutes=5),
}
"""How long a link of each purpose works."""


@dataclass(frozen=True, slots=True)
class LinkView:
    """Whose link it is, where it leads on to, and until when it works."""

    account_id: int
    return_path: str | None
    expires_at: datetime


def make_link(purpose: Purpose, account_id: int, return_path: str | None = None) -> tuple[str, datetime]:
    """The token of a new link and when it ends. Needs an open transaction."""
    assert in_transaction(), "links are made inside a transaction"
    token = secrets.token_urlsafe(32)
    now = clock.wall_now()
    expires_at = now + LIFETIMES[purpose]
    connection().execute(
        insert(Link),
        {
            "token_hash": _hash(token),
            "purpose": purpose,
            "account_id": account_id,
            "return_path": return_path,
            "created_at": now,
            "expires_at": expires_at,
        },
    )
    return token, expires_at


def read_link(purpose: Purpose, token: str) -> LinkView:
    """What a link would do. Raises `NotFound`: it never was, is for something else, was used, or has expired."""
    row = connection().execute(select(Link.__table__).where(_works(purpose, token))).first()
    if row is None:
        raise NotFound()
    return LinkView(row.account_id, row.return_path, row.expires_at)


def use_link(purpose: Purpose, token: str) -> LinkView:
    """Use a link up; of two at once one succeeds. Raises `NotFound` as `read_link` does. Needs a transaction."""
    assert in_transaction(), "a link is used up together with what it does"
    link = read_link(purpose, token)
    used = connection().execute(update(Link).where(_works(purpose, token)).values(used_at=clock.wall_now()))
    if used.rowcount != 1:
        raise NotFound()
    return link


def end_links(purpose: Purpose, account_id: int) -> None:
    """Let no link of this purpose work any more for the account. Needs an open transaction."""
    connection().execute(
        update(Link)
        .where(Link.account_id == account_id, Link.purpose == purpose, Link.used_at.is_(None))
        .values(used_at=clock.wall_now())
    )


def forget_links(account_id: int | None = None) -> int:
    """Delete all links of an account, or of everybody those that are used or over; how many. Needs a transaction."""
    over = or_(Link.used_at.is_not(None), Link.expires_at <= clock.wall_now())
    return (
        connection().execute(delete(Link).where(over if account_id is None else Link.account_id == account_id)).rowcount
    )


def _works(purpose: Purpose, token: str) -> ColumnElement[bool]:
    return (
        (Link.token_hash == _hash(token))
        & (Link.purpose == purpose)
        & Link.used_at.is_(None)
        & (Link.expires_at > clock.wall_now())
    )


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()
