"""`POST /quotes`: what an action costs, held for a while, and whether the customer could have it now."""

from __future__ import annotations

from flask import Response

from api.answers import answer, credits, time
from api.blueprint import bp
from api.body import read_body
from api.orders import PRICED, check_influencer, read_order
from api.paths import customer_at, read_customer_id
from billing import quotes


@bp.post("/quotes")
def make_quote() -> Response:
    """The price that holds for this order when its `quote` comes along; nothing is spent or reserved."""
    body = read_body("customer", *PRICED)
    public_id = read_customer_id(body)
    order = read_order(body, by_amount=False)
    body.check()
    check_influencer(order)
    quote = quotes.make_quote(customer_at(public_id).account_id, order)
    return answer(
        {
            "id": quote.id,
            "amount": credits(quote.amount),
            "available": credits(quote.available),
            "affordable": quote.affordable,
            "shortfall": credits(quote.shortfall),
            "blocked_by": quote.blocked_by,
            "expires_at": time(quote.expires_at),
        }
    )
