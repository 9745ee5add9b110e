"""Door 4: the pages of those who help customers, under `/staff`. Each module is one noun with its templates."""

from __future__ import annotations

from flask import Flask

# Importing a noun's module puts its pages on the blueprint.
from web.staff import (  # noqa: F401
    approvals,
    audit,
    books,
    by_hand,
    customers,
    grants,
    inbox,
    keys,
    limits,
    login,
    pictures,
    refunds,
    search,
    second_factor,
    session,
    stripe,
    usage,
)
from web.staff.blueprint import bp


def register(app: Flask) -> None:
    """Add the pages of staff."""
    app.register_blueprint(bp)
