"""`GET /customers/{c}/stats`."""

from __future__ import annotations

from flask import Response

from api.answers import answer, credits, time
from api.blueprint import bp
from api.paths import customer_at
from billing import statistics


@bp.get("/customers/<public_id>/stats")
def read_stats(public_id: str) -> Response:
    """A customer's credits in a few figures; what expired is not consumed."""
    found = statistics.read_statistics(customer_at(public_id).account_id)
    return answer(
        {
            "available": credits(found.available),
            "purchased_total": credits(found.purchased),
            "consumed_total": credits(found.consumed),
            "last_purchase_at": time(found.last_purchase_at),
            "last_debit_at": time(found.last_debit_at),
            "entry_count": found.entry_count,
        }
    )
