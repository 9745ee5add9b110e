"""One table of the catalog file, read key by key; every mistake is noted with its line, and reading goes on.

So somebody who edits the catalog sees all that is wrong at once. What a getter returns after a mistake is a
stand-in that nobody uses: a catalog with mistakes is never handed out.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from decimal import Decimal
from difflib import get_close_matches
from fractions import Fraction
from functools import partial
from typing import Any, TypeVar

from billing.catalog.findings import Findings
from billing.catalog.lines import KeyPath
from billing.catalog.model import Text
from billing.errors import InvalidAmount
from billing.money import MAX_MOVE, MICRO, parse_credits, parse_money, parse_scaled

LOCALES = ("en", "es", "es_MX")
"""Languages that texts may be given in."""

MAX_NAME_LENGTH = 100
MAX_TEXT_LENGTH = 1000

_ID = re.compile(r"[a-z0-9._-]{1,64}")
_MODEL = re.compile(r"[A-Za-z0-9._:/@-]{1,128}")
_Choice = TypeVar("_Choice", bound=str)
_Exact = TypeVar("_Exact", int, Fraction)


class Table:
    """Reads the keys of one table. Call `close()` at the end: it notes the keys that nobody asked for."""

    def __init__(self, findings: Findings, path: KeyPath, values: Mapping[str, Any]) -> None:
        self._findings = findings
        self._values = values
        self._known: dict[str, None] = {}  # in the order of reading, for suggestions
        self.path = path

    def __contains__(self, key: str) -> bool:
        return key in self._values

    def knows(self, key: str) -> bool:
        """Whether an optional key is there; from now on it counts as known."""
        self._known[key] = None
        return key in self._values

    def wrong(self, key: str, message: str) -> None:
        """Note a mistake at a key of this table."""
        self._findings.wrong((*self.path, key), message)

    def wrong_altogether(self, message: str) -> None:
        """Note a mistake of the table itself."""
        self._findings.wrong(self.path, message)

    def close(self) -> None:
        """Refuse unknown keys, naming the nearest known one: a misspelt key must not silently do nothing."""
        for key in self._values:
            if key not in self._known:
                self.wrong(key, f"unknown key; {_suggest(key, tuple(self._known))}")

    def _take(self, key: str, expected: str, *, required: bool = False) -> Any:
        """The raw value, or None when it is missing, which is noted if it is required."""
        self._known[key] = None
        if required and key not in self._values:
            self.wrong(key, f"is missing; expected {expected}")
        return self._values.get(key)

    def _refuse(self, key: str, expected: str) -> None:
        self.wrong(key, f"is {_show(self._values[key])}; expected {expected}")

    def text(self, key: str, default: Text | None = None, *, max_length: int = MAX_TEXT_LENGTH) -> Text:
        """Words for people: plain text for every language, or a table `{en = "…", es = "…"}`."""
        value = self._take(key, _expect_words(max_length), required=default is None)
        if value is None:
            return default or Text({})
        return self._text((*self.path, key), value, max_length)

    def texts(self, key: str) -> tuple[Text, ...]:
        """A list of words for people; empty when missing."""
        return tuple(
            self._text((*self.path, key, index), value, MAX_TEXT_LENGTH)
            for index, value in enumerate(self._list(key, "a list of texts"))
        )

    def _text(self, path: KeyPath, value: object, max_length: int) -> Text:
        if isinstance(value, dict) and value:
            for locale in value:
                if locale not in LOCALES:
                    self._findings.wrong((*path, locale), f"unknown language; {_suggest(locale, LOCALES)}")
            words = {locale: self._words((*path, locale), each, max_length) for locale, each in value.items()}
        else:
            words = {"en": self._words(path, value, max_length)}
        text = Text(words)
        self._findings.texts.append((path, text))
        return text

    def _words(self, path: KeyPath, value: object, max_length: int) -> str:
        # Line breaks read well in a description; other control characters have no business in a page.
        if isinstance(value, str) and value.replace("\n", "").isprintable():
            words = value.strip()
            if 0 < len(words) <= max_length:
                return words
        self._findings.wrong(path, f"is {_show(value)}; expected {_expect_words(max_length)}")
        return ""

    def string(self, key: str, *, pattern: str, expected: str, required: bool = False) -> str | None:
        """A string that matches the whole pattern, or None when missing."""
        value = self._take(key, expected, required=required)
        if value is None:
            return None
        if not (isinstance(value, str) and re.fullmatch(pattern, value)):
            self._refuse(key, expected)
            return None
        return value

    def boolean(self, key: str) -> bool:
        """true or false; false when missing."""
        value = self._take(key, "true or false")
        if value is not None and not isinstance(value, bool):
            self._refuse(key, "true or false")
        return value is True

    def integer(self, key: str, default: int | None, *, low: int, high: int) -> int:
        """A whole number from `low` to `high`."""
        expected = f"a whole number from {low} to {high}"
        value = self._take(key, expected, required=default is None)
        if value is None:
            return low if default is None else default
        if not _is_integer(value) or not low <= value <= high:
            self._refuse(key, expected)
            return low
        return int(value)

    def optional_integer(self, key: str, *, low: int, high: int) -> int | None:
        """A whole number from `low` to `high`, or None when missing."""
        present = key in self._values
        value = self.integer(key, low, low=low, high=high)
        return value if present else None

    def choice(self, key: str, options: Sequence[_Choice], default: _Choice | None) -> _Choice:
        """One of a few words."""
        expected = " or ".join(f'"{option}"' for option in options)
        value = self._take(key, expected, required=default is None)
        if value is None:
            return default or options[0]
        for option in options:
            if value == option:
                return option
        self._refuse(key, expected)
        return options[0]

    def credits(self, key: str, default: int | None, *, minimum: int = 0) -> int:
        """A whole number of credits, in micro-credits: what is granted is always whole (R7, R9)."""
        expected = f"a whole number of credits from {minimum // MICRO} to {MAX_MOVE // MICRO}"
        value = self._take(key, expected, required=default is None)
        if value is None:
            return minimum if default is None else default
        if not _is_integer(value) or not minimum <= value * MICRO <= MAX_MOVE:
            self._refuse(key, expected)
            return minimum
        return int(value) * MICRO

    def cost(self, key: str) -> int:
        """What something costs, in micro-credits: up to 6 decimal places, 0 for what is free."""
        value = self._take(key, "a number of credits", required=True)
        return 0 if value is None else self._number(key, value, partial(parse_credits, minimum=0), 0)

    def money(self, key: str, currency: str) -> int:
        """An amount of money above 0, written in major units, in minor units."""
        value = self._take(key, f"an amount of {currency.upper()}", required=True)
        return 1 if value is None else self._number(key, value, partial(parse_money, currency=currency), 1)

    def usd(self, key: str, default: Fraction | None = None, *, zero: bool = False) -> Fraction:
        """An exact number above 0 (or from 0) to 12 places, such as a price per million tokens."""
        value = self._take(key, "a number", required=default is None)
        if value is None:
            return Fraction(1) if default is None else default
        return self._number(key, value, partial(_parse_exact, zero=zero), Fraction(1))

    def _number(
        self, key: str, value: object, parse: Callable[[str | int | Decimal], _Exact], stand_in: _Exact
    ) -> _Exact:
        try:
            if isinstance(value, str | int | Decimal):
                return parse(value)
            raise InvalidAmount("expected a number")
        except InvalidAmount as problem:
            self.wrong(key, f"is {_show(value)}; {problem}")
            return stand_in

    def table(self, key: str) -> Table:
        """A table inside this one; empty when missing. The caller closes it."""
        value = self._take(key, "a table")
        if value is not None and not isinstance(value, dict):
            self._refuse(key, "a table")
            value = None
        return Table(self._findings, (*self.path, key), value or {})

    def items(self, key: str, *, models: bool = False) -> Iterator[tuple[str, Table]]:
        """The tables inside a table, by their ids, in the order of the file."""
        pattern, expected = (
            (_MODEL, "1 to 128 of A-Z a-z 0-9 . _ : / @ -") if models else (_ID, "1 to 64 of a-z 0-9 . _ -")
        )
        outer = self.table(key)
        for item in outer._values:
            if not pattern.fullmatch(item):
                outer.wrong(item, f"is not allowed as a name here; expected {expected}")
            yield item, outer.table(item)

    def rows(self, key: str) -> Iterator[Table]:
        """The tables in an array."""
        for index, value in enumerate(self._list(key, "a list of tables")):
            path = (*self.path, key, index)
            if isinstance(value, dict):
                yield Table(self._findings, path, value)
            else:
                self._findings.wrong(path, f"is {_show(value)}; expected a table in braces")

    def names(self, key: str, known: Sequence[str]) -> tuple[str, ...]:
        """A list of ids that stand elsewhere in the catalog, each once; empty when missing."""
        names: list[str] = []
        for index, value in enumerate(self._list(key, "a list of names")):
            path = (*self.path, key, index)
            if not isinstance(value, str) or value not in known:
                self._findings.wrong(path, f"is {_show(value)}; {_suggest(str(value), known)}")
            elif value in names:
                self._findings.wrong(path, f"is {_show(value)} a second time")
            else:
                names.append(value)
        return tuple(names)

    def _list(self, key: str, expected: str) -> list[Any]:
        value = self._take(key, expected)
        if value is not None and not isinstance(value, list):
            self._refuse(key, expected)
            return []
        return value or []


def _expect_words(max_length: int) -> str:
    return f'1 to {max_length} characters, or {{ en = "…", es = "…" }}'


def _is_integer(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _parse_exact(value: str | int | Decimal, *, zero: bool) -> Fraction:
    """An exact number with at most 12 places; raises `InvalidAmount`."""
    scale, most = 10**12, 10**9
    scaled = parse_scaled(value, 12, most * scale)
    if scaled is None or not (0 if zero else 1) <= scaled <= most * scale:
        raise InvalidAmount(f"expected a number {'from 0' if zero else 'above 0'} to {most}, with at most 12 places")
    return Fraction(scaled, scale)


def _show(value: object) -> str:
    """A value as somebody would write it in TOML, cut short."""
    if isinstance(value, bool):
        return str(value).lower()
    shown = repr(value) if isinstance(value, str) else str(value)
    return shown if len(shown) <= 60 else shown[:59] + "…"


def _suggest(word: str, known: Sequence[str]) -> str:
    near = get_close_matches(word, known, n=1)
    if near:
        return f'did you mean "{near[0]}"?'
    return f"allowed here: {', '.join(known)}" if known else "nothing of that kind is declared"
