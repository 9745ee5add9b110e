"""Door 2: apps, over JSON under `/api/v1`. It translates; every rule is in `billing`."""

from __future__ import annotations

from flask import Flask

# Importing a noun's module puts its calls on the blueprint.
from api import (  # noqa: F401
    access,
    auth,
    balance,
    catalog,
    checkout_sessions,
    credits,
    customers,
    debits,
    docs,
    embed,
    entries,
    errors,
    holds,
    influencer_subscriptions,
    influencers,
    payments,
    portal,
    quotas,
    quotes,
    refunds,
    stats,
    subscriptions,
    usage,
)
from api.blueprint import bp


def register(app: Flask) -> None:
    """Put the calls of CONTRACT 3 on the application."""
    errors.answer_wrong_addresses(app)
    # Keys, not cookies, let somebody in here, so there is nothing that another site could make a browser forge.
    app.extensions["csrf"].exempt(bp)
    app.register_blueprint(bp)
    app.register_blueprint(docs.pages)
