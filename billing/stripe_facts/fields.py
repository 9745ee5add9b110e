"""Reading single fields out of Stripe's JSON: typed, bounded, never a float, ids and expanded objects alike.

Everything here raises `Malformed` for what Stripe would never send, so that a lying answer ends as one
clear error and never as a half-read fact.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from billing import clock

MAX_ID_LENGTH = 255
MAX_ADDRESS_LENGTH = 2000
MAX_WHOLE = 2**63 - 1
MAX_TIMESTAMP = 32_503_680_000
"""The year 3000: later times are nonsense, and a period or a grace added to them could leave the calendar."""


class Malformed(ValueError):
    """A payload that is not the Stripe object it claims to be; the text names the field, never a value."""


def section(source: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    """The object under `key`, or an empty one where it is missing, null or only an id."""
    value = source.get(key)
    return value if isinstance(value, Mapping) else {}


def rows(source: Mapping[str, Any], key: str) -> tuple[Mapping[str, Any], ...]:
    """The objects of the list object (`{data: […]}`) or plain list under `key`; none where it is missing."""
    value = source.get(key)
    if isinstance(value, Mapping):
        value = value.get("data")
    if value is None:
        return ()
    if not isinstance(value, list) or not all(isinstance(row, Mapping) for row in value):
        raise Malformed(f"{key} is not a list of objects")
    return tuple(value)


def optional_text(source: Mapping[str, Any], key: str, *, longest: int = MAX_ID_LENGTH) -> str | None:
    """The text under `key`; None where it is missing, null or empty."""
    value = source.get(key)
    if value is None or value == "":
        return None
    if not isinstance(value, str) or len(value) > longest or not is_storable(value):
        raise Malformed(f"{key} is not a text")
    return value


def text(source: Mapping[str, Any], key: str, *, longest: int = MAX_ID_LENGTH) -> str:
    """The text under `key`, which has to be there."""
    value = optional_text(source, key, longest=longest)
    if value is None:
        raise Malformed(f"{key} is missing")
    return value


def reference(source: Mapping[str, Any], key: str) -> str | None:
    """The id under `key`, whether Stripe sent the id or the expanded object; None where there is neither."""
    value = source.get(key)
    if isinstance(value, Mapping):
        return text(value, "id")
    return optional_text(source, key)


def required_reference(source: Mapping[str, Any], key: str) -> str:
    """Like `reference`, for what is always there."""
    value = reference(source, key)
    if value is None:
        raise Malformed(f"{key} is missing")
    return value


def whole(source: Mapping[str, Any], key: str, default: int | None = None) -> int:
    """The integer under `key` (money in minor units, counts); `default` where it is missing or null."""
    value = source.get(key)
    if value is None and default is not None:
        return default
    if isinstance(value, bool) or not isinstance(value, int) or abs(value) > MAX_WHOLE:
        raise Malformed(f"{key} is not a whole number")
    return value


def flag(source: Mapping[str, Any], key: str, default: bool | None = None) -> bool:
    """The boolean under `key`; `default` where it is missing or null."""
    value = source.get(key)
    if value is None and default is not None:
        return default
    if not isinstance(value, bool):
        raise Malformed(f"{key} is not true or false")
    return value


def optional_moment(source: Mapping[str, Any], key: str) -> datetime | None:
    """The Unix timestamp under `key` as an aware UTC time; None where it is missing or null."""
    if source.get(key) is None:
        return None
    seconds = whole(source, key)
    if not 0 <= seconds <= MAX_TIMESTAMP:
        raise Malformed(f"{key} is not a time")
    return clock.from_timestamp(seconds)


def moment(source: Mapping[str, Any], key: str) -> datetime:
    """Like `optional_moment`, for what is always there."""
    value = optional_moment(source, key)
    if value is None:
        raise Malformed(f"{key} is missing")
    return value


def currency(source: Mapping[str, Any], key: str = "currency") -> str:
    """The ISO currency under `key` in lower case; empty where there is none yet (an unpriced session)."""
    return (optional_text(source, key, longest=3) or "").lower()


def metadata(source: Mapping[str, Any], key: str = "metadata") -> dict[str, str]:
    """The string pairs under `key`; what is not a storable string is left out."""
    return {
        name: value
        for name, value in section(source, key).items()
        if isinstance(value, str) and is_storable(name) and is_storable(value)
    }


def is_storable(value: str) -> bool:
    """Whether PostgreSQL takes the text too: NUL and lone surrogates pass SQLite and break there."""
    return "\x00" not in value and not any("\ud800" <= char <= "\udfff" for char in value)
