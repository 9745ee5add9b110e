"""Subscriptions as Stripe tells of them, what they give access to, and stopping and resuming them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select

from billing import clock, grace, paid_periods, prices, stripe_customers, stripe_gateway
from billing.accounts import open_account
from billing.catalog import FREE_PLAN
from billing.db import db, transaction
from billing.errors import Conflict, NotFound
from billing.ids import new_id
from billing.models import Price, Subscription
from billing.stripe_facts import ENDED, SubscriptionFacts
from billing.stripe_gateway import StripeRequestRefused, check_return_path

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
class Access:
    """Whether a customer may use what an influencer's subscribers may use, by which tier, and until when."""

    access: bool
    tier: str | None
    until: datetime | None


@dataclass(frozen=True, slots=True)
class PlanState:
    """The plan a customer is on: the free one without a live subscription."""

    plan: str
    subscription: SubscriptionView | None
    past_due: bool


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


def list_subscriptions(account_id: int) -> list[SubscriptionView]:
    """Every subscription of the account, the living ones first, then newest first."""
    rows = db.session.execute(
        select(Subscription, Price)
        .join(Price, Price.stripe_id == Subscription.price_id)
        .where(Subscription.account_id == account_id)
        .order_by(Subscription.ended_at.is_not(None), Subscription.created_at.desc(), Subscription.id)
    )
    return [_view(row, price) for row, price in rows]


def get_subscription(account_id: int, subscription_id: str) -> SubscriptionView:
    """One subscription by our id; raises `NotFound`, also for another customer's (R14)."""
    row = _own(account_id, subscription_id)
    return _view(row, db.session.get_one(Price, row.price_id))


def cancel_subscription(account_id: int, subscription_id: str, now: bool = False) -> SubscriptionView:
    """Stop it at its period's end, or at once; nothing that was granted is taken (R12).

    Cancelling what is being cancelled already changes nothing. Raises `NotFound`, `Conflict` when it has ended,
    `StripeUnavailable`.
    """
    row = _living(account_id, subscription_id)
    if row.cancel_at is not None and not now:
        return get_subscription(account_id, subscription_id)
    gateway = stripe_gateway.current()
    if now:
        return _change(account_id, row, gateway.cancel_subscription)
    return _change(account_id, row, lambda stripe_id: gateway.update_subscription(stripe_id, cancel_at_period_end=True))


def resume_subscription(account_id: int, subscription_id: str) -> SubscriptionView:
    """Let a subscription go on that was to stop at its period's end; raises like `cancel_subscription`."""
    row = _living(account_id, subscription_id)
    if row.cancel_at is None:
        return get_subscription(account_id, subscription_id)
    gateway = stripe_gateway.current()

    def keep(stripe_id: str) -> SubscriptionFacts:
        facts = gateway.update_subscription(stripe_id, cancel_at_period_end=False)
        # The portal may have set a date instead.
        return gateway.clear_cancel_at(stripe_id) if facts.cancel_at else facts

    return _change(account_id, row, keep)


def access_to(account_id: int, influencer: str) -> Access:
    """Access lasts to the paid period's end plus the tier's grace, on trial too (R13, I26).

    `paid_until` leaves out what was given back in full or lost in a dispute. Each subscription counts by itself.
    """
    rows = db.session.execute(
        select(Subscription, Price.grace_days)
        .join(Price, Price.stripe_id == Subscription.price_id)
        .where(
            Subscription.account_id == account_id,
            Subscription.kind == "influencer",
            Subscription.item == influencer,
        )
    )
    best: tuple[datetime, str | None] | None = None
    for row, grace_days in rows:
        end = row.current_period_end if row.status == "trialing" else row.paid_until
        if end is not None and (best is None or end + timedelta(days=grace_days) > best[0]):
            best = (end + timedelta(days=grace_days), row.tier)
    if best is None or best[0] <= clock.now():
        return Access(False, None, None)
    return Access(True, best[1], best[0])


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


def open_portal(account_id: int, return_path: str = "/subscriptions") -> str:
    """The address of Stripe's portal, where customers change cards and see invoices, for this account.

    Raises `NotFound`, `InvalidReturnPath`, `StripeUnavailable`.
    """
    check_return_path(return_path)
    gateway = stripe_gateway.current()
    ours = (each for each in gateway.list_portal_configurations() if "saldo_portal" in each.metadata)
    configuration = next((each.id for each in ours), None)
    return stripe_customers.with_stripe_customer(
        account_id,
        lambda customer: gateway.create_portal_session(
            customer=customer, configuration=configuration, return_path=return_path, locale=None
        ),
    )


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


def _own(account_id: int, subscription_id: str) -> Subscription:
    row = db.session.get(Subscription, subscription_id)
    if row is None or row.account_id != account_id:
        raise NotFound()
    return row


def _living(account_id: int, subscription_id: str) -> Subscription:
    row = _own(account_id, subscription_id)
    if row.ended_at is not None:
        raise Conflict("The subscription has ended.")
    return row


def _change(account_id: int, row: Subscription, call: Callable[[str], SubscriptionFacts]) -> SubscriptionView:
    """Ask Stripe for the change and copy its answer; when Stripe refuses, copy how things stand there."""
    subscription_id, stripe_id = row.id, row.stripe_id
    try:
        facts = call(stripe_id)
    except StripeRequestRefused:
        sync_subscription(stripe_gateway.current().retrieve_subscription(stripe_id))
        raise Conflict("Stripe does not change this subscription any more.") from None
    sync_subscription(facts)
    return get_subscription(account_id, subscription_id)


def _view(row: Subscription, price: Price) -> SubscriptionView:
    goes_on = row.ended_at is None and row.cancel_at is None
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
