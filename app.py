"""The application: the only place that knows every door and wires each to its settings."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from typing import Any

import structlog
from flask import Flask, Response, g, request
from flask_migrate import Migrate
from werkzeug.middleware.proxy_fix import ProxyFix

import api
import commands
import metrics
import web
import web.staff
import webhooks
import worker
from billing import catalog, clock, enforcement, limits, remembered, stripe_gateway
from billing.db import db
from config import ROOT, Settings, load_settings

MAX_REQUEST_BYTES = 1024 * 1024
"""The largest body any door reads; what is longer is answered 413 before it is parsed."""

MAX_HEARD_OUT_BYTES = 8 * MAX_REQUEST_BYTES
"""How much of what is too long is taken in all the same."""


def create_app(settings: Settings | None = None) -> Flask:
    """The Flask application for `settings` (default: those of the environment).

    Raises `SettingsError` or `CatalogError`, each naming what is wrong, so that a server on a wrong setting
    never starts.
    """
    settings = settings or load_settings()
    app = _App("saldo", root_path=str(ROOT))
    app.config.update(_flask_config(settings))
    if settings.trusted_proxies:
        app.wsgi_app = ProxyFix(  # type: ignore[method-assign]
            app.wsgi_app, x_for=settings.trusted_proxies, x_proto=settings.trusted_proxies, x_host=0, x_prefix=0
        )
    remembered.configure()
    clock.configure(settings.test_clock_file)
    catalog.configure(catalog.load_catalog(settings.catalog))
    enforcement.configure(settings.enforcement)
    stripe_gateway.configure(settings)
    limits.configure(
        limits.RefundLimits(
            typed_above=settings.refund_typed_above,
            alone=settings.refund_alone_max,
            alone_per_day=settings.refund_alone_day_max,
            times_per_day=settings.refund_alone_day_count,
        )
    )
    db.init_app(app)
    Migrate(app, db, directory=str(ROOT / "migrations"), render_as_batch=True)
    _follow_requests(app)
    _hear_out(app)
    # The pages come first: they bring the protection against forged forms that other doors ask to be left out of.
    for door in (web, web.staff, webhooks, api, commands, worker):
        door.register(app)
    return app


class _App(Flask):
    """Flask, without its look at every function of every request whether it is a coroutine: none is."""

    def ensure_sync(self, func: Callable[..., Any]) -> Callable[..., Any]:
        return func


def _flask_config(settings: Settings) -> dict[str, object]:
    return {
        "SETTINGS": settings,
        "SECRET_KEY": settings.secret_key.get_secret_value(),
        "SQLALCHEMY_DATABASE_URI": settings.database_url.get_secret_value(),
        "MAX_CONTENT_LENGTH": MAX_REQUEST_BYTES,
        "MAX_FORM_MEMORY_SIZE": MAX_REQUEST_BYTES,
    }


def _follow_requests(app: Flask) -> None:
    """Give each request an id that its log lines, its answer's header and its error page share; and count it.

    What is counted: by door, status and time (`/metrics`).
    """

    @app.before_request
    def begin() -> None:
        g.began = time.perf_counter()
        g.request_id = f"req_{secrets.token_hex(10)}"
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(request_id=g.request_id)

    @app.after_request
    def end(response: Response) -> Response:
        if "began" in g:
            response.headers["X-Request-Id"] = g.request_id
            metrics.observe_request(_door(), response.status_code, time.perf_counter() - g.began)
        return response


def _hear_out(app: Flask) -> None:
    """Take in, and drop, what was too long: whoever still sends when the line is cut never hears why."""

    @app.after_request
    def drop(response: Response) -> Response:
        if response.status_code == 413 and request.environ.get("wsgi.input_terminated"):
            left = MAX_HEARD_OUT_BYTES
            while left > 0 and (read := request.environ["wsgi.input"].read(min(left, 65536))):
                left -= len(read)
        return response


def _door() -> str:
    """Which door answers: by the address, so that what is found nowhere counts, too."""
    if request.blueprint == "health" or (request.endpoint or "").endswith("static"):
        return "other"
    first = request.path.split("/")[1]
    return first if first in ("api", "staff", "webhooks") else "pages"
