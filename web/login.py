"""`/login` and `/logout`."""

from __future__ import annotations

from flask import Blueprint, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext, lazy_gettext
from flask_login import current_user, login_required
from flask_wtf import FlaskForm
from wtforms import EmailField, HiddenField, PasswordField
from wtforms.validators import InputRequired

from billing import customers
from web.redirects import local_path
from web.session import sign_in, sign_out
from web.throttle import TooManyAttempts, count_attempt, forgive_attempts

bp = Blueprint("login", __name__)


class LoginForm(FlaskForm):
    """E-mail, password, and where the reader was going."""

    email = EmailField(lazy_gettext("E-mail address"), [InputRequired(lazy_gettext("Enter your e-mail address"))])
    password = PasswordField(lazy_gettext("Password"), [InputRequired(lazy_gettext("Enter your password"))])
    next = HiddenField()


@bp.route("/login", methods=["GET", "POST"])
def form() -> ResponseReturnValue:
    """Show the form; on POST sign in and go on to `next`. An unknown e-mail reads like a wrong password."""
    destination = local_path(request.values.get("next"), url_for("balance.show"))
    if current_user.is_authenticated:
        return redirect(destination, 303)
    form = LoginForm(next=request.args.get("next"))
    if not form.validate_on_submit():
        return render_template("web/login.html", form=form), 422 if form.errors else 200
    try:
        count_attempt("customers", form.email.data)
    except TooManyAttempts as error:
        return _too_many(form, error.retry_after)
    customer = customers.authenticate(form.email.data, form.password.data)
    if customer is None:
        problem = gettext("E-mail address and password do not belong together. Check both and try again.")
        return render_template("web/login.html", form=form, problem=problem), 401
    forgive_attempts("customers", form.email.data)
    sign_in(customer)
    return redirect(destination, 303)


@bp.post("/logout")
@login_required
def end() -> ResponseReturnValue:
    """Sign out here and wherever else this customer is signed in."""
    sign_out()
    return redirect(url_for("plans.show"), 303)


def _too_many(form: LoginForm, retry_after: int) -> ResponseReturnValue:
    minutes = -(-retry_after // 60)
    problem = gettext("There were too many attempts. Try again in %(minutes)s min.", minutes=minutes)
    response = make_response(render_template("web/login.html", form=form, problem=problem), 429)
    response.headers["Retry-After"] = str(retry_after)
    return response
