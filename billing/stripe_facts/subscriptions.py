"""Subscriptions, whose period stands on the items since 2025-03-31 and on the subscription before."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from billing.stripe_facts import fields
from billing.stripe_facts.fields import Malformed

ENDED = frozenset({"canceled", "incomplete_expired"})
"""States that are final: a subscription never leaves them."""


@dataclass(frozen=True)
class SubscriptionFacts:
    """A subscription of ours has one item; where there are more, the first is what it is about."""

    id: str
    customer: str
    status: str
    price: str
    product: str | None
    item: str
    quantity: int
    interval: str | None
    current_period_start: datetime
    current_period_end: datetime
    cancel_at: datetime | None
    canceled_at: datetime | None
    ended_at: datetime | None
    trial_end: datetime | None
    metadata: dict[str, str]
    schedule: str | None
    created: datetime
    livemode: bool
    latest_invoice: str | None

    @property
    def has_ended(self) -> bool:
        """Whether it is over for good."""
        return self.status in ENDED


def read_subscription(obj: Mapping[str, Any]) -> SubscriptionFacts:
    """The facts of a `subscription` in either shape; raises `Malformed`.

    `cancel_at` is the period's end where Stripe says `cancel_at_period_end`: the portal may set either. While no
    payment is collected it is `paused`, which Stripe's own status does not show.
    """
    items = fields.rows(obj, "items")
    if not items:
        raise Malformed("items is empty")
    item = items[0]
    price, plan = fields.section(item, "price"), fields.section(item, "plan")
    price_id = fields.reference(item, "price") or fields.reference(item, "plan")
    if price_id is None:
        raise Malformed("items.price is missing")
    starts = [fields.optional_moment(each, "current_period_start") for each in items]
    ends = [fields.optional_moment(each, "current_period_end") for each in items]
    period_end = max((end for end in ends if end), default=None) or fields.moment(obj, "current_period_end")
    cancel_at = fields.optional_moment(obj, "cancel_at")
    if cancel_at is None and fields.flag(obj, "cancel_at_period_end", False):
        cancel_at = period_end
    return SubscriptionFacts(
        id=fields.text(obj, "id"),
        customer=fields.required_reference(obj, "customer"),
        status=_status(obj),
        price=price_id,
        product=fields.reference(price, "product") or fields.reference(plan, "product"),
        item=fields.text(item, "id"),
        quantity=fields.whole(item, "quantity", 1),
        interval=fields.optional_text(fields.section(price, "recurring"), "interval")
        or fields.optional_text(plan, "interval"),
        current_period_start=max((start for start in starts if start), default=None)
        or fields.moment(obj, "current_period_start"),
        current_period_end=period_end,
        cancel_at=cancel_at,
        canceled_at=fields.optional_moment(obj, "canceled_at"),
        ended_at=fields.optional_moment(obj, "ended_at"),
        trial_end=fields.optional_moment(obj, "trial_end"),
        metadata=fields.metadata(obj),
        schedule=fields.reference(obj, "schedule"),
        created=fields.moment(obj, "created"),
        livemode=fields.flag(obj, "livemode"),
        latest_invoice=fields.reference(obj, "latest_invoice"),
    )


def _status(obj: Mapping[str, Any]) -> str:
    status = fields.text(obj, "status", longest=20)
    return "paused" if status == "active" and fields.section(obj, "pause_collection") else status
