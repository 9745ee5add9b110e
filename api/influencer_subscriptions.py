"""`GET`, `POST /influencer-subscriptions` and `DELETE /influencer-subscriptions/{id}`: each stands for itself."""

from __future__ import annotations

from typing import Any

from flask import Response, request

from api import query
from api.answers import answer, page
from api.blueprint import bp
from api.body import read_body
from api.errors import InvalidFields
from api.idempotency import idempotent
from api.paths import ITEM_ID, customer_at, read_customer_id
from api.subscriptions import owner_of, write_subscription
from billing import checkout, influencers, subscriptions
from billing.subscriptions import Follower


@bp.get("/influencer-subscriptions")
def list_influencer_subscriptions() -> Response:
    """Whom a customer subscribes to, or who subscribes to an influencer; newest first."""
    customer, influencer = request.args.get("customer"), request.args.get("influencer")
    if customer is None and influencer is None:
        raise InvalidFields({"customer": "expected customer, influencer or both"})
    found = subscriptions.list_followers(
        account_id=None if customer is None else customer_at(customer).account_id,
        influencer=None if influencer is None else influencers.find(influencer).id,
        limit=query.limit(),
        cursor=query.text("cursor"),
    )
    return page([_write_follower(each) for each in found.data], found.next_cursor)


@bp.post("/influencer-subscriptions")
@idempotent(calls_stripe=True)
def subscribe_to_influencer() -> Response:
    """Where the customer pays for a tier of an influencer; the subscription is there once that is done."""
    body = read_body("customer", "influencer", "tier")
    public_id = read_customer_id(body)
    influencer = body.text("influencer", required=True, pattern=ITEM_ID) or ""
    tier = body.text("tier", required=True, pattern=ITEM_ID) or ""
    body.check()
    started = checkout.start_influencer_checkout(customer_at(public_id).account_id, influencer, tier)
    return answer({"id": started.id, "url": started.url}, 201)


@bp.delete("/influencer-subscriptions/<subscription_id>")
def cancel_influencer_subscription(subscription_id: str) -> Response:
    """End it with its period, or with `now=true` at once; others go on."""
    now = query.choice("now", ("true", "false")) == "true"
    owner = owner_of(subscription_id, "influencer")
    return answer(write_subscription(subscriptions.cancel_subscription(owner, subscription_id, now)))


def _write_follower(follower: Follower) -> dict[str, Any]:
    return {"customer": follower.customer, **write_subscription(follower.subscription)}
