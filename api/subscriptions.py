"""A customer's subscriptions, plans and influencers alike, and `POST /subscriptions/{id}/cancel|resume|pause`."""

from __future__ import annotations

from typing import Any

from flask import Response, request

from api import query
from api.answers import answer, page_of, time
from api.blueprint import bp
from api.body import read_body
from api.idempotency import idempotent
from api.paths import OUR_ID, customer_at
from billing import subscriptions
from billing.errors import NotFound
from billing.subscriptions import SubscriptionView


@bp.get("/customers/<public_id>/subscriptions")
def list_subscriptions(public_id: str) -> Response:
    """One page of subscriptions, newest first."""
    customer = customer_at(public_id)
    return page_of(
        subscriptions.list_subscriptions(customer.account_id),
        id_of=lambda subscription: subscription.id,
        write=write_subscription,
        limit=query.limit(),
        cursor=request.args.get("cursor"),
    )


@bp.post("/subscriptions/<subscription_id>/cancel")
@idempotent(calls_stripe=True)
def cancel_subscription(subscription_id: str) -> Response:
    """End it with its period, or now; nothing that was granted is taken (R12)."""
    body = read_body("now", optional=True)
    now = body.flag("now") or False
    body.check()
    owner = owner_of(subscription_id)
    return answer(write_subscription(subscriptions.cancel_subscription(owner, subscription_id, now)))


@bp.post("/subscriptions/<subscription_id>/pause")
@idempotent(calls_stripe=True)
def pause_subscription(subscription_id: str) -> Response:
    """Charge nothing more until it is resumed."""
    read_body(optional=True).check()
    owner = owner_of(subscription_id)
    return answer(write_subscription(subscriptions.pause_subscription(owner, subscription_id)))


@bp.post("/subscriptions/<subscription_id>/resume")
@idempotent(calls_stripe=True)
def resume_subscription(subscription_id: str) -> Response:
    """Let one go on that is paused, or was to end with its period."""
    read_body(optional=True).check()
    owner = owner_of(subscription_id)
    return answer(write_subscription(subscriptions.resume_subscription(owner, subscription_id)))


def owner_of(subscription_id: str, kind: str | None = None) -> int:
    """The account whose subscription the path names; raises `NotFound`."""
    if not OUR_ID.fullmatch(subscription_id):
        raise NotFound()
    return subscriptions.owner_of(subscription_id, kind)


def write_subscription(subscription: SubscriptionView) -> dict[str, Any]:
    """A subscription as JSON."""
    return {
        "id": subscription.id,
        "kind": subscription.kind,
        "plan": subscription.plan,
        "influencer": subscription.influencer,
        "tier": subscription.tier,
        "interval": subscription.interval,
        "status": subscription.status,
        "quantity": subscription.quantity,
        "current_period_end": time(subscription.current_period_end),
        "cancel_at": time(subscription.cancel_at),
        "pending_change": subscription.pending_change,
        "stripe_id": subscription.stripe_id,
    }
