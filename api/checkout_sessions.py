"""`POST /checkout-sessions`: the address of a page of Stripe's where a customer pays."""

from __future__ import annotations

from flask import Response

from api.answers import answer, time
from api.blueprint import bp
from api.body import Body, read_body
from api.errors import InvalidFields
from api.idempotency import idempotent
from api.paths import ITEM_ID, customer_at, read_customer_id
from billing import checkout
from billing.checkout import StartedCheckout
from billing.errors import InvalidAmount
from billing.stripe_gateway import InvalidReturnPath

WITH = {"plan": ("interval",), "pack": ("quantity",), "influencer": ("tier",)}
"""What may be bought, and the field that goes with each."""


@bp.post("/checkout-sessions")
@idempotent(calls_stripe=True)
def start_checkout() -> Response:
    """Start paying for a plan, a pack or an influencer; an open session for the same is handed out again."""
    body = read_body("customer", "plan", "interval", "pack", "quantity", "influencer", "tier", "return_path")
    public_id = read_customer_id(body)
    _check_wish(body)
    item = {kind: body.text(kind, pattern=ITEM_ID) or "" for kind in WITH}
    interval = body.choice("interval", ("month", "year"), required=bool(body.gives("plan"))) or ""
    tier = body.text("tier", required=bool(body.gives("influencer")), pattern=ITEM_ID) or ""
    quantity = body.count("quantity", most=1_000_000) or 1
    return_path = body.text("return_path", longest=500)
    body.check()
    account_id = customer_at(public_id).account_id
    try:
        if item["plan"]:
            started = checkout.start_plan_checkout(account_id, item["plan"], interval, return_path)
        elif item["pack"]:
            started = checkout.start_pack_checkout(account_id, item["pack"], quantity, return_path)
        else:
            started = checkout.start_influencer_checkout(account_id, item["influencer"], tier, return_path)
    except InvalidReturnPath as error:
        raise InvalidFields({"return_path": str(error)}) from error
    except InvalidAmount as error:
        raise InvalidFields({"quantity": "more than can be paid at once"}) from error
    return answer(write_started(started), 201)


def write_started(started: StartedCheckout) -> dict[str, object]:
    """A session as JSON."""
    return {"id": started.id, "url": started.url, "expires_at": time(started.expires_at)}


def _check_wish(body: Body) -> None:
    """Exactly one thing to buy, and nothing that belongs to another."""
    wished = body.gives(*WITH)
    if len(wished) != 1:
        for kind in wished or WITH:
            body.refuse(kind, f"expected exactly one of {', '.join(WITH)}")
        return
    for kind, names in WITH.items():
        for name in body.gives(*names) if kind not in wished else ():
            body.refuse(name, f"goes with {kind} only")
