"""Erasing a person from the data, and keeping the books: what they are called goes, what was moved stays.

Entries keep their facts and their hash chain, since free text is no part of it (R2). Payments, refunds and disputes
keep Stripe's ids, so that money that goes back later still finds its credits. At Stripe the customer is deleted,
which ends their subscriptions; until Stripe has answered, the worker asks again.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import ColumnElement, or_, select, update

from billing import audit_log, clock, links, mails, money, stripe_customers, stripe_gateway
from billing.accounts import open_account
from billing.db import connection, db, transaction
from billing.errors import StripeUnavailable
from billing.ids import new_id
from billing.models import (
    Checkout,
    Customer,
    Entry,
    Hold,
    QuotaReset,
    Refund,
    Reply,
    StripeCustomer,
    StripeEvent,
    Usage,
)
from billing.stripe_gateway import StripeNotFound, StripeRequestRefused

FREE_TEXT: dict[Any, tuple[str, ...]] = {
    Entry: ("description", "reference", "details"),
    Hold: ("description", "reference", "details"),
    Usage: ("description", "reference", "details", "agent", "thread", "execution"),
    QuotaReset: ("reason",),
    Refund: ("note",),
    Checkout: ("url", "return_path"),
}
"""Whatever people or apps have written about a customer, by table."""

PERSONAL_KEYS = frozenset(
    {
        *("email", "name", "phone", "address", "shipping", "description", "billing_details", "customer_details"),
        *("customer_email", "customer_name", "customer_phone", "customer_address", "customer_shipping"),
        *("receipt_email", "individual_name", "business_name", "card", "reference", "metadata", "note", "detail"),
    }
)
"""Fields of JSON, Stripe's and ours, that say who somebody is or what was written about them."""

KEPT_METADATA = "saldo_"
"""Our own marks in Stripe's metadata name what was bought; they stay."""

LOOK_BACK = timedelta(days=3)
"""How long Stripe may send events about somebody who was erased; it gives up after three days."""


def erase_customer(account_id: int, actor: str) -> bool:
    """Erase a customer's personal data here and at Stripe; again, it erases what has come since.

    Answers whether Stripe has done its part too; if not, the worker goes on. Raises `NotFound`.
    """
    with transaction(), open_account(account_id) as book:
        customer = db.session.get_one(Customer, account_id)
        public_id = customer.public_id
        _blank_customer(customer)
        book.next_refill_at = None  # nobody is there any more to be given something
        db.session.flush()
        links.forget_links(account_id)
        mails.forget_mails(account_id)
        for table, columns in FREE_TEXT.items():
            _blank(table, columns, account_id)
        _blank_replies(account_id, public_id)
        _blank_events(_events_of(account_id))
        audit_log.record("customer.erase", actor=actor, account_id=account_id)
    return erase_at_stripe(account_id)


def erase_at_stripe(account_id: int) -> bool:
    """Delete an erased customer at Stripe; False while Stripe does not answer. No transaction may be open."""
    stripe_id = stripe_customers.live_link(account_id)
    if stripe_id is None:
        return True
    try:
        stripe_gateway.current().delete_customer(stripe_id)
    except StripeNotFound:
        pass  # deleted before
    except (StripeUnavailable, StripeRequestRefused):
        return False
    stripe_customers.mark_deleted(stripe_id)
    return True


def unfinished_erasures() -> list[int]:
    """Erased customers who still are at Stripe, in the mode of our key."""
    query = (
        select(StripeCustomer.account_id)
        .join(Customer, Customer.account_id == StripeCustomer.account_id)
        .where(
            Customer.erased_at.is_not(None),
            StripeCustomer.deleted_at.is_(None),
            StripeCustomer.livemode == stripe_gateway.current().livemode,
        )
    )
    return list(connection().scalars(query))


def erase_late_events() -> int:
    """Take personal data out of events that Stripe sent after an erasure, such as its own of the deletion."""
    late = select(StripeEvent.id).where(
        StripeEvent.account_id == Customer.account_id,
        StripeEvent.received_at >= Customer.erased_at,
        StripeEvent.received_at > clock.wall_now() - LOOK_BACK,
    )
    with transaction():
        return _blank_events(StripeEvent.id.in_(late))


def _blank_customer(customer: Customer) -> None:
    customer.email = customer.login_email = customer.new_email = customer.name = customer.locale = (
        customer.password_hash
    ) = None
    customer.email_confirmed_at = None
    customer.session_epoch += 1
    customer.erased_at = customer.erased_at or clock.wall_now()
    if "@" in customer.public_id:
        # An id is the app's own affair, but an address is one wherever it stands.
        customer.public_id = new_id("erased")


def _blank(table: Any, columns: tuple[str, ...], account_id: int) -> None:
    fields: Any = [getattr(table, column) for column in columns]
    written = or_(*(field.is_not(None) for field in fields))
    connection().execute(update(table).where(table.account_id == account_id, written).values(dict.fromkeys(columns)))


def _blank_replies(account_id: int, public_id: str) -> None:
    """Answers that are remembered for apps; they name the customer, an entry or a hold of theirs."""
    marks = (f'"{public_id}"', f'"en_{account_id}_', f'"ho_{account_id}_')
    named = or_(*(Reply.body.contains(mark, autoescape=True) for mark in marks))
    for row in connection().execute(select(Reply.app, Reply.call, Reply.key, Reply.body).where(named)).all():
        mine = (Reply.app == row.app) & (Reply.call == row.call) & (Reply.key == row.key)
        connection().execute(update(Reply).where(mine).values(body=_without_person(row.body, money.dumps)))


def _events_of(account_id: int) -> ColumnElement[bool]:
    """Events booked on the account, and those that name a Stripe customer of theirs but were never booked."""
    stripe_ids = db.session.scalars(select(StripeCustomer.stripe_id).where(StripeCustomer.account_id == account_id))
    named = [StripeEvent.payload.contains(f'"{stripe_id}"', autoescape=True) for stripe_id in stripe_ids]
    return or_(StripeEvent.account_id == account_id, *named)


def _blank_events(which: ColumnElement[bool]) -> int:
    """Take personal data out of payloads; ids, amounts and states stay, so that an event can still be replayed."""
    rows = connection().execute(select(StripeEvent.id, StripeEvent.payload).where(which)).all()
    for row in rows:
        payload = _without_person(row.payload, json.dumps)
        connection().execute(update(StripeEvent).where(StripeEvent.id == row.id).values(payload=payload))
    return len(rows)


def _without_person(text: str, dumps: Callable[[Any], str]) -> str:
    exact = {} if dumps is json.dumps else {"parse_float": Decimal}
    return dumps(_strip(json.loads(text, **exact)))  # type: ignore[arg-type]


def _strip(value: Any) -> Any:
    """The value without its personal fields, and without any e-mail address, whatever field it stands in."""
    if isinstance(value, Mapping):
        return {name: _strip_field(name, each) for name, each in value.items()}
    if isinstance(value, list):
        return [_strip(each) for each in value]
    return None if isinstance(value, str) and "@" in value else value


def _strip_field(name: str, value: Any) -> Any:
    if name == "metadata" and isinstance(value, Mapping):
        return {key: _strip(each) for key, each in value.items() if key.startswith(KEPT_METADATA)}
    return None if name in PERSONAL_KEYS else _strip(value)
