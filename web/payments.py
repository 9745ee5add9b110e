"""`/payments`: what a customer has paid, and what of it came back."""

from __future__ import annotations

from flask import Blueprint, render_template
from flask.typing import ResponseReturnValue
from flask_babel import lazy_gettext
from flask_login import login_required

from billing import payments
from web import words
from web.session import account_id
from web.subscriptions import State

bp = Blueprint("payments", __name__)

STATES = {
    "paid": State(lazy_gettext("Paid"), "good"),
    "refund_pending": State(lazy_gettext("Refund on its way"), "wait"),
    "partially_refunded": State(lazy_gettext("Partly refunded"), "calm"),
    "refunded": State(lazy_gettext("Refunded"), "calm"),
    "disputed": State(lazy_gettext("Questioned at your bank"), "wait"),
    "dispute_lost": State(lazy_gettext("Returned by your bank"), "calm"),
}

REFUND_STATES = {
    "pending": State(lazy_gettext("on its way"), "wait"),
    "requires_action": State(lazy_gettext("waiting for you: see your e-mail"), "wait"),
    "succeeded": State(lazy_gettext("done"), "good"),
    "failed": State(lazy_gettext("failed"), "bad"),
    "canceled": State(lazy_gettext("called off"), "calm"),
}


@bp.get("/payments")
@login_required
def show() -> ResponseReturnValue:
    """Payments, newest first, each with its refunds."""
    return render_template(
        "web/payments.html",
        payments=payments.list_payments(account_id()),
        words=words,
        states=STATES,
        refund_states=REFUND_STATES,
    )
