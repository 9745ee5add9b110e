"""`/settings/export` and `/settings/delete`: taking one's data along, and having it erased."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from flask import Blueprint, abort, flash, redirect, render_template, stream_with_context, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext, lazy_gettext
from flask_login import current_user, login_required, logout_user
from flask_wtf import FlaskForm
from wtforms import BooleanField, PasswordField
from wtforms.validators import InputRequired

from billing import customers, erasure, personal_data, subscriptions
from billing.clock import now, to_rfc3339
from billing.money import dumps
from web.downloads import attachment
from web.session import account_id, forget_session
from web.throttle import TooManyAttempts, count_attempt

bp = Blueprint("personal_data", __name__, url_prefix="/settings")


class DeleteForm(FlaskForm):
    """The password, and that it is meant."""

    password = PasswordField(
        lazy_gettext("Current password"), [InputRequired(lazy_gettext("Enter your current password"))]
    )
    meant = BooleanField(
        lazy_gettext("Yes, delete my account for good"),
        [InputRequired(lazy_gettext("Tick the box if you mean it"))],
    )


@bp.get("/export")
@login_required
def download() -> ResponseReturnValue:
    """Everything we hold about them, as JSON."""
    known = personal_data.read_personal_data(account_id())
    return attachment(stream_with_context(_json_lines(known, account_id())), "data", "json")


@bp.route("/delete", methods=["GET", "POST"])
@login_required
def delete() -> ResponseReturnValue:
    """Say what goes and what stays; on POST, with the password, erase them and sign out everywhere.

    Whom an app lets in has no password here and asks the app, so it is a 404 for them.
    """
    if current_user.login_email is None:
        abort(404)
    form = DeleteForm()
    if form.validate_on_submit():
        try:
            count_attempt("customers", f"account {account_id()}")
        except TooManyAttempts:
            form.password.errors = [gettext("There were too many attempts. Try again later.")]
        else:
            if customers.authenticate(current_user.login_email, form.password.data) is not None:
                erasure.erase_customer(account_id(), "customer")
                logout_user()
                forget_session()
                flash(gettext("Your account is deleted. Thank you for having been here."), "success")
                return redirect(url_for("plans.show"), 303)
            form.password.errors = [gettext("This is not your current password")]
    living = [each for each in subscriptions.list_subscriptions(account_id()) if each.next_charge_minor is not None]
    return render_template("web/delete_account.html", form=form, living=len(living)), 422 if form.errors else 200


def _json_lines(known: dict[str, Any], account: int) -> Iterator[str]:
    """One JSON document, an item of the long lists a line."""
    yield f'{{"exported_at": {dumps(to_rfc3339(now()))}'
    for name, part in known.items():
        yield f',\n"{name}": {dumps(part)}'
    lists: dict[str, Iterable[dict[str, Any]]] = {
        "entries": personal_data.read_entries(account),
        "usage": personal_data.read_usage(account),
    }
    for name, items in lists.items():
        yield f',\n"{name}": ['
        for number, item in enumerate(items):
            yield f"{',' if number else ''}\n{dumps(item)}"
        yield "]"
    yield "}\n"
