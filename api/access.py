"""`GET /customers/{c}/access/{influencer}`."""

from __future__ import annotations

from flask import Response

from api.answers import answer, time
from api.blueprint import bp
from api.paths import customer_at
from billing import influencers, subscriptions


@bp.get("/customers/<public_id>/access/<influencer>")
def read_access(public_id: str, influencer: str) -> Response:
    """Whether a customer may see what an influencer shares with subscribers, by which tier and until when."""
    customer = customer_at(public_id)
    known = influencers.find(influencer)
    access = subscriptions.access_to(customer.account_id, known.id)
    return answer({"access": access.access, "tier": access.tier, "until": time(access.until)})
