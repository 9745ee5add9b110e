"""`GET /api/v1/openapi.json` for programs, and `/docs` for people: the same description."""

from __future__ import annotations

from functools import cache
from itertools import groupby

from flask import Blueprint, Response, current_app, render_template

from api.auth import public
from api.blueprint import bp
from api.openapi import CALLS, Call, document
from api.openapi.page import described, objects
from billing import money

pages = Blueprint("docs", __name__)


@bp.get("/openapi.json")
@public
def show_openapi() -> Response:
    """All calls as OpenAPI 3.1."""
    return Response(_written(), mimetype="application/json")


@cache
def _written() -> str:
    return money.dumps(document())


@pages.get("/docs")
def show_docs() -> str:
    """Every call with its fields, answers and errors, as a page that needs neither script nor network."""
    origin = current_app.config["SETTINGS"].public_url
    rooms = groupby(sorted(CALLS, key=_order), key=lambda call: call.room)
    return render_template(
        "api/docs.html",
        rooms=[(room, [described(call, origin) for call in calls]) for room, calls in rooms],
        objects=objects(),
    )


def _order(call: Call) -> int:
    """Rooms in the order of their first call."""
    return next(number for number, other in enumerate(CALLS) if other.room == call.room)
