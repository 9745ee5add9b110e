"""Whether a row fits what is here and at Stripe; nothing is written."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import select

from billing import catalog, clock, prices, stripe_customers, stripe_gateway
from billing.catalog import FREE_PLAN, Sellable
from billing.customer_import.reading import Problem, Row
from billing.db import connection
from billing.models import Customer, Entry, Subscription
from billing.money import format_credits_plain
from billing.stripe_facts import PriceFacts, SubscriptionFacts
from billing.stripe_gateway import StripeRequestRefused

PAYING = ("active", "trialing", "past_due")
"""States in which a subscription may come along."""


def import_source(row: Row) -> str:
    """The business key of a row's credits (R6)."""
    return f"import:{row.key}"


@dataclass(frozen=True, slots=True)
class Found:
    """What a row is about: its customer and entry, if they are here already, and its subscription at Stripe.

    `adopted` is the subscription's price with what it will be worth, where it is none that Saldo made.
    """

    account_id: int | None
    is_granted: bool
    subscription: SubscriptionFacts | None = None
    adopted: tuple[PriceFacts, Sellable] | None = None


def check_row(row: Row) -> tuple[Found | None, list[Problem]]:
    """What the row would do, or why it cannot be done. Raises `StripeUnavailable`."""
    problems: list[Problem] = []

    def refuse(field: str, message: str) -> None:
        problems.append(Problem(row.row, field, message))

    # What belongs to the customer is looked at before the customer: a twin may bring both in between the two looks.
    entry = connection().execute(select(Entry.__table__).where(Entry.source == import_source(row))).first()
    owner = stripe_customers.account_of(row.stripe_customer) if row.stripe_customer is not None else None
    customer = connection().execute(select(Customer.__table__).where(Customer.public_id == row.id)).first()
    account_id = customer.account_id if customer is not None else None
    if customer is not None and customer.erased_at is not None:
        refuse("id", "this customer was erased")
    _check_balance(row, account_id, entry, refuse)
    if row.as_of is not None and row.as_of > clock.now():
        refuse("as_of", "is in the future")
    if row.plan is not None and row.plan != FREE_PLAN and row.plan not in catalog.current().plans:
        refuse("plan", "the catalog has no such plan")
    elif row.plan not in (None, FREE_PLAN) and row.stripe_subscription is None:
        refuse("stripe_subscription", f"is required for the plan {row.plan}: what pays for it at Stripe")
    _check_link(row, account_id, owner, refuse)
    if problems:
        return None, problems
    subscription, adopted = _look_at_stripe(row, refuse)
    found = Found(account_id, entry is not None, subscription, adopted)
    return (None if problems else found), problems


def _check_balance(row: Row, account_id: int | None, entry: Any, refuse: Any) -> None:
    if entry is not None and entry.account_id != account_id:
        refuse("key", "was imported for another customer")
    elif entry is not None and entry.amount != row.balance:
        refuse("balance", f"was imported as {format_credits_plain(entry.amount)} before; entries never change")
    elif entry is None and row.expires_at is not None and row.expires_at <= clock.now():
        refuse("expires_at", "is in the past")


def _check_link(row: Row, account_id: int | None, owner: int | None, refuse: Any) -> None:
    if row.stripe_customer is None:
        return
    linked = stripe_customers.live_link(account_id) if account_id is not None else None
    if owner is not None and owner != account_id:
        refuse("stripe_customer", "belongs to another customer")
    elif linked not in (None, row.stripe_customer):
        refuse("stripe_customer", "the customer has another one already")


def _look_at_stripe(row: Row, refuse: Any) -> tuple[SubscriptionFacts | None, tuple[PriceFacts, Sellable] | None]:
    gateway = stripe_gateway.current()
    if row.stripe_customer is None:
        return None, None
    try:
        if gateway.retrieve_customer(row.stripe_customer).deleted:
            refuse("stripe_customer", "was deleted at Stripe")
    except StripeRequestRefused:
        refuse("stripe_customer", "Stripe does not know it")
        return None, None
    if row.stripe_subscription is None:
        return None, None
    try:
        facts = gateway.retrieve_subscription(row.stripe_subscription)
    except StripeRequestRefused:
        refuse("stripe_subscription", "Stripe does not know it")
        return None, None
    if facts.customer != row.stripe_customer:
        refuse("stripe_subscription", "is of another Stripe customer")
    elif facts.status not in PAYING and not _is_here(facts.id):
        refuse("stripe_subscription", f"is {facts.status}; only one that is paid for can come along")
    else:
        return facts, _price(row, facts, refuse)
    return None, None


def _is_here(stripe_id: str) -> bool:
    return connection().scalar(select(Subscription.id).where(Subscription.stripe_id == stripe_id)) is not None


def _price(row: Row, facts: SubscriptionFacts, refuse: Any) -> tuple[PriceFacts, Sellable] | None:
    """The price to adopt, when it is not one of ours; it is worth from now on what the catalog gives for its plan."""
    known = prices.price_of(facts.price)
    if known is not None:
        if row.plan is not None and (known.kind, known.item) != ("plan", row.plan):
            refuse("plan", f"the subscription is for {known.lookup_key}")
        return None
    if row.plan is None or row.plan == FREE_PLAN:
        refuse("plan", "is required, since Saldo does not know the subscription's price")
        return None
    price = stripe_gateway.current().retrieve_price(facts.price)
    wanted = f"plan:{row.plan}:{price.interval}"
    sellable = next((each for each in catalog.sellables(catalog.current()) if each.lookup_key == wanted), None)
    if sellable is None or price.interval_count != 1 or price.unit_amount is None:
        refuse("plan", "the catalog sells it for no such interval as the subscription's price has")
        return None
    return price, sellable
