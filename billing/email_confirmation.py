"""Proof that mail reaches a customer: they open a link that was sent to the address they sign in with."""

from __future__ import annotations

from billing import clock, links, mails
from billing.db import db, transaction
from billing.errors import NotFound
from billing.models import Customer


def request_confirmation(account_id: int) -> None:
    """Have the mail with the link sent (again), unless the address is confirmed or there is none."""
    with transaction():
        customer = db.session.get(Customer, account_id)
        if customer is not None and customer.login_email and customer.email_confirmed_at is None:
            mails.queue_mail(account_id, "confirm_email")


def address_to_confirm(token: str) -> str:
    """Which address a link confirms. Raises `NotFound` for one that does not work any more."""
    customer = db.session.get(Customer, links.read_link("confirm_email", token).account_id)
    if customer is None or customer.login_email is None:
        raise NotFound()
    return customer.login_email


def confirm_email(token: str) -> Customer:
    """Note that the address is theirs, and use up all links that would say so. Raises `NotFound`."""
    with transaction():
        link = links.use_link("confirm_email", token)
        customer = db.session.get_one(Customer, link.account_id)
        if customer.email_confirmed_at is None:
            customer.email_confirmed_at = clock.wall_now()
        links.end_links("confirm_email", link.account_id)
        return customer
