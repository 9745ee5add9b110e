"""Reading a JSON body so that it means one thing only: exact numbers, no duplicate keys, no unknown fields."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection
from decimal import Decimal
from typing import Any

from flask import request

from api.errors import InvalidFields, Malformed, UnsupportedMediaType

_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
"""A NUL and half a surrogate pair: one engine would take them, the other refuses."""


class Body:
    """The fields of a request; problems are collected, so that the caller hears of all at once."""

    def __init__(self, fields: dict[str, Any], allowed: Collection[str]) -> None:
        self._fields = fields
        self._problems = {name[:64]: "unknown field" for name in fields if name not in allowed}

    def text(
        self, name: str, *, required: bool = False, longest: int = 255, pattern: re.Pattern[str] | None = None
    ) -> str | None:
        """A text field. Null counts as absent."""
        value = self._fields.get(name)
        if value is None:
            if required:
                self.refuse(name, "is required")
            return None
        if not isinstance(value, str):
            self.refuse(name, "expected text")
        elif not 1 <= len(value) <= longest:
            self.refuse(name, f"expected 1 to {longest} characters")
        elif _UNSTORABLE.search(value):
            self.refuse(name, "contains a character that is not allowed")
        elif pattern is not None and not pattern.fullmatch(value):
            self.refuse(name, f"expected to match {pattern.pattern}")
        else:
            return value
        return None

    def choice(self, name: str, allowed: Collection[str]) -> str | None:
        """A text field that takes a few values only."""
        value = self.text(name)
        if value is not None and value not in allowed:
            self.refuse(name, f"expected one of {', '.join(sorted(allowed))}")
        return value

    def read(self, name: str, convert: Callable[[str], str]) -> str | None:
        """A text field that a rule reads; what the rule raises as `ValueError` is this field's problem."""
        value = self.text(name)
        if value is None or name in self._problems:
            return None
        try:
            return convert(value)
        except ValueError as error:
            self.refuse(name, str(error))
            return None

    def refuse(self, name: str, message: str) -> None:
        """Note what is wrong with a field."""
        self._problems.setdefault(name, message)

    def check(self) -> None:
        """Raises `InvalidFields` when anything was wrong."""
        if self._problems:
            raise InvalidFields(self._problems)


def read_body(*allowed: str) -> Body:
    """The body of this request; raises `UnsupportedMediaType` and `Malformed`."""
    if not request.is_json:
        raise UnsupportedMediaType()
    try:
        fields = json.loads(
            request.get_data().decode("utf-8"),
            parse_float=Decimal,
            parse_constant=_refuse_constant,
            object_pairs_hook=_refuse_duplicates,
        )
    except (ValueError, ArithmeticError, RecursionError):
        raise Malformed() from None
    if not isinstance(fields, dict):
        raise Malformed()
    return Body(fields, allowed)


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def _refuse_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    fields = dict(pairs)
    if len(fields) != len(pairs):
        raise ValueError("a key twice")
    return fields
