"""`/checkout/return`: where Stripe sends a customer after its payment page, paid or not."""

from __future__ import annotations

from flask import Blueprint, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import login_required

from billing import landing
from web import words
from web.session import account_id

bp = Blueprint("checkout", __name__)

MAX_LOOKS = 10
"""How often the page looks again by itself while a payment is being confirmed; then it offers a link."""

WAITING = ("pending", "open")
"""States that may change at any moment: the webhook comes, or Stripe answers again."""


@bp.get("/checkout/return")
@login_required
def landed() -> ResponseReturnValue:
    """Say what became of the session. Only Stripe and our own record decide that, never this page's address."""
    session_id = request.args.get("session_id", "")
    state = landing.look_at_return(account_id(), session_id)
    look = request.args.get("look", 0, type=int)
    looks_again = state.status in WAITING and 0 <= look < MAX_LOOKS
    return render_template(
        "web/checkout_return.html",
        state=state,
        again=url_for("checkout.landed", session_id=session_id, look=look + 1) if looks_again else None,
        words=words,
    )
