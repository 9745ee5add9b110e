"""`/change-email/…`: the link of a mail that puts its address in place of the one before."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from flask_login import current_user

from billing import email_change
from billing.errors import EmailTaken, NotFound

bp = Blueprint("change_email", __name__)


@bp.route("/change-email/<token>", methods=["GET", "POST"])
def change(token: str) -> ResponseReturnValue:
    """Show a button; on POST the address is changed. One that somebody else has meanwhile is a link that is over."""
    try:
        if request.method == "GET":
            return render_template("web/confirm_email.html", email=email_change.new_address(token))
        email_change.change_email(token)
    except (NotFound, EmailTaken):
        return render_template("web/link_over.html"), 404
    flash(gettext("From now on you sign in with your new e-mail address."), "success")
    return redirect(url_for("settings.show" if current_user.is_authenticated else "login.form"), 303)
