"""`/staff/customers/<id>/take` and `/forgive`: credits taken by hand, and a debt forgiven, with reason and limit."""

from __future__ import annotations

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext, lazy_gettext
from flask_wtf import FlaskForm
from wtforms import HiddenField, StringField, TextAreaField
from wtforms.validators import InputRequired, Length, Regexp

from billing import accounts, adjustments, audit_log, customers, staff_accounts
from billing.errors import Conflict, InsufficientCredits, Invalid, InvalidAmount, NotPermitted, SaldoError
from billing.ledger.history import EntryView
from billing.models import Customer
from billing.money import format_credits_plain, parse_credits
from billing.staff_accounts import Right, StaffView
from web.formats import credits, in_credits
from web.staff.amounts import read_number, write_credits
from web.staff.blueprint import bp
from web.staff.session import signed_in
from web.staff.tokens import FORM_TOKEN, new_form_token


class ByHandForm(FlaskForm):
    """How many credits, and why."""

    amount = StringField(lazy_gettext("Credits"), [InputRequired(lazy_gettext("Enter a number of credits"))])
    description = TextAreaField(
        lazy_gettext("Why"),
        [
            InputRequired(lazy_gettext("Say why; the customer can read it")),
            Length(max=adjustments.MAX_DESCRIPTION_CHARACTERS),
        ],
    )
    form_token = HiddenField(validators=[Regexp(FORM_TOKEN)])


@bp.route("/customers/<public_id>/take", methods=["GET", "POST"])
def take(public_id: str) -> ResponseReturnValue:
    """Show the form; on POST take credits, once for each form shown, and never into a debt."""
    return _by_hand(public_id, "take")


@bp.route("/customers/<public_id>/forgive", methods=["GET", "POST"])
def forgive(public_id: str) -> ResponseReturnValue:
    """Show the form, filled in with the whole debt; on POST forgive it, once for each form shown."""
    return _by_hand(public_id, "forgive")


def _by_hand(public_id: str, act: Right) -> ResponseReturnValue:
    customer = customers.find_customer(public_id)
    account_id = customer.account_id
    staff = signed_in()
    staff_accounts.require(staff, act, account_id=account_id)
    form = ByHandForm(request.form if request.method == "POST" else None, form_token=new_form_token())
    if request.method == "GET" and act == "forgive":
        form.amount.data = write_credits(accounts.read_balance(account_id).debt)
    if not form.validate_on_submit():
        return _page(customer, form, act), 422 if form.errors else 200
    amount = 0
    try:
        amount = parse_credits(read_number(form.amount.data))
        staff_accounts.require_by_hand(staff, act, amount, account_id)
        _do(act, account_id, amount, form, staff)
    except NotPermitted:
        form.amount.errors = [beyond_limit(staff, act, amount, account_id)]
        return _page(customer, form, act), 403
    except (InvalidAmount, InsufficientCredits, Conflict, Invalid) as error:
        form.amount.errors = [_why_not(error)]
        if amount:
            detail = {"credits": format_credits_plain(amount), "code": error.code}
            audit_log.record(act, actor=staff.actor, account_id=account_id, allowed=False, detail=detail)
        return _page(customer, form, act), 409 if isinstance(error, Conflict | InsufficientCredits) else 422
    done = {
        "take": gettext("Taken: %(credits)s.", credits=in_credits(amount)),
        "forgive": gettext("Debt forgiven: %(credits)s.", credits=in_credits(amount)),
    }
    flash(done[act], "success")
    return redirect(url_for("staff.show_customer", public_id=public_id), 303)


def _do(act: Right, account_id: int, amount: int, form: ByHandForm, staff: StaffView) -> EntryView:
    why, source = form.description.data, f"staff:{form.form_token.data}"
    if act == "take":
        return adjustments.take_credits(account_id, amount, why, staff.actor, source=source, day_limit=staff.day_limit)
    return adjustments.forgive_debt(
        account_id, why, staff.actor, amount=amount, source=source, day_limit=staff.day_limit
    )


def beyond_limit(staff: StaffView, act: Right, amount: int, account_id: int) -> str:
    """What to say of an amount that is too much for the role: at once, or, which is written down here, in a day."""
    if amount > staff.grant_limit:
        return gettext("Your role may grant up to %(limit)s credits at once", limit=credits(staff.grant_limit))
    detail = {"credits": format_credits_plain(amount), "code": "day_limit"}
    audit_log.record(act, actor=staff.actor, account_id=account_id, allowed=False, detail=detail)
    return gettext("Your role may move up to %(limit)s credits in one day", limit=credits(staff.day_limit))


def _why_not(error: SaldoError) -> str:
    if isinstance(error, InsufficientCredits):
        return gettext("Only %(credits)s can be taken", credits=in_credits(error.available))
    if isinstance(error, Conflict):
        return gettext("There is no debt to forgive")
    if isinstance(error, Invalid):
        return gettext("This is more than the debt")
    return str(error)


def _page(customer: Customer, form: ByHandForm, act: Right) -> str:
    balance = accounts.read_balance(customer.account_id)
    return render_template("staff/by_hand.html", customer=customer, form=form, act=act, balance=balance)
