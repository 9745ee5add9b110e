"""Who calls: the app whose key came along, and whether that key has the scope the call needs (CONTRACT 3)."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from flask import current_app, g, request

from api import rate_limits
from api.blueprint import bp
from api.errors import MissingScope, Unauthenticated
from billing import api_keys

SPENDING_ROOMS = frozenset({"debits", "holds", "usage"})
"""First part of the path of calls that spend credits."""

_View = TypeVar("_View", bound=Callable[..., object])


def public(view: _View) -> _View:
    """Mark a call that needs no key: what is for sale is no secret."""
    view.is_public = True  # type: ignore[attr-defined]
    return view


def scope_needed(method: str, path: str) -> str:
    """The scope that a call needs, by its method and its path below `/api/v1/`."""
    room = path.split("/", 1)[0]
    if room == "refunds":
        return "refunds:write"
    if method in ("GET", "HEAD", "OPTIONS") or room == "quotes":
        return "credits:read"
    return "credits:spend" if room in SPENDING_ROOMS else "billing:write"


def actor() -> str:
    """How entries and records name the app that calls."""
    return f"app:{g.api_key.app}"


@bp.before_request
def _let_in() -> None:
    """Raises `Unauthenticated`, `MissingScope` or `TooManyRequests`; cookies count for nothing here."""
    if getattr(current_app.view_functions[request.endpoint or ""], "is_public", False):
        rate_limits.count_address()
        return
    scheme, _, secret = request.headers.get("Authorization", "").partition(" ")
    key = api_keys.authenticate(secret.strip()) if scheme.lower() == "bearer" and secret else None
    if key is None:
        rate_limits.count_address()
        raise Unauthenticated()
    rate_limits.count_key(key.id)
    scope = scope_needed(request.method, request.path.removeprefix(f"{bp.url_prefix}/"))
    if scope not in key.scopes:
        raise MissingScope(f"This API key does not have the scope {scope}.")
    g.api_key = key
