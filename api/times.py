"""Times as apps write them: RFC 3339, with their zone."""

from __future__ import annotations

import re
from datetime import UTC, datetime

_TIME = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d{1,6})?([Zz]|[+-]\d\d:\d\d)", re.ASCII)


def read_moment(text: str) -> datetime:
    """The moment that a text names; raises `ValueError`, which says what is allowed."""
    try:
        if not _TIME.fullmatch(text):
            raise ValueError(text)
        at = datetime.fromisoformat(text.upper())
        return at.astimezone(UTC)  # a zone can push a time at the calendar's edge beyond it
    except (ValueError, OverflowError):
        raise ValueError("expected a time such as 2026-11-24T18:00:00Z") from None
