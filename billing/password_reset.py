"""A new password for whoever forgot theirs, by a link to the address they sign in with."""

from __future__ import annotations

from sqlalchemy import select

from billing import clock, links, mails
from billing.credentials import hash_password
from billing.db import db, transaction
from billing.models import Customer


def request_reset(email: str) -> None:
    """Have a mail with a link sent, if somebody signs in with this address; the caller never learns whether."""
    with transaction():
        account_id = db.session.scalar(select(Customer.account_id).where(Customer.login_email == email.strip().lower()))
        if account_id is not None:
            mails.queue_mail(account_id, "reset_password")


def check_reset_link(token: str) -> None:
    """Raises `NotFound` for a link that does not work any more."""
    links.read_link("reset_password", token)


def reset_password(token: str, password: str) -> Customer:
    """Set the password by a link, which is used up by it, as are all others like it; every session ends.

    Whoever has the mail has the address, so it is confirmed too. Raises `NotFound` and `WeakPassword`.
    """
    password_hash = hash_password(password)
    with transaction():
        link = links.use_link("reset_password", token)
        customer = db.session.get_one(Customer, link.account_id)
        customer.password_hash = password_hash
        customer.session_epoch += 1
        if customer.email_confirmed_at is None:
            customer.email_confirmed_at = clock.wall_now()
        links.end_links("reset_password", link.account_id)
        links.end_links("confirm_email", link.account_id)
        mails.queue_mail(link.account_id, "password_changed")
        return customer
