"""Copying how a subscription stands at Stripe: never back to an older state, and its credits follow."""

from __future__ import annotations

from sqlalchemy import select

from billing import clock, grace, paid_periods, prices, stripe_customers
from billing.accounts import open_account
from billing.db import db, transaction
from billing.ids import new_id
from billing.models import Price, Subscription
from billing.stripe_facts import SubscriptionFacts

_COPIED = (
    "status",
    "price_id",
    "stripe_item_id",
    "quantity",
    "current_period_start",
    "current_period_end",
    "cancel_at",
    "ended_at",
)
SECOND_PLAN = "second_plan"
"""Why a subscription is flagged: a second plan of one customer, paid by accident (F107)."""


State = tuple[object, ...]
"""What our record of a subscription said at some moment; empty without a record."""


class Overtaken(Exception):
    """Our record changed after Stripe was asked, so the answer may be the older one: ask again."""


def state_of(stripe_id: str) -> State:
    """What our record of this Stripe subscription says now, to be remembered before asking Stripe."""
    row = _by_stripe_id(stripe_id)
    return () if row is None else tuple(getattr(row, name) for name in _COPIED)


def sync_subscription(facts: SubscriptionFacts, *, asked_at: State | None = None) -> str:
    """Make our record say what Stripe says: `done`, `duplicate`, `stale`, `foreign`, or `parked: why`.

    The customer decides whose it is, never metadata. What has ended stays ended and a period never moves back
    (I25), so that an older snapshot changes nothing. Its credits and months to come follow in the same
    transaction. With `asked_at`, what `state_of` said before Stripe was asked, it raises `Overtaken` when
    somebody else has written meanwhile.
    """
    account_id = stripe_customers.account_of(facts.customer)
    if account_id is None:
        return "foreign"
    price = prices.price_of(facts.price)
    if price is None or price.kind == "pack":
        ours = prices.is_our_product(facts.product)
        return f"parked: price {facts.price} is not in the price table" if ours else "foreign"
    with transaction(), open_account(account_id) as book:
        if asked_at is not None and state_of(facts.id) != asked_at:
            raise Overtaken()
        row = _by_stripe_id(facts.id)
        if row is None:
            row = Subscription(id=new_id("sn"), stripe_id=facts.id, account_id=account_id, created_at=facts.created)
        elif row.account_id != account_id:
            return "parked: the subscription belongs to another customer"
        elif _is_older(facts, row):
            return "stale"
        _copy(facts, price, row)
        db.session.add(row)  # not before it is whole: reading the price may flush
        if not db.session.is_modified(row):
            return "duplicate"
        db.session.flush()
        _flag_second_plan(account_id)
        paid_periods.refresh_paid_until(facts.id)
        db.session.refresh(row)
        grace.follow_subscription(book, row)
    return "done"


def _by_stripe_id(stripe_id: str) -> Subscription | None:
    return db.session.scalar(select(Subscription).where(Subscription.stripe_id == stripe_id))


def _is_older(facts: SubscriptionFacts, row: Subscription) -> bool:
    """Whether what Stripe said is from before what we know (I25); `incomplete` is only ever the first state."""
    return (
        row.ended_at is not None
        or facts.current_period_start < row.current_period_start
        or (facts.status == "incomplete" and row.status != "incomplete")
    )


def _copy(facts: SubscriptionFacts, price: Price, row: Subscription) -> None:
    row.kind = price.kind
    row.item = price.item
    row.tier = price.tier
    row.interval = price.interval
    row.price_id = price.stripe_id
    row.stripe_item_id = facts.item
    row.status = facts.status
    row.quantity = facts.quantity
    row.current_period_start = facts.current_period_start
    row.current_period_end = facts.current_period_end
    row.cancel_at = facts.cancel_at
    row.ended_at = facts.ended_at
    if facts.has_ended and row.ended_at is None:
        row.ended_at = facts.canceled_at or clock.now()


def _flag_second_plan(account_id: int) -> None:
    """Flag each plan bought while an older one was alive, whichever of them we heard of first (F107)."""
    plans = list(
        db.session.scalars(
            select(Subscription)
            .where(
                Subscription.account_id == account_id,
                Subscription.kind == "plan",
                Subscription.status.not_in(("incomplete", "incomplete_expired")),
            )
            .order_by(Subscription.created_at, Subscription.stripe_id)
        )
    )
    for number, plan in enumerate(plans):
        older = plans[:number]
        is_second = any(each.ended_at is None or each.ended_at > plan.created_at for each in older)
        if is_second != (plan.flagged == SECOND_PLAN):
            plan.flagged = SECOND_PLAN if is_second else None
    db.session.flush()
