"""The application: the only place that knows every door and wires each to its settings."""

from __future__ import annotations

import secrets

import structlog
from flask import Flask, Response, g
from flask_migrate import Migrate
from werkzeug.middleware.proxy_fix import ProxyFix

import api
import commands
import web
import web.staff
import webhooks
import worker
from billing import catalog, clock, stripe_gateway
from billing.db import db
from config import ROOT, Settings, load_settings

MAX_REQUEST_BYTES = 1024 * 1024
"""The largest body any door reads; what is longer is answered 413 before it is parsed."""


def create_app(settings: Settings | None = None) -> Flask:
    """The Flask application for `settings` (default: those of the environment).

    Raises `SettingsError` or `CatalogError`, each naming what is wrong, so that a server on a wrong setting
    never starts.
    """
    settings = settings or load_settings()
    app = Flask("saldo", root_path=str(ROOT))
    app.config.update(_flask_config(settings))
    app.wsgi_app = ProxyFix(  # type: ignore[method-assign]
        app.wsgi_app, x_for=settings.trusted_proxies, x_proto=settings.trusted_proxies, x_host=0, x_prefix=0
    )
    clock.configure(settings.test_clock_file)
    catalog.configure(catalog.load_catalog(settings.catalog))
    stripe_gateway.configure(settings)
    db.init_app(app)
    Migrate(app, db, directory=str(ROOT / "migrations"), render_as_batch=True)
    _number_requests(app)
    # The pages come first: they bring the protection against forged forms that other doors ask to be left out of.
    for door in (web, web.staff, webhooks, api, commands, worker):
        door.register(app)
    return app


def _flask_config(settings: Settings) -> dict[str, object]:
    return {
        "SETTINGS": settings,
        "SECRET_KEY": settings.secret_key.get_secret_value(),
        "SQLALCHEMY_DATABASE_URI": settings.database_url.get_secret_value(),
        "SQLALCHEMY_ENGINE_OPTIONS": {"pool_pre_ping": True},
        "MAX_CONTENT_LENGTH": MAX_REQUEST_BYTES,
        "MAX_FORM_MEMORY_SIZE": MAX_REQUEST_BYTES,
    }


def _number_requests(app: Flask) -> None:
    """Give each request an id that its log lines, its answer's header and its error page share."""

    @app.before_request
    def begin() -> None:
        g.request_id = f"req_{secrets.token_hex(10)}"
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(request_id=g.request_id)

    @app.after_request
    def sign(response: Response) -> Response:
        if "request_id" in g:
            response.headers["X-Request-Id"] = g.request_id
        return response
