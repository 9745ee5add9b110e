"""`/settings`: a customer's name, language, password and e-mail address."""

from __future__ import annotations

from flask import Blueprint, abort, current_app, flash, make_response, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import force_locale, gettext, lazy_gettext
from flask_login import current_user, login_required
from flask_wtf import FlaskForm
from wtforms import EmailField, PasswordField, SelectField, StringField
from wtforms.validators import EqualTo, InputRequired, Length, Optional

from billing import customers, email_change
from billing.errors import WrongPassword
from web import credentials
from web.locale import COOKIE_SECONDS, LANGUAGE_CHOICES, page_locale
from web.session import account_id, sign_in
from web.throttle import TooManyAttempts, count_attempt, forgive_attempts

bp = Blueprint("settings", __name__, url_prefix="/settings")


class ProfileForm(FlaskForm):
    """How we address a customer."""

    name = StringField(
        lazy_gettext("Name"),
        [Optional(), Length(max=200, message=lazy_gettext("The name is longer than 200 characters"))],
    )
    locale = SelectField(lazy_gettext("Language"), choices=LANGUAGE_CHOICES)


class PasswordForm(FlaskForm):
    """The old password proves that it is the customer, not somebody at their open browser."""

    current_password = PasswordField(
        lazy_gettext("Current password"), [InputRequired(lazy_gettext("Enter your current password"))]
    )
    new_password = PasswordField(
        lazy_gettext("New password"), [InputRequired(lazy_gettext("Choose a new password")), credentials.new_password]
    )
    repeated_password = PasswordField(
        lazy_gettext("New password again"),
        [EqualTo("new_password", lazy_gettext("The two new passwords differ"))],
    )


class EmailForm(FlaskForm):
    """The new address, and the password as for a change of that."""

    new_email = EmailField(
        lazy_gettext("New e-mail address"),
        [InputRequired(lazy_gettext("Enter your new e-mail address")), credentials.email_address],
    )
    email_password = PasswordField(
        lazy_gettext("Current password"), [InputRequired(lazy_gettext("Enter your current password"))]
    )


@bp.get("")
@login_required
def show() -> ResponseReturnValue:
    """All forms."""
    return _page()


@bp.post("/profile")
@login_required
def save_profile() -> ResponseReturnValue:
    """Save name and language."""
    form = ProfileForm()
    if not form.validate_on_submit():
        return _page(profile=form), 422
    customers.update_profile(account_id(), name=form.name.data or None, locale=form.locale.data)
    with force_locale(form.locale.data):
        flash(gettext("Your settings are saved."), "success")
    response = make_response(redirect(url_for("settings.show"), 303))
    response.set_cookie(
        "locale",
        form.locale.data,
        max_age=COOKIE_SECONDS,
        secure=current_app.config["SESSION_COOKIE_SECURE"],
        httponly=True,
        samesite="Lax",
    )
    return response


@bp.post("/password")
@login_required
def change_password() -> ResponseReturnValue:
    """Change the password and end every other session. Whom an app lets in has none, so it is a 404 for them."""
    if current_user.login_email is None:
        abort(404)
    form = PasswordForm()
    if form.validate_on_submit():
        name = f"account {account_id()}"
        try:
            count_attempt("customers", name)
            if customers.authenticate(current_user.login_email, form.current_password.data) is None:
                raise WrongPassword()
            customer = customers.change_password(account_id(), form.new_password.data)
        except TooManyAttempts:
            form.current_password.errors = [gettext("There were too many attempts. Try again later.")]
        except WrongPassword:
            form.current_password.errors = [gettext("This is not your current password")]
        else:
            forgive_attempts("customers", name)
            sign_in(customer)
            flash(gettext("Your password is changed. Everywhere else you are signed out."), "success")
            return redirect(url_for("settings.show"), 303)
    return _page(password=form), 422


@bp.post("/email")
@login_required
def change_email() -> ResponseReturnValue:
    """Have a link sent to the new address; it counts once that was opened. Without a password it is a 404."""
    if current_user.login_email is None:
        abort(404)
    form = EmailForm()
    if form.validate_on_submit():
        name = f"account {account_id()}"
        try:
            count_attempt("customers", name)
            if customers.authenticate(current_user.login_email, form.email_password.data) is None:
                raise WrongPassword()
            forgive_attempts("customers", name)
            count_attempt("mail", name)
            email_change.request_change(account_id(), form.new_email.data)
        except TooManyAttempts:
            form.email_password.errors = [gettext("There were too many attempts. Try again later.")]
        except WrongPassword:
            form.email_password.errors = [gettext("This is not your current password")]
        else:
            flash(gettext("Open the link in the mail that we sent to the new address; then it counts."), "success")
            return redirect(url_for("settings.show"), 303)
    return _page(email=form), 422


def _profile_form() -> ProfileForm:
    return ProfileForm(None, name=current_user.name, locale=current_user.locale or page_locale())


def _page(
    profile: ProfileForm | None = None, password: PasswordForm | None = None, email: EmailForm | None = None
) -> str:
    """The page with the form that was sent, if one was, and the others as they are at first."""
    return render_template(
        "web/settings.html",
        profile=profile or _profile_form(),
        password=password or PasswordForm(None),
        email=email or EmailForm(None),
    )
