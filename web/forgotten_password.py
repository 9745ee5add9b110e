"""`/forgot-password` and `/reset-password/…`: a new password by a link that comes by mail."""

from __future__ import annotations

from flask import Blueprint, flash, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext, lazy_gettext
from flask_wtf import FlaskForm
from wtforms import EmailField, PasswordField
from wtforms.validators import EqualTo, InputRequired

from billing import password_reset
from billing.credentials import read_email
from billing.errors import NotFound
from web import credentials
from web.session import sign_in
from web.throttle import TooManyAttempts, count_attempt, forgive_attempts

bp = Blueprint("forgotten_password", __name__)


class ForgottenForm(FlaskForm):
    """Whose password it is."""

    email = EmailField(
        lazy_gettext("E-mail address"),
        [InputRequired(lazy_gettext("Enter your e-mail address")), credentials.email_address],
    )


class NewPasswordForm(FlaskForm):
    """A password, twice, so that a slip does not lock anybody out."""

    password = PasswordField(
        lazy_gettext("New password"), [InputRequired(lazy_gettext("Choose a new password")), credentials.new_password]
    )
    repeated_password = PasswordField(
        lazy_gettext("New password again"),
        [EqualTo("password", lazy_gettext("The two new passwords differ"))],
    )


@bp.route("/forgot-password", methods=["GET", "POST"])
def ask() -> ResponseReturnValue:
    """Show the form; on POST have the mail sent. The answer never tells whether the address is known."""
    form = ForgottenForm()
    if form.validate_on_submit():
        try:
            email = read_email(form.email.data)
            count_attempt("mail", email)
        except TooManyAttempts as error:
            return _too_many(form, error.retry_after)
        else:
            password_reset.request_reset(email)
            return render_template("web/mail_sent.html", email=email)
    return render_template("web/forgot_password.html", form=form), 422 if form.errors else 200


@bp.route("/reset-password/<token>", methods=["GET", "POST"])
def choose(token: str) -> ResponseReturnValue:
    """Show the form; on POST set the password, end every session and sign in here."""
    form = NewPasswordForm()
    try:
        password_reset.check_reset_link(token)
        if form.validate_on_submit():
            customer = password_reset.reset_password(token, form.password.data)
            # What was guessed wrong before is over, or the new password would be locked out with the old one.
            forgive_attempts("customers", customer.login_email or "")
            sign_in(customer)
            flash(gettext("Your password is changed. Everywhere else you are signed out."), "success")
            return redirect(url_for("balance.show"), 303)
    except NotFound:
        return render_template("web/link_over.html", again=url_for("forgotten_password.ask")), 404
    return render_template("web/reset_password.html", form=form, action=request.path), 422 if form.errors else 200


def _too_many(form: ForgottenForm, retry_after: int) -> ResponseReturnValue:
    minutes = -(-retry_after // 60)
    problem = gettext("There were too many attempts. Try again in %(minutes)s min.", minutes=minutes)
    response = make_response(render_template("web/forgot_password.html", form=form, problem=problem), 429)
    response.headers["Retry-After"] = str(retry_after)
    return response
