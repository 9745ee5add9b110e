"""What the head of each page says about the signed-in customer: their balance, and what needs attention."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from flask import Flask, g
from flask_login import current_user

from billing import accounts, catalog, clock, entitlements, subscriptions

LOW_SHARE = 10
"""A balance below one part in so many of what a cycle brings counts as running low."""


@dataclass(frozen=True)
class Header:
    """How a customer stands, in micro-credits. `allowance` is what the credits came to of which some are left;
    `next_expiry`, how many are lost next, and when."""

    available: int
    allowance: int
    held: int
    next_expiry: tuple[int, datetime] | None
    unlimited: bool
    low: bool
    past_due: bool


def register(app: Flask) -> None:
    """Give templates `header`: None for strangers. It is read only when a page shows it."""

    @app.context_processor
    def with_header() -> dict[str, object]:
        return {"read_header": read_header}


def read_header() -> Header | None:
    """The header of this request, read once; None for a stranger."""
    if "header" not in g:
        g.header = header_of(current_user.account_id) if current_user.is_authenticated else None
    header: Header | None = g.header
    return header


def header_of(account_id: int) -> Header:
    """What a customer has and what needs their attention."""
    entitlement = entitlements.entitlement_of(account_id, clock.now())
    balance = accounts.read_balance(account_id)
    known = catalog.current()
    plan = known.plans.get(entitlement.plan)
    unlimited = entitlement.unlimited
    free = known.free_plan
    cycle = plan.credits if plan else free.monthly_refill or free.signup_credits
    return Header(
        available=balance.available,
        allowance=sum(grant.granted for grant in balance.grants if grant.scope is None),
        held=balance.held,
        next_expiry=balance.next_expiry,
        unlimited=unlimited,
        low=not unlimited and balance.available * LOW_SHARE < cycle,
        past_due=any(each.past_due for each in subscriptions.list_subscriptions(account_id)),
    )
