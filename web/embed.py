"""`/embed/balance`: a customer's balance for the sidebar of an app, in a frame, by a signed link."""

from __future__ import annotations

from flask import Blueprint, Response, current_app, g, make_response, render_template, request, url_for

from billing import accounts
from billing.embed_links import read_embed_link
from web.header import header_of
from web.locale import LANGUAGES, THEMES
from web.security import content_security_policy

bp = Blueprint("embed", __name__)

SIZES = ("small", "medium", "large")
"""A line; the line with its bar and what expires next; all figures, and the way to more credits."""


@bp.get("/embed/balance")
def balance() -> Response:
    """The balance of whom the link names. `size`, `theme` and `locale` are the app's choice: a frame has no cookies."""
    embedded = read_embed_link(request.args.get("token", ""), current_app.config["SECRET_KEY"])
    if request.args.get("locale") in LANGUAGES:
        g.page_locale = request.args["locale"]
    size, theme = request.args.get("size"), request.args.get("theme")
    response = make_response(
        render_template(
            "embed/balance.html",
            header=header_of(embedded.account_id),
            balance=accounts.read_balance(embedded.account_id),
            size=size if size in SIZES else "medium",
            theme=theme if theme in THEMES else "auto",
            top_up=current_app.config["SETTINGS"].public_url + url_for("packs.show"),
        )
    )
    policy = content_security_policy(current_app.config["SETTINGS"], frame_ancestors=embedded.origin)
    response.headers["Content-Security-Policy"] = policy
    return response
