"""The door for Stripe: one address, which keeps every signed event and books each once."""

from __future__ import annotations

from flask import Flask

from webhooks.views import blueprint


def register(app: Flask) -> None:
    """Mount the door. Stripe has no cookie and no form token, so it is left out of CSRF protection (F008)."""
    csrf = app.extensions.get("csrf")
    if csrf is not None:
        csrf.exempt(blueprint)
    app.register_blueprint(blueprint)
