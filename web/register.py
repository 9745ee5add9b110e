"""`/register`: a new customer, with the sign-up credits of the free plan."""

from __future__ import annotations

from flask import Blueprint, flash, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext, lazy_gettext
from flask_login import current_user
from flask_wtf import FlaskForm
from wtforms import EmailField, HiddenField, PasswordField, SelectField, StringField
from wtforms.validators import InputRequired, Length, Optional

from billing import customers
from billing.errors import EmailTaken
from web import credentials
from web.locale import LANGUAGE_CHOICES, page_locale
from web.redirects import local_path
from web.session import sign_in
from web.throttle import TooManyAttempts, count_attempt

bp = Blueprint("register", __name__)


class RegisterForm(FlaskForm):
    """What a new customer tells us; only e-mail and password are needed."""

    name = StringField(
        lazy_gettext("Name (optional)"),
        [Optional(), Length(max=200, message=lazy_gettext("The name is longer than 200 characters"))],
    )
    email = EmailField(
        lazy_gettext("E-mail address"),
        [InputRequired(lazy_gettext("Enter your e-mail address")), credentials.email_address],
    )
    password = PasswordField(
        lazy_gettext("Password"), [InputRequired(lazy_gettext("Choose a password")), credentials.new_password]
    )
    locale = SelectField(lazy_gettext("Language"), choices=LANGUAGE_CHOICES, default=page_locale)
    next = HiddenField()


@bp.route("/register", methods=["GET", "POST"])
def form() -> ResponseReturnValue:
    """Show the form; on POST make the customer and sign them in, or say what is wrong with the form."""
    destination = local_path(request.values.get("next"), url_for("balance.show"))
    if current_user.is_authenticated:
        return redirect(destination, 303)
    form = RegisterForm(next=request.args.get("next"))
    if form.validate_on_submit():
        try:
            count_attempt("register", form.email.data)
            customer = customers.register(form.email.data, form.password.data, form.name.data or None, form.locale.data)
        except TooManyAttempts as error:
            return _too_many(form, error.retry_after)
        except EmailTaken:
            form.email.errors = [gettext("There already is an account with this e-mail address")]
        else:
            sign_in(customer)
            flash(gettext("Welcome to Saldo! Your account is ready."), "success")
            flash(gettext("We have sent you a mail: please confirm your address with the link in it."), "info")
            return redirect(destination, 303)
    status = 422 if form.errors else 200
    return render_template("web/register.html", form=form), status


def _too_many(form: RegisterForm, retry_after: int) -> ResponseReturnValue:
    minutes = -(-retry_after // 60)
    problem = gettext("There were too many attempts. Try again in %(minutes)s min.", minutes=minutes)
    response = make_response(render_template("web/register.html", form=form, problem=problem), 429)
    response.headers["Retry-After"] = str(retry_after)
    return response
