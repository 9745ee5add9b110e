"""Door 3: the customers' pages. Each module is one noun with its template and its test."""

from __future__ import annotations

from flask import Flask
from flask_bootstrap import Bootstrap5

from web import (
    balance,
    change_email,
    checkout,
    confirm_email,
    embed,
    errors,
    forgotten_password,
    formats,
    header,
    health,
    history,
    history_export,
    influencers,
    job,
    locale,
    login,
    packs,
    payments,
    personal_data,
    pictures,
    plans,
    portal,
    preferences,
    security,
    session,
    settings,
    subscriptions,
    usage,
)
from web import register as registration

PAGES = (
    plans,
    packs,
    influencers,
    pictures,
    registration,
    login,
    confirm_email,
    change_email,
    forgotten_password,
    portal,
    balance,
    history,
    history_export,
    subscriptions,
    payments,
    settings,
    personal_data,
    checkout,
    usage,
    job,
    embed,
    preferences,
    health,
)


def register(app: Flask) -> None:
    """Add the pages and all that they stand on: languages, sessions, protection, errors."""
    app.config["BOOTSTRAP_SERVE_LOCAL"] = True
    Bootstrap5(app)
    for part in (security, locale, session, formats, header, errors):
        part.register(app)
    for page in PAGES:
        app.register_blueprint(page.bp)
