"""`/influencers` and `/influencers/<id>`: the characters, their tiers, and subscribing to one."""

from __future__ import annotations

from flask import Blueprint, redirect, render_template, request
from flask.typing import ResponseReturnValue
from flask_login import current_user, login_required

from billing import checkout, influencers, subscriptions
from billing.errors import NotFound
from web import words
from web.pictures import picture_urls
from web.redirects import local_path
from web.session import account_id

bp = Blueprint("influencers", __name__)


@bp.get("/influencers")
def index() -> ResponseReturnValue:
    """Everybody who can be subscribed to."""
    known = influencers.known()
    shown = [influencer for influencer in known.influencers.values() if influencer.status == "active"]
    return render_template(
        "web/influencers.html",
        influencers=shown,
        currency=known.currency,
        mine=_subscribed(),
        pictures=picture_urls(),
    )


@bp.get("/influencers/<influencer>")
def show(influencer: str) -> ResponseReturnValue:
    """One influencer with their tiers; who has a subscription sees which."""
    known = influencers.known()
    found = known.influencer(influencer)
    mine = _subscribed().get(influencer)
    if found.status == "retired" and mine is None:
        raise NotFound()
    return render_template(
        "web/influencer.html",
        influencer=found,
        currency=known.currency,
        mine=mine,
        picture=picture_urls().get(influencer),
        words=words,
        return_path=local_path(request.args.get("return_path"), ""),
    )


@bp.post("/influencers/<influencer>/<tier>/checkout")
@login_required
def subscribe(influencer: str, tier: str) -> ResponseReturnValue:
    """Start a Checkout Session of this subscription's own and go to Stripe's page."""
    return_path = local_path(request.form.get("return_path"), "") or None
    started = checkout.start_influencer_checkout(account_id(), influencer, tier, return_path)
    return redirect(started.url, 303)


def _subscribed() -> dict[str, subscriptions.SubscriptionView]:
    """The reader's living subscriptions by influencer."""
    if not current_user.is_authenticated:
        return {}
    return {
        each.influencer: each
        for each in subscriptions.list_subscriptions(account_id())
        if each.influencer and each.status not in ("canceled", "incomplete_expired")
    }
