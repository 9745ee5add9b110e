"""Signing in with another address: it counts once a link that was sent there has been opened."""

from __future__ import annotations

import structlog
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from billing import clock, links, mails, stripe_customers, stripe_gateway
from billing.credentials import read_email
from billing.db import db, transaction
from billing.errors import EmailTaken, NotFound, StripeUnavailable
from billing.models import Customer
from billing.stripe_gateway import StripeRequestRefused

_log = structlog.get_logger(__name__)


def request_change(account_id: int, email: str) -> None:
    """Have a link sent to the new address, and a word of warning to the old one. Raises `InvalidEmail`.

    Where somebody else signs in with it already no link is sent; whoever asks learns nothing of that.
    """
    address = read_email(email)
    with transaction():
        customer = db.session.get_one(Customer, account_id)
        if customer.login_email in (None, address):
            return
        mails.queue_mail(account_id, "email_change_asked")
        links.end_links("change_email", account_id)
        if _is_login(address):
            return
        customer.new_email = address
        mails.queue_mail(account_id, "change_email")


def new_address(token: str) -> str:
    """Which address a link puts in place of the present one. Raises `NotFound`."""
    customer = db.session.get(Customer, links.read_link("change_email", token).account_id)
    if customer is None or customer.new_email is None:
        raise NotFound()
    return customer.new_email


def change_email(token: str) -> None:
    """Let the customer sign in with the new address, which is proven by the link; here and at Stripe.

    Raises `NotFound`, and `EmailTaken` when somebody else has registered with it meanwhile.
    """
    try:
        with transaction():
            link = links.use_link("change_email", token)
            customer = db.session.get_one(Customer, link.account_id)
            if customer.new_email is None:
                raise NotFound()
            customer.login_email = customer.email = customer.new_email
            customer.new_email = None
            customer.email_confirmed_at = clock.wall_now()
            for purpose in ("change_email", "confirm_email", "reset_password"):
                links.end_links(purpose, link.account_id)
            db.session.flush()
            email = customer.email
    except IntegrityError as error:
        raise EmailTaken() from error
    _tell_stripe(link.account_id, email)


def _is_login(address: str) -> bool:
    return db.session.scalar(select(Customer.account_id).where(Customer.login_email == address)) is not None


def _tell_stripe(account_id: int, email: str) -> None:
    """Receipts shall follow. Where Stripe does not answer they go to the old address until it is changed there."""
    stripe_id = stripe_customers.live_link(account_id)
    if stripe_id is None:
        return
    try:
        stripe_gateway.current().change_customer_email(stripe_id, email)
    except (StripeUnavailable, StripeRequestRefused) as error:
        _log.warning("email_not_told_to_stripe", account_id=account_id, error=type(error).__name__)
