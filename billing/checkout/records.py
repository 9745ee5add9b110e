"""Our records of Checkout Sessions: reserved before Stripe is called, kept with what it answered."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from sqlalchemy import select

from billing import clock
from billing.checkout.wishes import Wish
from billing.db import db, transaction
from billing.errors import AlreadySubscribed, NotFound
from billing.ids import new_id
from billing.models import Account, Checkout, Subscription
from billing.stripe_facts import ENDED, CheckoutSessionFacts

SESSION_LIFETIME = timedelta(hours=24)
"""Stripe's default, and how long it remembers an idempotency key."""
LEAST_TIME_LEFT = timedelta(minutes=5)
"""A session closer to its end than this is not handed out again."""


@dataclass(frozen=True, slots=True)
class Reserved:
    """The record for a wish, with its session if it has one; `rivals` are open sessions that exclude it."""

    record_id: str
    session_id: str | None
    is_first: bool
    rivals: tuple[tuple[str, str], ...]


def reserve(wish: Wish, passed_over: frozenset[str] = frozenset()) -> Reserved:
    """The record that serves this wish, found or made; raises `AlreadySubscribed` before Stripe hears of it.

    The account's row is locked meanwhile, so that of two simultaneous wishes the second finds the first's
    record. `passed_over` are records that turned out to be paid already.
    """
    now = clock.now()
    with transaction():
        _lock(wish.account_id)
        subscriptions = _subscriptions(wish)
        if any(row.ended_at is None and row.status not in ENDED for row in subscriptions):
            raise AlreadySubscribed()
        unfinished = [each for each in _unfinished(wish) if each.id not in passed_over]
        record = next((each for each in unfinished if _serves(each, wish, now)), None)
        if record is None:
            record = _new_record(wish, now)
            db.session.add(record)
        record.return_path = wish.return_path
        rivals = []
        for other in unfinished:
            if other is record or wish.mode == "payment":  # several open pack sessions do no harm
                continue
            if other.session_id is None:
                # Whoever is asking Stripe for its session right now finds this and closes it.
                other.status = "expired"
            else:
                rivals.append((other.id, other.session_id))
        return Reserved(record.id, record.session_id, not subscriptions, tuple(rivals))


def keep(record_id: str, session: CheckoutSessionFacts) -> bool:
    """Note the open session on its record; False when the record was closed meanwhile."""
    with transaction():
        record = db.session.get_one(Checkout, record_id, with_for_update=True)
        if record.status == "new":
            record.status = "open"
            record.session_id = session.id
            record.url = session.url
            record.expires_at = session.expires_at
        return record.status == "open" and record.session_id == session.id


def close(record_id: str, status: Literal["expired", "failed"]) -> None:
    """Note that nothing can be paid on this record any more; what was paid stays as it is."""
    with transaction():
        record = db.session.get_one(Checkout, record_id, with_for_update=True)
        if record.status in ("new", "open"):
            record.status = status


def _lock(account_id: int) -> None:
    row = select(Account.account_id).where(Account.account_id == account_id).with_for_update()
    if db.session.scalar(row) is None:
        raise NotFound()


def _subscriptions(wish: Wish) -> list[Subscription]:
    """Those that exclude this wish while they live: any plan, or the same influencer."""
    query = select(Subscription).where(
        Subscription.account_id == wish.account_id, Subscription.kind == wish.sellable.kind
    )
    if wish.sellable.kind == "influencer":
        query = query.where(Subscription.item == wish.sellable.item)
    return list(db.session.scalars(query))


def _unfinished(wish: Wish) -> list[Checkout]:
    """Records of sessions that may still be paid, of things that exclude each other, newest first."""
    query = select(Checkout).where(
        Checkout.account_id == wish.account_id,
        Checkout.kind == wish.sellable.kind,
        Checkout.status.in_(("new", "open")),
    )
    if wish.sellable.kind != "plan":
        query = query.where(Checkout.item == wish.sellable.item)
    return list(db.session.scalars(query.order_by(Checkout.created_at.desc())))


def _serves(record: Checkout, wish: Wish, now: datetime) -> bool:
    """Whether the record is of exactly this wish and has time left."""
    return (
        record.price_id == wish.price_id
        and record.quantity == wish.quantity
        and record.expires_at - now > LEAST_TIME_LEFT
    )


def _new_record(wish: Wish, now: datetime) -> Checkout:
    return Checkout(
        id=new_id("co"),
        account_id=wish.account_id,
        price_id=wish.price_id,
        kind=wish.sellable.kind,
        item=wish.sellable.item,
        tier=wish.sellable.tier,
        interval=wish.sellable.interval,
        quantity=wish.quantity,
        credits=wish.unit_credits,
        status="new",
        created_at=now,
        expires_at=now + SESSION_LIFETIME,
    )
