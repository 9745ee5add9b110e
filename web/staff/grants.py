"""`/staff/customers/<id>/grant`: credits by hand, with a reason, up to what the role may give (F136)."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext, lazy_gettext
from flask_wtf import FlaskForm
from wtforms import DateField, HiddenField, StringField, TextAreaField
from wtforms.validators import InputRequired, Length, Optional, Regexp, ValidationError

from billing import adjustments, customers, staff_accounts
from billing.errors import Invalid, InvalidAmount, LimitExceeded, NotPermitted
from billing.models import Customer
from billing.money import parse_credits
from web.formats import in_credits
from web.staff.amounts import read_number
from web.staff.blueprint import bp
from web.staff.by_hand import beyond_limit
from web.staff.session import signed_in
from web.staff.tokens import FORM_TOKEN, new_form_token


class GrantForm(FlaskForm):
    """How many credits, why, and until when."""

    amount = StringField(lazy_gettext("Credits"), [InputRequired(lazy_gettext("Enter a number of credits"))])
    description = TextAreaField(
        lazy_gettext("Why"),
        [
            InputRequired(lazy_gettext("Say why; the customer can read it")),
            Length(max=adjustments.MAX_DESCRIPTION_CHARACTERS),
        ],
    )
    last_day = DateField(lazy_gettext("Last day (optional)"), [Optional()], format="%Y-%m-%d")
    form_token = HiddenField(validators=[Regexp(FORM_TOKEN)])

    def validate_last_day(self, field: DateField) -> None:
        """The calendar's own last day has no end."""
        if field.data == date.max:
            raise ValidationError(gettext("Choose an earlier day, or none"))


@bp.route("/customers/<public_id>/grant", methods=["GET", "POST"])
def grant(public_id: str) -> ResponseReturnValue:
    """Show the form; on POST grant, once for each form shown."""
    customer = customers.find_customer(public_id)
    account_id = customer.account_id
    staff = signed_in()
    staff_accounts.require(staff, "grant", account_id=account_id)
    form = GrantForm(request.form if request.method == "POST" else None, form_token=new_form_token())
    if not form.validate_on_submit():
        return _page(customer, form), 422 if form.errors else 200
    try:
        amount = parse_credits(read_number(form.amount.data))
        staff_accounts.require_by_hand(staff, "grant", amount, account_id)
        adjustments.grant_credits(
            account_id,
            amount,
            form.description.data,
            staff.actor,
            expires_at=_end_of(form.last_day.data) if form.last_day.data else None,
            source=f"staff:{form.form_token.data}",
            day_limit=staff.day_limit,
        )
    except (InvalidAmount, LimitExceeded) as error:
        form.amount.errors = [str(error)]
        return _page(customer, form), 422
    except NotPermitted:
        form.amount.errors = [beyond_limit(staff, "grant", amount, account_id)]
        return _page(customer, form), 403
    except Invalid:
        form.last_day.errors = [gettext("Choose a day in the future")]
        return _page(customer, form), 422
    flash(gettext("Granted: %(credits)s.", credits=in_credits(amount)), "success")
    return redirect(url_for("staff.show_customer", public_id=public_id), 303)


def _page(customer: Customer, form: GrantForm) -> str:
    return render_template("staff/grant.html", customer=customer, form=form)


def _end_of(last_day: date) -> datetime:
    """When credits end that last through a day: days are UTC's."""
    return datetime.combine(last_day, time(), UTC) + timedelta(days=1)
