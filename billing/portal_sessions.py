"""Signing in by an app: it asks for a link that signs its customer in on the pages, once, within five minutes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from billing import links
from billing.db import db, transaction
from billing.errors import NotFound
from billing.models import Customer


@dataclass(frozen=True, slots=True)
class PortalSession:
    """The path of a sign-in link below PUBLIC_URL, and when it ends. The token is in the path and nowhere else."""

    path: str
    expires_at: datetime


def create_portal_session(account_id: int, return_path: str | None = None) -> PortalSession:
    """A link that signs the customer in and leads on to `return_path`; raises `NotFound` for an erased one."""
    with transaction():
        customer = db.session.get(Customer, account_id)
        if customer is None or customer.erased_at is not None:
            raise NotFound()
        token, expires_at = links.make_link("sign_in", account_id, return_path)
    return PortalSession(f"/portal/{token}", expires_at)


def customer_of(token: str) -> Customer:
    """Whom a link would sign in. Raises `NotFound` when it was used or is over."""
    return db.session.get_one(Customer, links.read_link("sign_in", token).account_id)


def use_portal_session(token: str) -> tuple[Customer, str | None]:
    """Use the link up: who is signed in now, and where they go on to. Raises `NotFound`."""
    with transaction():
        link = links.use_link("sign_in", token)
        return db.session.get_one(Customer, link.account_id), link.return_path
