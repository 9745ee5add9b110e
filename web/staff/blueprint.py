"""The one blueprint of this door; `session` guards all of it."""

from __future__ import annotations

from flask import Blueprint, abort, request

bp = Blueprint("staff", __name__, url_prefix="/staff")


@bp.before_request
def _refuse_nul() -> None:
    """No name, id or note has a NUL in it, and PostgreSQL would stumble over one."""
    if "\x00" in request.path:
        abort(404)
    if any("\x00" in value for value in request.values.values()):
        abort(400)
