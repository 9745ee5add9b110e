"""`/staff/approvals`: refunds above a limit wait here for a second person, who is never the one that asked."""

from __future__ import annotations

from flask import redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from billing import audit_log, customers, payments, refunds, staff_accounts
from billing.errors import Conflict, Disputed, NotPermitted, RefundExceeds, SaldoError, StripeRefused
from billing.payments import RefundView
from web.staff.blueprint import bp
from web.staff.refunds import conflict_text, refund_page
from web.staff.session import signed_in


@bp.get("/approvals")
def list_approvals() -> ResponseReturnValue:
    """What waits, the oldest first; everybody may see it."""
    waiting = refunds.waiting_refunds()
    named = {each.id: customers.get(payments.get(each.payment_id).account_id) for each in waiting}
    return render_template("staff/approvals.html", waiting=waiting, customers=named)


@bp.post("/refunds/<refund_id>/approve")
def approve_refund(refund_id: str) -> ResponseReturnValue:
    """Let it go to Stripe; pressed twice, it goes once."""
    staff = signed_in()
    refund, account_id = _found(refund_id)
    staff_accounts.require(staff, "approve", account_id=account_id, subject=refund_id)
    try:
        refunds.approve_refund(refund_id, actor=staff.actor)
    except NotPermitted:
        _write_down("approve", account_id, refund, "not_permitted")
        own = gettext("You have asked for this refund yourself: somebody else has to approve it.")
        return refund_page(refunds.read_refund(refund_id), own), 403
    except (RefundExceeds, Disputed, Conflict, StripeRefused) as error:
        return _refused("approve", account_id, refund, error)
    return redirect(url_for("staff.show_refund", refund_id=refund_id), 303)


@bp.post("/refunds/<refund_id>/reject")
def reject_refund(refund_id: str) -> ResponseReturnValue:
    """Turn it down; whoever asked for it may take it back."""
    staff = signed_in()
    refund, account_id = _found(refund_id)
    if refund.actor != staff.actor:
        staff_accounts.require(staff, "approve", account_id=account_id, subject=refund_id)
    try:
        refunds.reject_refund(refund_id, actor=staff.actor)
    except Conflict as error:
        return _refused("refund.reject", account_id, refund, error)
    return redirect(url_for("staff.show_refund", refund_id=refund_id), 303)


def _found(refund_id: str) -> tuple[RefundView, int]:
    refund = refunds.read_refund(refund_id)
    return refund, payments.get(refund.payment_id).account_id


def _refused(act: str, account_id: int, refund: RefundView, error: SaldoError) -> ResponseReturnValue:
    _write_down(act, account_id, refund, error.code)
    return refund_page(refunds.read_refund(refund.id), conflict_text(error)), 409


def _write_down(act: str, account_id: int, refund: RefundView, code: str) -> None:
    """Every attempt, also one that the rules refuse."""
    audit_log.record(
        act,
        actor=signed_in().actor,
        account_id=account_id,
        subject=refund.id,
        allowed=False,
        detail={"amount_minor": refund.amount_minor, "currency": refund.currency, "code": code},
    )
