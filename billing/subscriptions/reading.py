"""What a customer subscribes to, which plan they are on, and what they have access to."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select

from billing.catalog import FREE_PLAN
from billing.db import db
from billing.errors import NotFound
from billing.models import Price, Subscription
from billing.stripe_facts import ENDED


@dataclass(frozen=True, slots=True)
class SubscriptionView:
    """One subscription for people and apps; `next_charge_minor` is None when nothing more will be charged.

    What a discount or tax changes of the next charge is Stripe's to say.
    """

    id: str
    kind: str
    plan: str | None
    influencer: str | None
    tier: str | None
    interval: str | None
    status: str
    quantity: int
    current_period_end: datetime
    next_charge_minor: int | None
    currency: str
    cancel_at: datetime | None
    paid_until: datetime | None
    past_due: bool
    pending_change: str | None
    flagged: str | None
    stripe_id: str


@dataclass(frozen=True, slots=True)
class PlanState:
    """The plan a customer is on: the free one without a live subscription."""

    plan: str
    subscription: SubscriptionView | None
    past_due: bool


def list_subscriptions(account_id: int) -> list[SubscriptionView]:
    """Every subscription of the account, the living ones first, then newest first."""
    rows = db.session.execute(
        select(Subscription, Price)
        .join(Price, Price.stripe_id == Subscription.price_id)
        .where(Subscription.account_id == account_id)
        .order_by(Subscription.ended_at.is_not(None), Subscription.created_at.desc(), Subscription.id)
    )
    return [view_of(row, price) for row, price in rows]


def get_subscription(account_id: int, subscription_id: str) -> SubscriptionView:
    """One subscription by our id; raises `NotFound`, also for another customer's (R14)."""
    row = own_row(account_id, subscription_id)
    return view_of(row, db.session.get_one(Price, row.price_id))


def current_plan(account_id: int) -> PlanState:
    """The plan the customer is on; of two by accident the one that is not flagged."""
    living = [
        view
        for view in list_subscriptions(account_id)
        if view.kind == "plan" and view.status not in ENDED | {"incomplete"}
    ]
    if not living:
        return PlanState(FREE_PLAN, None, past_due=False)
    view = min(living, key=lambda each: each.flagged is not None)
    return PlanState(view.plan or FREE_PLAN, view, view.past_due)


def own_row(account_id: int, subscription_id: str) -> Subscription:
    """The record of this account's subscription; raises `NotFound`, also for another customer's (R14)."""
    row = db.session.get(Subscription, subscription_id)
    if row is None or row.account_id != account_id:
        raise NotFound()
    return row


def view_of(row: Subscription, price: Price) -> SubscriptionView:
    """A subscription as people see it."""
    goes_on = row.ended_at is None and row.cancel_at is None and row.status != "paused"
    return SubscriptionView(
        id=row.id,
        kind=row.kind,
        plan=row.item if row.kind == "plan" else None,
        influencer=row.item if row.kind == "influencer" else None,
        tier=row.tier,
        interval=row.interval,
        status=row.status,
        quantity=row.quantity,
        current_period_end=row.current_period_end,
        next_charge_minor=price.amount_minor * row.quantity if goes_on else None,
        currency=price.currency,
        cancel_at=row.cancel_at,
        paid_until=row.paid_until,
        past_due=row.status in ("past_due", "unpaid"),
        pending_change=row.pending_change,
        flagged=row.flagged,
        stripe_id=row.stripe_id,
    )
