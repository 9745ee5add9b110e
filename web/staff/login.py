"""`/staff/login`, `/staff/logout`, and `/staff/setup/…`, where a new member of staff sets a password."""

from __future__ import annotations

from flask import current_app, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext, lazy_gettext
from flask_wtf import FlaskForm
from wtforms import EmailField, HiddenField, PasswordField
from wtforms.validators import EqualTo, InputRequired

from billing import staff_accounts
from web import credentials
from web.staff import session
from web.staff.blueprint import bp
from web.staff.destinations import destination
from web.staff.second_factor import ask_for_code
from web.throttle import TooManyAttempts, count_attempt, forgive_attempts


class SignInForm(FlaskForm):
    """E-mail, password, and where the reader was going."""

    email = EmailField(lazy_gettext("E-mail address"), [InputRequired(lazy_gettext("Enter your e-mail address"))])
    password = PasswordField(lazy_gettext("Password"), [InputRequired(lazy_gettext("Enter your password"))])
    next = HiddenField()


class SetUpForm(FlaskForm):
    """A password, twice, so that a slip does not lock anybody out."""

    password = PasswordField(
        lazy_gettext("Password"), [InputRequired(lazy_gettext("Choose a password")), credentials.new_password]
    )
    repeated = PasswordField(
        lazy_gettext("Password again"), [EqualTo("password", lazy_gettext("The two passwords differ"))]
    )


@bp.route("/login", methods=["GET", "POST"])
def sign_in() -> ResponseReturnValue:
    """Show the form; on POST sign in and go on to `next`. An unknown e-mail reads like a wrong password."""
    going_to = destination()
    if session.is_signed_in():
        return redirect(going_to, 303)
    form = SignInForm(request.form if request.method == "POST" else None, next=request.args.get("next"))
    if not form.validate_on_submit():
        return render_template("staff/login.html", form=form), 422 if form.errors else 200
    try:
        count_attempt("staff", form.email.data)
    except TooManyAttempts as error:
        return _too_many(form, error.retry_after)
    staff = staff_accounts.authenticate(form.email.data, form.password.data)
    if staff is None:
        problem = gettext("E-mail address and password do not belong together. Check both and try again.")
        return render_template("staff/login.html", form=form, problem=problem), 401
    forgive_attempts("staff", form.email.data)
    if staff.has_second_factor:
        return ask_for_code(staff)
    response = redirect(going_to, 303)
    session.begin(response, staff)
    return response


@bp.post("/logout")
def sign_out() -> ResponseReturnValue:
    """Sign out here and wherever else they are signed in."""
    response = redirect(url_for("staff.sign_in"), 303)
    session.end(response)
    return response


@bp.route("/setup/<token>", methods=["GET", "POST"])
def set_up(token: str) -> ResponseReturnValue:
    """Set a password by the link that `flask staff add` printed; it works once, for a day, else this is a 404."""
    secret_key = current_app.config["SECRET_KEY"]
    staff = staff_accounts.read_setup_token(token, secret_key)
    form = SetUpForm()
    if form.validate_on_submit():
        staff = staff_accounts.set_password(token, secret_key, form.password.data)
        if staff.has_second_factor:
            return ask_for_code(staff)
        response = redirect(url_for("staff.search"), 303)
        session.begin(response, staff)
        return response
    return render_template("staff/setup.html", form=form, email=staff.email), 422 if form.errors else 200


def _too_many(form: SignInForm, retry_after: int) -> ResponseReturnValue:
    minutes = -(-retry_after // 60)
    problem = gettext("There were too many attempts. Try again in %(minutes)s min.", minutes=minutes)
    response = make_response(render_template("staff/login.html", form=form, problem=problem), 429)
    response.headers["Retry-After"] = str(retry_after)
    return response
