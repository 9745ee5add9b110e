"""Reading a JSON body so that it means one thing only: exact numbers, no duplicate keys, no unknown fields."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection
from datetime import datetime
from decimal import Decimal
from typing import Any, TypeVar

from flask import request

from api.errors import InvalidFields, Malformed, UnsupportedMediaType
from api.metadata import UNSTORABLE, read_metadata
from api.times import read_moment
from billing import money
from billing.errors import InvalidAmount

MAX_COUNT = 10**9
"""The most that a count may be: units, tokens, quantities."""

_FIELDS = "saldo.fields"

_Value = TypeVar("_Value")


class Body:
    """The fields of a request; problems are collected, so that the caller hears of all at once.

    Every reader answers None for a field that is absent or null, and for one that it refuses.
    """

    def __init__(self, fields: dict[str, Any], allowed: Collection[str], prefix: str = "") -> None:
        self._fields = fields
        self._prefix = prefix
        self._problems: dict[str, str] = {}
        for name in fields:
            if name not in allowed:
                self.refuse(name[:64], "unknown field")

    def __contains__(self, name: str) -> bool:
        """Whether the field was sent, be it as null."""
        return name in self._fields

    def gives(self, *names: str) -> list[str]:
        """Which of these fields were sent with a value; null is none."""
        return [name for name in names if self._fields.get(name) is not None]

    def text(
        self, name: str, *, required: bool = False, longest: int = 255, pattern: re.Pattern[str] | None = None
    ) -> str | None:
        """A text field."""
        value = self._value(name, required)
        if value is None:
            return None
        if not isinstance(value, str):
            self.refuse(name, "expected text")
            return None
        if not 1 <= len(value) <= longest:
            self.refuse(name, f"expected 1 to {longest} characters")
            return None
        if UNSTORABLE.search(value):
            self.refuse(name, "contains a character that is not allowed")
            return None
        if pattern is not None and not pattern.fullmatch(value):
            self.refuse(name, f"expected to match {pattern.pattern}")
            return None
        return value

    def choice(self, name: str, allowed: Collection[str], *, required: bool = False) -> str | None:
        """A text field that takes a few values only."""
        value = self.text(name, required=required)
        if value is not None and value not in allowed:
            self.refuse(name, f"expected one of {', '.join(sorted(allowed))}")
            return None
        return value

    def count(self, name: str, *, required: bool = False, least: int = 1, most: int = MAX_COUNT) -> int | None:
        """A whole number, written without a point."""
        value = self._value(name, required)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
            self.refuse(name, f"expected a whole number from {least} to {most}")
            return None
        return value

    def credits(self, name: str, *, required: bool = False, least: int = 1, most: int = money.MAX_MOVE) -> int | None:
        """A number of credits as micro-credits, exact (R1)."""
        value = self._value(name, required)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int | Decimal):
            self.refuse(name, "expected a number")
            return None
        try:
            return money.parse_credits(value, minimum=least, maximum=most)
        except InvalidAmount as error:
            self.refuse(name, str(error))
            return None

    def flag(self, name: str) -> bool | None:
        """True or false."""
        value = self._value(name, required=False)
        if value is not None and not isinstance(value, bool):
            self.refuse(name, "expected true or false")
            return None
        return value

    def moment(self, name: str) -> datetime | None:
        """A time with its zone."""
        return self.read(name, read_moment)

    def metadata(self, name: str) -> dict[str, Any] | None:
        """An object of the app's own, of bounded size."""
        value = self._value(name, required=False)
        return None if value is None else self._try(name, read_metadata, value)

    def items(self, name: str, *allowed: str, most: int) -> list[Body]:
        """A list of 1 to `most` objects, each with its own fields; their problems are this body's."""
        value = self._value(name, required=True)
        if value is None:
            return []
        if not isinstance(value, list) or not 1 <= len(value) <= most:
            self.refuse(name, f"expected a list of 1 to {most} objects")
            return []
        found = []
        for number, each in enumerate(value):
            if isinstance(each, dict):
                item = Body(each, allowed, f"{self._prefix}{name}[{number}].")
                self._problems |= item._problems
                item._problems = self._problems
                found.append(item)
            else:
                self.refuse(f"{name}[{number}]", "expected an object")
        return found

    def read(self, name: str, convert: Callable[[str], _Value]) -> _Value | None:
        """A text field that a rule reads; what the rule raises as `ValueError` is this field's problem."""
        value = self.text(name)
        return None if value is None else self._try(name, convert, value)

    def refuse(self, name: str, message: str) -> None:
        """Note what is wrong with a field."""
        self._problems.setdefault(f"{self._prefix}{name}", message)

    def check(self) -> None:
        """Raises `InvalidFields` when anything was wrong."""
        if self._problems:
            raise InvalidFields(self._problems)

    def _value(self, name: str, required: bool) -> Any:
        value = self._fields.get(name)
        if value is None and required:
            self.refuse(name, "is required")
        return value

    def _try(self, name: str, convert: Callable[[Any], _Value], value: Any) -> _Value | None:
        try:
            return convert(value)
        except ValueError as error:
            self.refuse(name, str(error))
            return None


def read_body(*allowed: str, optional: bool = False) -> Body:
    """The body of this request; one that is `optional` may be missing.

    Raises `UnsupportedMediaType` and `Malformed`.
    """
    fields = read_fields()
    if optional and not request.get_data():
        return Body({}, allowed)
    if fields is None and not request.is_json:
        raise UnsupportedMediaType()
    if not isinstance(fields, dict):
        raise Malformed()
    return Body(fields, allowed)


def read_fields() -> Any:
    """What the body says, read once in a request; None when there is none. Raises as `read_body` does."""
    if _FIELDS not in request.environ:
        request.environ[_FIELDS] = _parse(request.get_data())
    return request.environ[_FIELDS]


def _parse(data: bytes) -> Any:
    if not data:
        return None
    if not request.is_json:
        raise UnsupportedMediaType()
    try:
        return _decode(data.decode("utf-8"))
    except (ValueError, ArithmeticError, RecursionError):
        raise Malformed() from None


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def _refuse_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    fields = dict(pairs)
    if len(fields) != len(pairs):
        raise ValueError("a key twice")
    return fields


_decode = json.JSONDecoder(
    parse_float=Decimal, parse_constant=_refuse_constant, object_pairs_hook=_refuse_duplicates
).decode
