"""New subscriptions, from the API or from Checkout."""

from __future__ import annotations

from dataclasses import dataclass, field

from sandbox.billing import discounts, invoicing, lines
from sandbox.billing.items import fresh_items
from sandbox.events import emit
from sandbox.periods import boundary
from sandbox.shapes import subscriptions
from sandbox.store import Obj
from sandbox.world import World

TRIAL_NOTICE_SECONDS = 3 * 86_400


@dataclass(frozen=True)
class Terms:
    """What a subscription is started with."""

    items: list[tuple[Obj, int]]
    metadata: dict[str, str] = field(default_factory=dict)
    payment_method: str | None = None
    description: str | None = None
    trial_end: int | None = None
    coupons: list[tuple[Obj, Obj | None]] = field(default_factory=list)
    automatic_tax: bool = False


def start(world: World, customer: Obj, terms: Terms, status: str) -> tuple[Obj, Obj]:
    """A subscription with its first invoice, still a draft.

    Announces ``customer.subscription.created`` and ``invoice.created``, in this order.
    """
    now = world.now()
    first = terms.items[0][0]
    subscription = world.store.add(
        subscriptions.subscription(
            now,
            customer,
            first["currency"],
            status=status,
            metadata=terms.metadata,
            default_payment_method=terms.payment_method,
            description=terms.description,
            trial_end=terms.trial_end,
            automatic_tax=terms.automatic_tax,
        )
    )
    recurring = first["recurring"]
    end = terms.trial_end or boundary(now, recurring["interval"], recurring["interval_count"], 1)
    fresh_items(world, subscription, terms.items, now, end)
    made = discounts.redeem(world, terms.coupons, customer=customer["id"], subscription=subscription["id"])
    world.store.update(subscription, discounts=[discount["id"] for discount in made])
    trial = terms.trial_end is not None
    invoice = invoicing.draft(
        world,
        customer,
        lines.cycle_lines(world, subscription, trial=trial),
        billing_reason="subscription_create",
        currency=first["currency"],
        subscription=subscription,
        discounted_by=[] if trial else made,
    )
    emit(world, "customer.subscription.created", subscription)
    emit(world, "invoice.created", invoice)
    if terms.trial_end is not None and terms.trial_end - now <= TRIAL_NOTICE_SECONDS:
        world.store.update(subscription, _trial_notice_sent=True)
        emit(world, "customer.subscription.trial_will_end", subscription)
    return subscription, invoice
