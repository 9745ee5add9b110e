"""`/portal/…`: the link by which an app lets its customer in here."""

from __future__ import annotations

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from billing import portal_sessions
from billing.errors import NotFound
from web.redirects import local_path
from web.session import sign_in

bp = Blueprint("portal", __name__)


@bp.route("/portal/<token>", methods=["GET", "POST"])
def enter(token: str) -> ResponseReturnValue:
    """Show whom the link signs in, and a button; on POST they are signed in, once.

    A button, so that a preview of the link does not use it up, and nobody is signed in without having seen as whom.
    """
    try:
        if request.method == "GET":
            customer = portal_sessions.customer_of(token)
            return render_template("web/portal.html", name=customer.name or customer.email or customer.public_id)
        customer, return_path = portal_sessions.use_portal_session(token)
    except NotFound:
        return render_template("web/link_over.html", from_app=True), 404
    sign_in(customer)
    return redirect(local_path(return_path, url_for("balance.show")), 303)
