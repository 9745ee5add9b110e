"""Customers: people who register on the pages, and users that apps name; each gets the sign-up credits once."""

from __future__ import annotations

import re
from collections.abc import Mapping

from sqlalchemy import bindparam, select
from sqlalchemy.exc import IntegrityError

from billing import catalog, clock, links, mails
from billing.accounts import open_account
from billing.credentials import hash_password, is_password, read_email
from billing.db import connection, db, transaction
from billing.errors import Conflict, EmailTaken, InvalidCustomerId, NotFound
from billing.ids import new_id
from billing.ledger.grants import Terms, open_grant
from billing.ledger.posting import Note, is_posted
from billing.models import (
    Account,
    Customer,
)
from billing.remembered import Remembered
from billing.statements import Statement, read

_accounts: Remembered[str, int] = Remembered()
_ACCOUNT_OF = Statement(select(Customer.account_id).where(Customer.public_id == bindparam("public_id")))
_PUBLIC_ID = re.compile(r"[A-Za-z0-9._:@-]{1,128}")


def register(email: str, password: str, name: str | None = None, locale: str | None = None) -> Customer:
    """A new customer who signs in on the pages, with the free plan's sign-up credits and a mail to confirm theirs.

    Raises ``EmailTaken``, ``InvalidEmail``, ``WeakPassword``.
    """
    address = read_email(email)
    password_hash = hash_password(password)
    try:
        with transaction():
            customer = Customer(
                public_id=new_id("web"),
                email=address,
                login_email=address,
                name=_clean_name(name),
                locale=locale,
                password_hash=password_hash,
                created_at=clock.now(),
            )
            _open_books(customer)
            mails.queue_mail(customer.account_id, "confirm_email")
            return customer
    except IntegrityError as error:
        if is_login(address):
            raise EmailTaken() from error
        raise


def is_login(email: str) -> bool:
    """Whether somebody signs in with this address."""
    return db.session.scalar(select(Customer.account_id).where(Customer.login_email == email)) is not None


def authenticate(email: str, password: str) -> Customer | None:
    """The customer with this address and password; takes as long when there is none (F131)."""
    customer = db.session.scalar(select(Customer).where(Customer.login_email == email.strip().lower()))
    matches = is_password(password, customer.password_hash if customer else None)
    return customer if matches else None


def change_password(account_id: int, password: str) -> Customer:
    """Set a new password, end every session of the customer, and tell them by mail. Raises ``WeakPassword``."""
    password_hash = hash_password(password)
    with transaction():
        customer = get(account_id)
        customer.password_hash = password_hash
        customer.session_epoch += 1
        links.end_links("reset_password", account_id)
        mails.queue_mail(account_id, "password_changed")
        return customer


def end_sessions(account_id: int) -> None:
    """End every session of the customer, also one whose cookie was copied (F129)."""
    with transaction():
        get(account_id).session_epoch += 1


def update_profile(account_id: int, *, name: str | None, locale: str | None) -> Customer:
    """Set how the customer is called and in which language they read."""
    with transaction():
        customer = get(account_id)
        customer.name = _clean_name(name)
        customer.locale = locale
        return customer


def change_customer(account_id: int, changes: Mapping[str, str | None]) -> Customer:
    """Set an app's ``email``, ``name`` or ``locale`` of a customer; what is not named stays.

    Raises ``InvalidEmail``, and ``Conflict`` for one who was erased.
    """
    email = changes.get("email")
    address = read_email(email) if email else None
    with transaction():
        customer = get(account_id)
        if customer.erased_at is not None:
            raise Conflict("This customer was erased.")
        if "email" in changes:
            customer.email = address
        if "name" in changes:
            customer.name = _clean_name(changes["name"])
        if "locale" in changes:
            customer.locale = changes["locale"]
        return customer


def ensure_customer(
    public_id: str, email: str | None = None, name: str | None = None, locale: str | None = None
) -> tuple[Customer, bool]:
    """The customer of that id, made on first sight with the sign-up credits; also whether it was made.

    Raises ``InvalidCustomerId``, ``InvalidEmail``. An equal e-mail never links two customers.
    """
    if not _PUBLIC_ID.fullmatch(public_id):
        raise InvalidCustomerId()
    address = read_email(email) if email else None
    known = _by_public_id(public_id)
    if known is not None:
        return known, False
    try:
        with transaction():
            customer = Customer(
                public_id=public_id,
                email=address,
                name=_clean_name(name),
                locale=locale,
                created_at=clock.now(),
            )
            _open_books(customer)
            return customer, True
    except IntegrityError:
        known = _by_public_id(public_id)
        if known is None:
            raise
        return known, False


def bring_customer(
    public_id: str, email: str | None = None, name: str | None = None, locale: str | None = None
) -> tuple[Customer, bool]:
    """As `ensure_customer`, for one who comes from an earlier system: they signed up there, so nothing is given.

    Their first refill comes a month from now. Needs an open transaction.
    """
    known = _by_public_id(public_id)
    if known is not None:
        return known, False
    if not _PUBLIC_ID.fullmatch(public_id):
        raise InvalidCustomerId()
    customer = Customer(
        public_id=public_id,
        email=read_email(email) if email else None,
        name=_clean_name(name),
        locale=locale,
        created_at=clock.now(),
    )
    _open_books(customer, is_new=False)
    return customer, True


def _open_books(customer: Customer, *, is_new: bool = True) -> None:
    """The account beside the customer, and what is given at sign-up, keyed by the customer (R6)."""
    db.session.add(customer)
    db.session.flush()
    free_plan = catalog.current().free_plan
    db.session.add(
        Account(
            account_id=customer.account_id,
            next_refill_at=(
                clock.add_months(customer.created_at, 0 if is_new else 1) if free_plan.monthly_refill else None
            ),
        )
    )
    db.session.flush()
    amount = free_plan.signup_credits if is_new else 0
    source = f"signup:{customer.account_id}"
    with open_account(customer.account_id) as book:
        if amount and not is_posted(source):
            open_grant(
                book,
                "CREDIT",
                "signup",
                amount,
                at=book.now,
                terms=Terms(label="free"),
                note=Note(actor="system"),
                source=source,
            )


def get(account_id: int) -> Customer:
    """The customer of an account; raises ``NotFound``."""
    customer = db.session.get(Customer, account_id)
    if customer is None:
        raise NotFound()
    return customer


def find_customer(public_id: str) -> Customer:
    """The customer of that id; raises ``NotFound``."""
    customer = _by_public_id(public_id)
    if customer is None:
        raise NotFound()
    return customer


def account_of(public_id: str) -> int:
    """The account of the customer of that id, and nothing else of them; raises ``NotFound``.

    For doors, which name a customer before they do anything. It is remembered, since an id names the same account for
    ever; only one like an e-mail address does not, which erasing takes away.
    """
    account_id = _accounts.get(public_id)
    if account_id is None:
        found = read(connection(), _ACCOUNT_OF, public_id=public_id)
        if not found:
            raise NotFound()
        account_id = int(found[0]["account_id"])
        if "@" not in public_id:
            _accounts.put(public_id, account_id)
    return account_id


def _by_public_id(public_id: str) -> Customer | None:
    return db.session.scalar(select(Customer).where(Customer.public_id == public_id))


def _clean_name(name: str | None) -> str | None:
    text = " ".join((name or "").replace("\x00", " ").split())[:200]
    return text.encode("utf-8", "ignore").decode() or None
