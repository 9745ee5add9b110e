"""The price table: every Stripe price of ours, and what it was worth when it was made (R9)."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select

from billing.db import db
from billing.errors import PriceNotSynced
from billing.models import Price

PRODUCT_PREFIXES = ("saldo_plan_", "saldo_pack_", "saldo_influencer_")


def is_our_product(product: str | None) -> bool:
    """Whether a Stripe product is one that the catalog put there, told by its fixed id."""
    return product is not None and product.startswith(PRODUCT_PREFIXES)


def price_of(stripe_price_id: str | None) -> Price | None:
    """The price of ours with this Stripe id, also one that is no longer sold; None for everybody else's."""
    return db.session.get(Price, stripe_price_id) if stripe_price_id else None


def active_price(lookup_key: str) -> Price:
    """The price that is sold under this lookup key now; raises `PriceNotSynced`."""
    price = db.session.scalar(select(Price).where(Price.lookup_key == lookup_key, Price.active))
    if price is None:
        raise PriceNotSynced()
    return price


def active_prices() -> dict[str, Price]:
    """Every price that is sold now, by lookup key."""
    return {price.lookup_key: price for price in db.session.scalars(select(Price).where(Price.active))}


def put_on_sale(stripe_id: str, lookup_key: str, **terms: Any) -> Price:
    """Record a price as the one sold under its key; the one before keeps its credits for its subscribers.

    `terms` are the other columns of `Price`. Needs an open transaction.
    """
    before = db.session.scalars(
        select(Price).where(Price.lookup_key == lookup_key, Price.active, Price.stripe_id != stripe_id)
    )
    for price in before:
        price.active = False
    # The unique index allows one active price a key: the old row has to go first.
    db.session.flush()
    return remember(stripe_id, lookup_key, active=True, **terms)


def remember(stripe_id: str, lookup_key: str, *, active: bool, **terms: Any) -> Price:
    """Record a price, or change only whether a known one is sold: what it is worth never changes (R9).

    Needs an open transaction.
    """
    price = db.session.get(Price, stripe_id)
    if price is None:
        price = Price(stripe_id=stripe_id, lookup_key=lookup_key, active=active, **terms)
        db.session.add(price)
    else:
        price.active = active
    db.session.flush()
    return price
