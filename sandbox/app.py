"""Puts the sandbox together: API, control API and pages over one world."""

from __future__ import annotations

from flask import Flask, abort, request

from sandbox import control, pages
from sandbox.billing.advancing import tick
from sandbox.protocol import http
from sandbox.resources import ROUTES
from sandbox.resources.webhook_endpoints import ensure_default_endpoint
from sandbox.settings import Settings, is_loopback
from sandbox.world import World

_LARGEST_REQUEST = 1 << 20


def create_app(settings: Settings) -> Flask:
    """The sandbox as a WSGI application; its world is ``app.extensions["sandbox"]``.

    The caller starts and stops ``world.sender``, see :mod:`sandbox.server`.
    """
    app = Flask(__name__, template_folder="pages/templates", static_folder="pages/static")
    app.config["MAX_CONTENT_LENGTH"] = _LARGEST_REQUEST
    world = World.create(settings)
    app.extensions["sandbox"] = world
    ensure_default_endpoint(world)

    @app.before_request
    def keep_to_this_machine() -> None:
        host = request.host.rpartition(":")[0] if not request.host.endswith("]") else request.host
        name = (host or request.host).strip("[]")
        if not is_loopback(name) or (request.remote_addr and not is_loopback(request.remote_addr)):
            abort(403, "The sandbox serves this machine only.")

    @app.before_request
    def catch_up() -> None:
        tick(world)

    app.register_blueprint(http.blueprint(world, ROUTES))
    app.register_blueprint(control.blueprint(world))
    app.register_blueprint(pages.blueprint(world))
    return app
