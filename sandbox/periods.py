"""Service periods: the boundaries that a price's interval draws from a billing anchor (UTC)."""

from __future__ import annotations

import calendar
from datetime import UTC, datetime
from typing import Any

_FIXED_SECONDS = {"day": 86_400, "week": 7 * 86_400}


def boundary(anchor: int, interval: str, interval_count: int, n: int) -> int:
    """The n-th boundary after the anchor.

    Months keep the anchor's day: Jan 31 → Feb 28 → Mar 31. Everything is counted from the anchor, so no
    short month makes later ones drift.
    """
    if interval in _FIXED_SECONDS:
        return anchor + n * interval_count * _FIXED_SECONDS[interval]
    months = n * interval_count * (12 if interval == "year" else 1)
    start = datetime.fromtimestamp(anchor, UTC)
    year, month0 = divmod(start.year * 12 + start.month - 1 + months, 12)
    day = min(start.day, calendar.monthrange(year, month0 + 1)[1])
    return int(start.replace(year=year, month=month0 + 1, day=day).timestamp())


def next_boundary(anchor: int, recurring: dict[str, Any], after: int) -> int:
    """The first boundary later than ``after`` for a price's ``recurring`` part."""
    interval, count = recurring["interval"], recurring["interval_count"]
    shortest = {"day": 86_400, "week": 604_800, "month": 28 * 86_400, "year": 365 * 86_400}[interval] * count
    n = max(0, (after - anchor) // (shortest * 2))
    while boundary(anchor, interval, count, n) <= after:
        n += 1
    return boundary(anchor, interval, count, n)
