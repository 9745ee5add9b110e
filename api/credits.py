"""`POST /credits`: an app gives credits, with a reason in words."""

from __future__ import annotations

from flask import Response

from api.answers import answer
from api.auth import actor
from api.blueprint import bp
from api.body import read_body
from api.entries import write_entry
from api.idempotency import idempotent, key_digest
from api.paths import ITEM_ID, customer_at, read_customer_id
from billing import adjustments


@bp.post("/credits")
@idempotent(for_ever=True)
def give_credits() -> Response:
    """Give a customer credits, also such that pay only for one influencer; once for each key, for ever."""
    body = read_body("customer", "amount", "description", "expires_at", "influencer")
    public_id = read_customer_id(body)
    amount = body.credits("amount", required=True) or 0
    description = body.text("description", required=True, longest=adjustments.MAX_DESCRIPTION_CHARACTERS) or ""
    expires_at = body.moment("expires_at")
    influencer = body.text("influencer", pattern=ITEM_ID)
    body.check()
    entry = adjustments.grant_credits(
        customer_at(public_id).account_id,
        amount,
        description,
        actor(),
        expires_at=expires_at,
        scope=influencer,
        source=f"credits:{key_digest()}",
    )
    return answer(write_entry(entry), 201)
