"""Where somebody of the staff goes after signing in."""

from __future__ import annotations

from flask import request, url_for

from web.redirects import local_path


def destination() -> str:
    """Where they were going, if that is a page of staff (F138)."""
    start = url_for("staff.search")
    wished = local_path(request.values.get("next"), start)
    return wished if wished.startswith((f"{start}/", f"{start}?")) else start
