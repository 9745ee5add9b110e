"""`GET /customers/{c}/subscriptions`: plans and influencers alike."""

from __future__ import annotations

from typing import Any

from flask import Response, request

from api import query
from api.answers import page_of, time
from api.blueprint import bp
from api.paths import customer_at
from billing import subscriptions
from billing.subscriptions import SubscriptionView


@bp.get("/customers/<public_id>/subscriptions")
def list_subscriptions(public_id: str) -> Response:
    """One page of subscriptions, newest first."""
    customer = customer_at(public_id)
    return page_of(
        subscriptions.list_subscriptions(customer.account_id),
        id_of=lambda subscription: subscription.id,
        write=_write_subscription,
        limit=query.limit(),
        cursor=request.args.get("cursor"),
    )


def _write_subscription(subscription: SubscriptionView) -> dict[str, Any]:
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
