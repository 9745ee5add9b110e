"""`/staff/customers/<id>/limits`: what is used of a customer's limits, and setting one back, with a reason."""

from __future__ import annotations

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext, lazy_gettext
from flask_wtf import FlaskForm
from wtforms import HiddenField, SelectField, TextAreaField
from wtforms.fields import SelectChoice
from wtforms.validators import InputRequired, Length, Regexp

from billing import catalog, customers, quotas, staff_accounts
from billing.errors import Invalid
from web import words
from web.staff.blueprint import bp
from web.staff.session import signed_in
from web.staff.tokens import FORM_TOKEN, new_form_token


class LimitForm(FlaskForm):
    """Which limit of the catalog's, and why."""

    resource = SelectField(lazy_gettext("Limit"))
    reason = TextAreaField(
        lazy_gettext("Why"), [InputRequired(lazy_gettext("Say why")), Length(max=quotas.MAX_REASON_CHARACTERS)]
    )
    form_token = HiddenField(validators=[Regexp(FORM_TOKEN)])


@bp.route("/customers/<public_id>/limits", methods=["GET", "POST"])
def reset_limit(public_id: str) -> ResponseReturnValue:
    """Show the limits and who set them back before; on POST set one back, once for each form shown."""
    customer = customers.find_customer(public_id)
    account_id = customer.account_id
    staff = signed_in()
    if request.method == "POST":
        staff_accounts.require(staff, "quota_reset", account_id=account_id)
    form = LimitForm(request.form if request.method == "POST" else None, form_token=new_form_token())
    form.resource.choices = [SelectChoice(each, words.limit_name(each)) for each in catalog.current().quotas]
    status = 200
    if form.validate_on_submit():
        source = f"staff:{form.form_token.data}"
        resource, reason = form.resource.data, form.reason.data
        try:
            quotas.reset_quota(account_id, resource, reason=reason, actor=staff.actor, source=source)
        except Invalid:
            form.reason.errors = [gettext("Say why")]
        else:
            flash(gettext("Set back: %(limit)s.", limit=words.limit_name(resource)), "success")
            return redirect(url_for("staff.reset_limit", public_id=public_id), 303)
    if form.errors:
        status = 422
    limits, resets = quotas.list_quotas(account_id), quotas.list_resets(account_id)
    return render_template("staff/limits.html", customer=customer, form=form, limits=limits, resets=resets), status
