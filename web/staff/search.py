"""`/staff`: find a customer by e-mail, name, Saldo's id or any id of Stripe's."""

from __future__ import annotations

from flask import render_template, request
from flask.typing import ResponseReturnValue

from billing.customer_search import search_customers
from web.staff.blueprint import bp

MAX_QUERY_CHARACTERS = 255


@bp.get("")
def search() -> ResponseReturnValue:
    """The search field, and who was found."""
    wanted = request.args.get("q", "").strip()[:MAX_QUERY_CHARACTERS]
    hits = search_customers(wanted) if wanted else None
    return render_template("staff/search.html", wanted=wanted, hits=hits)
