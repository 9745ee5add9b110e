"""`/confirm-email/…`: the link of a mail that proves its address, and asking for that mail again."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from flask_login import current_user, login_required

from billing import email_confirmation
from billing.errors import NotFound
from web.session import account_id
from web.throttle import TooManyAttempts, count_attempt

bp = Blueprint("confirm_email", __name__)


@bp.route("/confirm-email/<token>", methods=["GET", "POST"])
def confirm(token: str) -> ResponseReturnValue:
    """Show a button; on POST the address is confirmed.

    A button, because programs that look through mail for viruses follow every link.
    """
    try:
        if request.method == "GET":
            return render_template("web/confirm_email.html", email=email_confirmation.address_to_confirm(token))
        email_confirmation.confirm_email(token)
    except NotFound:
        return render_template("web/link_over.html"), 404
    flash(gettext("Your e-mail address is confirmed."), "success")
    return redirect(url_for("settings.show" if current_user.is_authenticated else "login.form"), 303)


@bp.post("/settings/confirm-email")
@login_required
def send_again() -> ResponseReturnValue:
    """Have the mail sent again."""
    try:
        count_attempt("mail", f"account {account_id()}")
    except TooManyAttempts:
        flash(gettext("There were too many attempts. Try again later."), "warning")
    else:
        email_confirmation.request_confirmation(account_id())
        flash(gettext("The mail is on its way. Look into your spam folder, too."), "success")
    return redirect(url_for("settings.show"), 303)
