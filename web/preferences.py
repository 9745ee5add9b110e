"""The switches at the foot of each page: language and colours, kept in cookies of this browser."""

from __future__ import annotations

from flask import Blueprint, current_app, redirect, request
from werkzeug.wrappers import Response

from web.locale import COOKIE_SECONDS, LANGUAGES, THEMES
from web.redirects import local_path

bp = Blueprint("preferences", __name__)


@bp.post("/preferences")
def save() -> Response:
    """Keep the choice made, if it is one we offer, and go back to the page it was made on."""
    response = redirect(local_path(request.form.get("next"), "/"), 303)
    for cookie, known in (("locale", LANGUAGES), ("theme", THEMES)):
        chosen = request.form.get(cookie, "")
        if chosen in known:
            response.set_cookie(
                cookie,
                chosen,
                max_age=COOKIE_SECONDS,
                secure=current_app.config["SESSION_COOKIE_SECURE"],
                httponly=True,
                samesite="Lax",
            )
    return response
