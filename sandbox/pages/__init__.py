"""The pages: hosted payment page, hosted invoice, customer portal, dashboard."""

from __future__ import annotations

from flask import Blueprint

from sandbox.world import World


def blueprint(world: World) -> Blueprint:
    """All pages."""
    return Blueprint("pages", __name__)
