"""The one blueprint of this door; each noun's module puts its calls on it."""

from __future__ import annotations

from flask import Blueprint

bp = Blueprint("api", __name__, url_prefix="/api/v1")
