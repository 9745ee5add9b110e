"""Files that a page offers to keep."""

from __future__ import annotations

from collections.abc import Iterator

from flask import Response

from billing.clock import now

TYPES = {"csv": "text/csv; charset=utf-8", "json": "application/json"}


def attachment(lines: Iterator[str], name: str, ending: str) -> Response:
    """An answer that is sent while it is written, and that a browser saves as `saldo-<name>-<day>.<ending>`."""
    filename = f"saldo-{name}-{now():%Y-%m-%d}.{ending}"
    return Response(
        lines,
        content_type=TYPES[ending],
        headers={"Content-Disposition": f'attachment; filename="{filename}"', "Cache-Control": "no-store"},
    )
