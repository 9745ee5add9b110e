"""From a CSV or JSON file to rows that make sense by themselves; what does not is named with its line."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from billing import money
from billing.credentials import read_email
from billing.errors import Invalid, InvalidAmount, InvalidEmail

LOCALES = ("en", "es", "es_MX")

MAX_KEY_CHARACTERS = 200

_ID = re.compile(r"[A-Za-z0-9._:@-]{1,128}")
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


class UnreadableFile(Invalid):
    """The file as a whole is not what an import takes."""

    message = "The file is neither CSV with a header nor a JSON list of objects."


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with one field of one row: `row` is its line in CSV, its place in JSON, from 1 on."""

    row: int
    field: str
    message: str

    def __str__(self) -> str:
        return f"row {self.row}: {self.field}: {self.message}"


@dataclass(frozen=True, slots=True)
class Row:
    """One customer, or one more lot of credits of theirs. `key` makes it happen once; `balance` in micro-credits.

    `as_of` is when the earlier system's books were closed: what Stripe collects from then on is ours to grant.
    """

    row: int
    id: str
    key: str
    email: str | None = None
    name: str | None = None
    locale: str | None = None
    balance: int = 0
    expires_at: datetime | None = None
    description: str | None = None
    plan: str | None = None
    stripe_customer: str | None = None
    stripe_subscription: str | None = None
    as_of: datetime | None = None


FIELDS = tuple(name for name in Row.__dataclass_fields__ if name != "row")
"""The columns of CSV and the keys of JSON; only `id` is required."""


def read_rows(data: bytes) -> tuple[list[Row], list[Problem]]:
    """The rows of a file and what is wrong in it. Raises `UnreadableFile`."""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise UnreadableFile("The file is not UTF-8.") from None
    records = _json_records(text) if text.lstrip()[:1] in ("[", "{") else _csv_records(text)
    rows: list[Row] = []
    problems: list[Problem] = []
    keys: dict[str, int] = {}
    for number, record in records:
        row, wrong = _read_row(number, record)
        problems += wrong
        if row is not None:
            first = keys.setdefault(row.key, number)
            if first != number:
                problems.append(Problem(number, "key", f"stands in row {first} already"))
            rows.append(row)
    return rows, problems


def _csv_records(text: str) -> Iterator[tuple[int, dict[str, Any]]]:
    head = text.split("\n", 1)[0]
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=";" if ";" in head else ",", strict=True)
    try:
        columns = [name.strip().lower() for name in next(reader, [])]
        unknown = sorted(set(columns) - set(FIELDS))
        if "id" not in columns or unknown or len(set(columns)) < len(columns):
            raise UnreadableFile(f"The first line names the columns, once each: id, and of {', '.join(FIELDS[1:])}.")
        for values in reader:
            if any(value.strip() for value in values):
                extra = {"": "too many values"} if len(values) > len(columns) else {}
                yield reader.line_num, {**dict(zip(columns, values, strict=False)), **extra}
    except csv.Error as error:
        raise UnreadableFile(f"Line {reader.line_num} is not CSV: {error}.") from None


def _json_records(text: str) -> Iterator[tuple[int, dict[str, Any]]]:
    try:
        found = json.loads(text, parse_float=Decimal, parse_constant=_refuse_constant)
    except (ValueError, ArithmeticError, RecursionError):
        raise UnreadableFile("The file is not JSON.") from None
    if isinstance(found, dict) and set(found) == {"customers"}:
        found = found["customers"]
    if not isinstance(found, list) or not all(isinstance(each, dict) for each in found):
        raise UnreadableFile()
    yield from enumerate(found, 1)


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def _read_row(number: int, record: dict[str, Any]) -> tuple[Row | None, list[Problem]]:
    values: dict[str, Any] = {}
    problems: list[Problem] = []
    for name, value in record.items():
        if name not in FIELDS:
            problems.append(Problem(number, name[:64] or "row", "unknown" if name else "has more values than columns"))
            continue
        value = value.strip() if isinstance(value, str) else value
        if value is None or value == "":
            continue
        try:
            values[name] = _READERS[name](value)
        except (Invalid, InvalidAmount) as error:
            problems.append(Problem(number, name, str(error)))
        except InvalidEmail:
            problems.append(Problem(number, name, "expected an address such as name@example.com"))
    if "id" not in record or (not values.get("id") and not any(each.field == "id" for each in problems)):
        problems.append(Problem(number, "id", "is required"))
    for name, needed in (("stripe_subscription", "stripe_customer"), ("expires_at", "balance")):
        if name in values and not values.get(needed):
            problems.append(Problem(number, needed, f"is required beside {name}"))
    return (None if problems else Row(row=number, **{"key": values["id"], **values})), problems


def _text(longest: int, pattern: str | None = None, allowed: str | None = None) -> Callable[[Any], str]:
    def read(value: Any) -> str:
        if not isinstance(value, str):
            raise Invalid("expected text")
        if len(value) > longest or _UNSTORABLE.search(value):
            raise Invalid(f"expected at most {longest} characters, and none that cannot be kept")
        if pattern is not None and not re.fullmatch(pattern, value):
            raise Invalid(f"expected {allowed}")
        return value

    return read


def _balance(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, str | int | Decimal):
        raise Invalid("expected a number of credits")
    return money.parse_credits(value, minimum=0)


def _time(value: Any) -> datetime:
    try:
        at = datetime.fromisoformat(value)
    except (TypeError, ValueError):
        raise Invalid("expected a time such as 2026-11-24T18:00:00Z") from None
    return at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)


_READERS: dict[str, Callable[[Any], Any]] = {
    "id": _text(128, _ID.pattern, "1 to 128 letters, digits and . _ : @ -"),
    "key": _text(MAX_KEY_CHARACTERS, r"[!-~]+", "visible ASCII without spaces"),
    "email": lambda value: read_email(_text(320)(value)),
    "name": _text(200),
    "locale": _text(8, "|".join(LOCALES), f"one of {', '.join(LOCALES)}"),
    "balance": _balance,
    "expires_at": _time,
    "description": _text(500),
    "plan": _text(64, r"[a-z0-9._-]+", "the id of a plan"),
    "stripe_customer": _text(255, r"cus_[A-Za-z0-9]+", "an id such as cus_…"),
    "stripe_subscription": _text(255, r"sub_[A-Za-z0-9]+", "an id such as sub_…"),
    "as_of": _time,
}
