"""The one check: what stops an order: subscription, then quota, then credits. Quotes, debits, holds, usage ask it.

Where the action is only observed, nothing is refused: what would have stopped it is noted, and what credits don't
cover costs nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from billing import catalog, quotas
from billing.catalog import Action
from billing.enforcement import is_observed
from billing.entitlements import Entitlement, access_to
from billing.errors import InsufficientCredits, Invalid, QuotaExceeded, SaldoError, SubscriptionRequired
from billing.ledger.book import Book
from billing.ledger.grants import spendable
from billing.orders import Order
from billing.tally import Tally

BlockedBy = Literal["subscription", "quota", "credits"]


@dataclass(frozen=True, slots=True)
class Clearance:
    """What the check found. ``due`` is what the order costs this customer, ``charge`` what it takes; micro-credits."""

    due: int
    charge: int
    unlimited: bool
    available: int
    blocked_by: BlockedBy | None
    obstacle: SaldoError | None
    observed: bool

    def insist(self) -> None:
        """Raise what stops the order, unless it is only observed."""
        if self.obstacle is not None and not self.observed:
            raise self.obstacle


def check(book: Book, tally: Tally, entitlement: Entitlement, order: Order, amount: int) -> Clearance:
    """Whether the account may have what it asks for at ``amount`` micro-credits. The account must be open.

    Raises ``Invalid`` where the action needs an influencer and none is named.
    """
    action = catalog.current().action(order.action) if order.action is not None else None
    due = 0 if entitlement.unlimited else amount
    available = spendable(book, order.influencer, book.now)
    obstacle = (
        _without_access(book, order, action)
        or quotas.exceeded(tally, action, entitlement.plan, order.quantity, book.now)
        or quotas.spending_exceeded(book, due)
        or (InsufficientCredits(due, available) if due > available else None)
    )
    return Clearance(
        due=due,
        charge=due if due <= available else 0,
        unlimited=entitlement.unlimited,
        available=available,
        blocked_by=_name(obstacle),
        obstacle=obstacle,
        observed=is_observed(action),
    )


def _without_access(book: Book, order: Order, action: Action | None) -> SubscriptionRequired | None:
    if action is None or not action.requires_influencer:
        return None
    if order.influencer is None:
        raise Invalid("influencer: this action needs one")
    return None if access_to(book.account_id, order.influencer).access else SubscriptionRequired(order.influencer)


def _name(obstacle: SaldoError | None) -> BlockedBy | None:
    if obstacle is None:
        return None
    if isinstance(obstacle, SubscriptionRequired):
        return "subscription"
    return "quota" if isinstance(obstacle, QuotaExceeded) else "credits"
