"""Quotes: what an order would cost and whether it could be had, and a price that then holds for a while."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, insert

from billing.check import BlockedBy
from billing.db import connection, transaction
from billing.errors import Invalid
from billing.ids import new_id
from billing.models import Quote
from billing.orders import Order, check_order, price_of, terms_of
from billing.till import open_till

HOLDS_FOR = timedelta(minutes=15)
"""How long a quoted price holds."""
KEPT_FOR = timedelta(days=30)
"""How long a quote that has expired can still be looked at."""


@dataclass(frozen=True, slots=True)
class QuoteView:
    """What an order would cost, in micro-credits, and whether it could be had at this moment.

    ``amount`` is the price; under an unlimited plan nothing is taken, so it is affordable whatever it is.
    """

    id: str
    amount: int
    available: int
    affordable: bool
    shortfall: int
    blocked_by: BlockedBy | None
    expires_at: datetime


def make_quote(account_id: int, order: Order) -> QuoteView:
    """Quote an action to a customer; nothing is reserved, and nothing is refused by what it says stops the order.

    The price holds until ``expires_at`` for the same order that names the quote. Raises ``Invalid`` for an order
    without an action, else as ``spending.debit`` does for orders that cannot be priced; ``NotFound``.
    """
    check_order(order)
    if order.action is None or order.quote is not None:
        raise Invalid("action: a quote is for an action of the catalog")
    with open_till(account_id) as till:
        cost = price_of(order)
        clearance = till.clear(order, cost)
        expires_at = till.book.now + HOLDS_FOR
        quote_id = new_id("qu")
        connection().execute(
            insert(Quote),
            {
                "id": quote_id,
                "account_id": account_id,
                "terms": terms_of(order),
                "amount": cost.amount,
                "cost_nano_usd": cost.cost_nano_usd,
                "price_version": cost.price_version,
                "created_at": till.book.now,
                "expires_at": expires_at,
            },
        )
        return QuoteView(
            id=quote_id,
            amount=cost.amount,
            available=clearance.available,
            affordable=clearance.due <= clearance.available,
            shortfall=max(0, clearance.due - clearance.available),
            blocked_by=clearance.blocked_by,
            expires_at=expires_at,
        )


def forget_old(now: datetime) -> int:
    """Delete quotes that expired long ago; answers how many."""
    with transaction():
        return connection().execute(delete(Quote).where(Quote.expires_at < now - KEPT_FOR)).rowcount
