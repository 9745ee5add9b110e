"""JSON as this door writes it: exact numbers, times in UTC, lists in pages."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, TypeVar

from flask import Response

from billing import clock, money
from billing.errors import InvalidCursor

_Item = TypeVar("_Item")


def answer(body: object, status: int = 200) -> Response:
    """An answer in JSON; Decimals are written digit for digit (R1)."""
    return Response(money.dumps(body), status, mimetype="application/json")


def credits(micro: int) -> object:
    """Micro-credits as a JSON number of credits: `25`, `0.003`."""
    return money.credits_to_json(micro)


def time(at: datetime | None) -> str | None:
    """A time as RFC 3339 in UTC, or null."""
    return None if at is None else clock.to_rfc3339(at)


def page(data: Sequence[object], next_cursor: str | None) -> Response:
    """One page of a list."""
    return answer({"data": list(data), "next_cursor": next_cursor})


def page_of(
    items: Sequence[_Item],
    *,
    id_of: Callable[[_Item], str],
    write: Callable[[_Item], dict[str, Any]],
    limit: int,
    cursor: str | None,
) -> Response:
    """A page out of a list that is short enough to be read as a whole (one customer's payments).

    The cursor names the last item seen; raises `InvalidCursor` unless that is in this very list.
    """
    start = 0
    if cursor is not None:
        ids = [id_of(item) for item in items]
        last = _decode(cursor)
        if last not in ids:
            raise InvalidCursor()
        start = ids.index(last) + 1
    shown = items[start : start + limit]
    more = start + limit < len(items)
    return page([write(item) for item in shown], _encode(id_of(shown[-1])) if more else None)


def _encode(item_id: str) -> str:
    return base64.urlsafe_b64encode(item_id.encode()).decode().rstrip("=")


def _decode(cursor: str) -> str:
    try:
        return base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True).decode()
    except (binascii.Error, ValueError):
        raise InvalidCursor() from None
