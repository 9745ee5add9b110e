"""Finding subscriptions by their id alone, and those to influencers from either side."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import select

from billing.db import db
from billing.errors import InvalidCursor, NotFound
from billing.models import Customer, Price, Subscription
from billing.subscriptions.reading import SubscriptionView, view_of


@dataclass(frozen=True, slots=True)
class Follower:
    """A subscription to an influencer, and the public id of the customer whose it is."""

    customer: str
    subscription: SubscriptionView


@dataclass(frozen=True, slots=True)
class Followers:
    """A page of them and, when there are older ones, the cursor that continues after it."""

    data: list[Follower]
    next_cursor: str | None


def owner_of(subscription_id: str, kind: str | None = None) -> int:
    """The account of a subscription (of this kind); raises `NotFound`."""
    row = db.session.get(Subscription, subscription_id)
    if row is None or (kind is not None and row.kind != kind):
        raise NotFound()
    return row.account_id


def list_followers(
    *, account_id: int | None = None, influencer: str | None = None, limit: int = 50, cursor: str | None = None
) -> Followers:
    """Subscriptions to influencers, of one customer, to one influencer, or both; newest first, ended ones included.

    Raises `InvalidCursor` for a cursor that is not of this very list.
    """
    query = (
        select(Subscription, Price, Customer.public_id)
        .join(Price, Price.stripe_id == Subscription.price_id)
        .join(Customer, Customer.account_id == Subscription.account_id)
        .where(Subscription.kind == "influencer")
    )
    if account_id is not None:
        query = query.where(Subscription.account_id == account_id)
    if influencer is not None:
        query = query.where(Subscription.item == influencer)
    if cursor is not None:
        last = db.session.execute(query.where(Subscription.id == cursor)).first()
        if last is None:
            raise InvalidCursor()
        seen = last[0]
        query = query.where(
            (Subscription.created_at < seen.created_at)
            | ((Subscription.created_at == seen.created_at) & (Subscription.id < seen.id))
        )
    rows = db.session.execute(query.order_by(Subscription.created_at.desc(), Subscription.id.desc()).limit(limit + 1))
    found = [Follower(public_id, view_of(row, price)) for row, price, public_id in rows]
    more = len(found) > limit
    return Followers(found[:limit], found[limit - 1].subscription.id if more else None)
