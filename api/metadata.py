"""Metadata: what an app wants to find again on its entries. Any JSON object, of bounded size and exact."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any

from billing import money

MAX_CHARACTERS = 4000
MAX_DEPTH = 4
_MAX_INTEGER = 2**63 - 1
_MAX_DIGITS = 15
"""So many digits every reader of JSON keeps exactly."""

UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
"""A NUL and half a surrogate pair: one engine would take them, the other refuses."""


def read_metadata(value: Any) -> dict[str, Any]:
    """The metadata that may be stored; raises `ValueError`, which says what is allowed."""
    if not isinstance(value, dict):
        raise ValueError("expected an object")
    found = _read(value, MAX_DEPTH)
    assert isinstance(found, dict)
    if len(money.dumps(found)) > MAX_CHARACTERS:
        raise ValueError(f"expected at most {MAX_CHARACTERS} characters of JSON")
    return found


def _read(value: Any, depth: int) -> Any:
    if isinstance(value, dict | list) and depth == 0:
        raise ValueError(f"expected at most {MAX_DEPTH} levels")
    if isinstance(value, dict):
        return {_read(key, depth): _read(item, depth - 1) for key, item in value.items()}
    if isinstance(value, list):
        return [_read(item, depth - 1) for item in value]
    if isinstance(value, str) and UNSTORABLE.search(value):
        raise ValueError("contains a character that is not allowed")
    if isinstance(value, int) and abs(value) > _MAX_INTEGER:
        raise ValueError("expected whole numbers of at most 64 bits")
    if isinstance(value, Decimal):
        return _read_fraction(value)
    return value


def _read_fraction(value: Decimal) -> float:
    if len(value.as_tuple().digits) > _MAX_DIGITS or not -_MAX_DIGITS <= value.adjusted() <= _MAX_DIGITS:
        raise ValueError(f"expected numbers of at most {_MAX_DIGITS} digits")
    return float(value)
