"""`/payments`: what a customer has paid, and what of it came back; and its receipts, which Stripe keeps."""

from __future__ import annotations

from flask import Blueprint, redirect, render_template
from flask.typing import ResponseReturnValue
from flask_babel import lazy_gettext
from flask_login import login_required

from billing import payments, receipts
from billing.errors import StripeUnavailable
from web import words
from web.errors import Words, error_page
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

NO_RECEIPT_NOW = Words(
    lazy_gettext("Your receipt cannot be shown right now"),
    lazy_gettext("Stripe, where it is kept, does not answer. Your payment is safe; please try again in a moment."),
)


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


@bp.get("/payments/<payment_id>/receipt")
@login_required
def receipt(payment_id: str) -> ResponseReturnValue:
    """To Stripe's own page with the invoice or receipt of a payment."""
    try:
        return redirect(receipts.find_receipt(account_id(), payment_id), 303)
    except StripeUnavailable:
        return error_page(503, NO_RECEIPT_NOW)
