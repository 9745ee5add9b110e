"""Who is signed in on the customers' pages.

The session cookie names the account and the epoch it was signed in under. Ending an epoch (log-out, a changed
password) ends every cookie of it, also one that was copied (F129); nothing else has to be kept on the server.
"""

from __future__ import annotations

import flask
from flask import Flask, Request, redirect, request, session, url_for
from flask.sessions import SecureCookieSession, SecureCookieSessionInterface, SessionMixin
from flask_login import LoginManager, UserMixin, current_user, login_user, logout_user
from werkzeug.wrappers import Response

from billing import customers
from billing.errors import NotFound
from billing.models import Customer

logins = LoginManager()


class SignedIn(UserMixin):
    """The customer of this request, as it was when the request came in."""

    def __init__(self, customer: Customer) -> None:
        self.account_id = customer.account_id
        self.public_id = customer.public_id
        self.email = customer.email
        self.login_email = customer.login_email
        self.name = customer.name
        self.locale = customer.locale
        self.has_confirmed_email = customer.email_confirmed_at is not None
        self.epoch = customer.session_epoch

    def get_id(self) -> str:
        """What the cookie keeps: account and epoch."""
        return f"customer:{self.account_id}:{self.epoch}"


class _Sessions(SecureCookieSessionInterface):
    """Flask's own, but that the many calls that bring no cookie and need none cost no work for a signature."""

    def open_session(self, app: Flask, request: Request) -> SecureCookieSession | None:
        if self.get_cookie_name(app) not in request.cookies:
            return self.session_class()
        return super().open_session(app, request)

    def save_session(self, app: Flask, session: SessionMixin, response: flask.Response) -> None:
        if session or session.accessed or session.modified:
            super().save_session(app, session, response)


def register(app: Flask) -> None:
    """Let flask-login read customers from the session cookie, and send strangers to the log-in page."""
    app.session_interface = _Sessions()
    # Its `init_app` would do no more than this and look after every request for a "remember me", which there is not.
    app.login_manager = logins  # type: ignore[attr-defined]
    app.jinja_env.globals["current_user"] = current_user
    logins.user_loader(_load)
    logins.unauthorized_handler(_ask_to_log_in)


def sign_in(customer: Customer) -> None:
    """Begin a session of its own: nothing planted in the one before survives."""
    session.clear()
    session.permanent = True
    login_user(SignedIn(customer))


def sign_out() -> None:
    """End this session, and with its epoch every copy of the cookie."""
    customers.end_sessions(current_user.account_id)
    logout_user()
    session.clear()


def forget_session() -> None:
    """Take the cookie away from whoever was signed in; their epoch has ended otherwise."""
    session.clear()


def account_id() -> int:
    """The signed-in customer's account; only for views under `login_required`."""
    number: int = current_user.account_id
    return number


def _load(session_id: str) -> SignedIn | None:
    kind, _, rest = session_id.partition(":")
    number, _, epoch = rest.partition(":")
    if kind != "customer" or not (number.isdecimal() and epoch.isdecimal()):
        return None
    try:
        customer = customers.get(int(number))
    except NotFound:
        return None
    if customer.session_epoch != int(epoch) or customer.erased_at is not None:
        return None
    return SignedIn(customer)


def _ask_to_log_in() -> Response:
    wished = request.full_path.removesuffix("?") if request.method == "GET" else None
    return redirect(url_for("login.form", next=wished), 303)
