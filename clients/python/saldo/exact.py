"""Exact numbers and times in JSON: credits are Decimals, never floats."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

Credits = int | str | Decimal
"""How an app may write an amount of credits: `5`, `"0.25"`, `Decimal("0.25")`; a float is refused."""


def credits(value: Any) -> Decimal:
    """An amount as Decimal. Raises `TypeError` for a float or boolean, `ValueError` for what is no number."""
    if isinstance(value, bool | float) or not isinstance(value, int | str | Decimal):
        raise TypeError(f"credits are exact: write an int, text or Decimal, not {type(value).__name__}")
    try:
        amount = Decimal(value)
    except ArithmeticError:
        raise ValueError(f"{value!r} is no number of credits") from None
    if not amount.is_finite():
        raise ValueError(f"{value!r} is no number of credits")
    return amount


def moment(value: str | None) -> datetime | None:
    """A time of Saldo's, which is RFC 3339 in UTC."""
    return None if value is None else datetime.fromisoformat(value)


def write_moment(at: datetime) -> str:
    """A time as Saldo reads it. Raises `ValueError` for one without a zone: it would be somebody's guess."""
    if at.tzinfo is None:
        raise ValueError("a time needs its zone: datetime.now(UTC)")
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")


def dumps(value: Any) -> str:
    """JSON in which a Decimal is written digit for digit."""
    if isinstance(value, Decimal):
        return format(credits(value), "f")
    if isinstance(value, datetime):
        return json.dumps(write_moment(value))
    if isinstance(value, Mapping):
        return "{" + ",".join(f"{json.dumps(str(key))}:{dumps(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ",".join(map(dumps, value)) + "]"
    return json.dumps(value, allow_nan=False)


def loads(text: str | bytes) -> Any:
    """JSON with fractions as they were written."""
    return json.loads(text, parse_float=Decimal)
