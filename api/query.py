"""Reading the query of a list: how much, from where, between which times."""

from __future__ import annotations

import re
from collections.abc import Collection
from datetime import datetime

from flask import request

from api.errors import InvalidFields
from api.times import read_moment

MAX_LIMIT = 100
DEFAULT_LIMIT = 50

_LIMIT = re.compile(r"[0-9]{1,4}", re.ASCII)


def limit() -> int:
    """How many items the page may have: 1 to 100."""
    value = request.args.get("limit", str(DEFAULT_LIMIT))
    if not _LIMIT.fullmatch(value) or not 1 <= int(value) <= MAX_LIMIT:
        raise InvalidFields({"limit": f"expected a whole number from 1 to {MAX_LIMIT}"})
    return int(value)


def text(name: str, longest: int = 255) -> str | None:
    """A value to look for, exactly."""
    value = request.args.get(name)
    if value is not None and (not 1 <= len(value) <= longest or "\x00" in value):
        raise InvalidFields({name: f"expected 1 to {longest} characters"})
    return value


def choice(name: str, allowed: Collection[str]) -> str | None:
    """One of a few values."""
    value = request.args.get(name)
    if value is not None and value not in allowed:
        raise InvalidFields({name: f"expected one of {', '.join(sorted(allowed))}"})
    return value


def moment(name: str) -> datetime | None:
    """A time with its zone, RFC 3339."""
    value = request.args.get(name)
    if value is None:
        return None
    try:
        return read_moment(value)
    except ValueError as error:
        raise InvalidFields({name: str(error)}) from None
