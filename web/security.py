"""What every answer carries so that a browser helps: headers, cookie rules, CSRF; and no redirect by the router."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from flask import Flask, abort, g, request
from flask_wtf import CSRFProtect

from config import Settings

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

STRIPE_PAGES = ("https://checkout.stripe.com", "https://billing.stripe.com")
"""Where our forms may end up: a browser checks `form-action` again after the redirect that answers a POST."""

csrf = CSRFProtect()


def register(app: Flask) -> None:
    """Protect every form, keep cookies from scripts and other sites, and add the headers to every answer."""
    settings: Settings = app.config["SETTINGS"]
    secure = settings.public_url.startswith("https://")
    app.config.update(
        SESSION_COOKIE_NAME="session",
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_SECURE=secure,
        PERMANENT_SESSION_LIFETIME=timedelta(days=14),
        WTF_CSRF_TIME_LIMIT=None,  # as long as the session, so that a page left open overnight still works
    )
    # To merge slashes the router redirects to the host that it was asked for, whoever claimed that name (F138).
    app.url_map.merge_slashes = False
    _answer_in_own_name(app, urlsplit(settings.public_url).netloc)
    csrf.init_app(app)
    app.before_request(_refuse_nul)
    _send_along(app, _headers(settings, secure))


def _send_along(app: Flask, ours: dict[str, str]) -> None:
    """Add these headers to every answer that does not say something else by them, whoever made it."""
    inner = app.wsgi_app
    ours_by_name = {name.lower(): (name, value) for name, value in ours.items()}

    def answer(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        def start(status: str, headers: list[tuple[str, str]], *error: Any) -> Callable[[bytes], object]:
            said = {name.lower() for name, _ in headers}
            if "content-security-policy" in said:  # framed by its own rule, which the older header would forbid
                said.add("x-frame-options")
            missing = [header for name, header in ours_by_name.items() if name not in said]
            return start_response(status, headers + missing, *error)

        return inner(environ, start)

    app.wsgi_app = answer  # type: ignore[method-assign]


def _answer_in_own_name(app: Flask, host: str) -> None:
    """Let `Host` say what PUBLIC_URL says: what a request claims is repeated nowhere, and cannot even be wrong."""
    inner = app.wsgi_app

    def in_own_name(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        environ["HTTP_HOST"] = host
        return inner(environ, start_response)

    app.wsgi_app = in_own_name  # type: ignore[method-assign]


def _refuse_nul() -> None:
    """No name, id or note has a use for NUL, which SQLite keeps and PostgreSQL breaks on (F151, F152).

    Only forms that the CSRF check has read are looked into: the bodies of other doors are theirs to read.
    """
    if not request.view_args and not request.query_string and not g.get("csrf_valid"):
        return
    asked = [*(request.view_args or {}).values(), *(value for _, value in request.args.items(multi=True))]
    if any("\x00" in str(value) for value in asked):
        abort(404)
    if g.get("csrf_valid") and any("\x00" in value for _, value in request.form.items(multi=True)):
        abort(400)


def checkout_origins(settings: Settings) -> tuple[str, ...]:
    """The origins of the payment pages: Stripe's, or in their place those of a stand-in for Stripe."""
    return (settings.stripe_api_base,) if settings.stripe_api_base else STRIPE_PAGES


def content_security_policy(settings: Settings, frame_ancestors: str = "'none'") -> str:
    """What a page may load, and who may put it into a frame: nobody, or the site that an embedded page is for."""
    policy = {
        "default-src": "'none'",
        "script-src": "'self'",
        "style-src": "'self'",
        "img-src": "'self' data:",
        "font-src": "'self'",
        "connect-src": "'self'",
        "form-action": " ".join(("'self'", *checkout_origins(settings))),
        "frame-ancestors": frame_ancestors,
        "base-uri": "'none'",
    }
    return "; ".join(f"{name} {value}" for name, value in policy.items())


def _headers(settings: Settings, secure: bool) -> dict[str, str]:
    headers = {
        "Content-Security-Policy": content_security_policy(settings),
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "DENY",
        "Referrer-Policy": "same-origin",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=()",
        # Balances, e-mails and exports stay out of caches, of disks, and of the back button after logging out; files
        # that may be kept say so themselves.
        "Cache-Control": "no-store",
    }
    if secure:
        headers["Strict-Transport-Security"] = "max-age=31536000"
    return headers
