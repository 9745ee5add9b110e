"""Who of the staff is signed in: a cookie of its own, sent to `/staff` only, that no customer's session can be.

Like the customers' it names an epoch, so that signing out ends every copy of it (F129).
"""

from __future__ import annotations

from flask import abort, current_app, g, redirect, request, session, url_for
from flask_login import current_user
from itsdangerous import BadSignature, URLSafeTimedSerializer
from werkzeug.wrappers import Response

from billing import staff_accounts
from billing.errors import NotPermitted
from billing.staff_accounts import StaffView
from web import words as customers_words
from web.errors import error_page
from web.staff import words
from web.staff.blueprint import bp
from web.staff.details import detail_words

COOKIE = "staff_session"
COOKIE_PATH = "/staff"
SESSION_SECONDS = 12 * 3600
"""A working day: afterwards staff sign in anew."""

OPEN_PAGES = frozenset({"staff.sign_in", "staff.enter_code", "staff.set_up"})
"""What a stranger may see here."""


def begin(response: Response, staff: StaffView) -> None:
    """Sign them in with this answer; what was planted in the browser before counts for nothing."""
    session.pop("csrf_token", None)
    response.set_cookie(
        COOKIE,
        _signer().dumps([staff.id, staff.epoch]),
        max_age=SESSION_SECONDS,
        path=COOKIE_PATH,
        secure=current_app.config["SESSION_COOKIE_SECURE"],
        httponly=True,
        samesite="Lax",
    )


def end(response: Response) -> None:
    """Sign them out, here and wherever else they are signed in."""
    staff_accounts.end_sessions(signed_in().id)
    response.delete_cookie(COOKIE, path=COOKIE_PATH)


def is_signed_in() -> bool:
    """Whether somebody of the staff makes this request."""
    return g.staff is not None


def signed_in() -> StaffView:
    """Who makes this request; only for pages behind the guard."""
    staff: StaffView = g.staff
    return staff


@bp.before_request
def _let_in() -> Response | None:
    """Strangers are asked to sign in; whoever is a customer, or sends a form, finds nothing here (F133)."""
    g.staff = _read_cookie()
    if g.staff is not None or request.endpoint in OPEN_PAGES:
        return None
    start_page = request.endpoint == "staff.search"
    if request.method not in ("GET", "HEAD") or (current_user.is_authenticated and not start_page):
        abort(404)
    return redirect(url_for("staff.sign_in", next=request.full_path.removesuffix("?")), 303)


@bp.errorhandler(NotPermitted)
def _refuse(_error: NotPermitted) -> Response:
    return error_page(403)


@bp.context_processor
def _for_templates() -> dict[str, object]:
    return {"staff": g.get("staff"), "words": customers_words, "staff_words": words, "detail_words": detail_words}


def _read_cookie() -> StaffView | None:
    try:
        staff_id, epoch = _signer().loads(request.cookies.get(COOKIE, ""), max_age=SESSION_SECONDS)
    except (BadSignature, ValueError, TypeError):
        return None
    return staff_accounts.signed_in(staff_id, epoch)


def _signer() -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(current_app.config["SECRET_KEY"], salt="staff session")
