"""The description as a page shows it: each schema as rows of a table."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from api.errors import PROBLEMS
from api.openapi.call import Call
from api.openapi.document import SHAPES
from api.openapi.schemas import Schema
from api.openapi.shapes import PROBLEM_SHAPES


@dataclass(frozen=True)
class Row:
    """One field: its name with the names around it, what it is, and which object has it described."""

    name: str
    kind: str
    shape: str | None
    required: bool
    description: str


@dataclass(frozen=True)
class Answer:
    """One status of success."""

    status: int
    kind: str
    shape: str | None
    rows: tuple[Row, ...]


@dataclass(frozen=True)
class Refusal:
    """One code of an error, and the object that its answer is."""

    status: int
    code: str
    title: str
    shape: str


@dataclass(frozen=True)
class Described:
    """A call, ready to be shown."""

    call: Call
    path_rows: tuple[Row, ...]
    query_rows: tuple[Row, ...]
    body_rows: tuple[Row, ...]
    answers: tuple[Answer, ...]
    refusals: tuple[Refusal, ...]
    curl: str


def described(call: Call, origin: str) -> Described:
    """A call as the page shows it; `origin` is where this Saldo is."""
    return Described(
        call,
        tuple(_row(name, schema, True) for name, schema in call.path_fields.items()),
        tuple(_row(name, schema, False) for name, schema in call.query.items()),
        tuple(rows(call.body or {})),
        tuple(_answer(status, schema) for status, schema in call.answers.items()),
        tuple(
            sorted(
                (_refusal(code) for code in call.problems),
                key=lambda refusal: refusal.status,
            )
        ),
        _curl(call, origin),
    )


def objects() -> dict[str, tuple[Row, ...]]:
    """The objects that answers share, each with its fields."""
    return {name: tuple(rows(schema)) for name, schema in SHAPES.items()}


def rows(schema: Schema, prefix: str = "") -> Iterator[Row]:
    """The fields of an object, and those of the objects in it."""
    required = schema.get("required", ())
    for name, field in schema.get("properties", {}).items():
        yield _row(f"{prefix}{name}", field, name in required)
        inner = _innermost(field)
        if "properties" in inner:
            yield from rows(inner, f"{prefix}{name}{'[]' if 'items' in field else ''}.")


def _row(name: str, schema: Schema, required: bool) -> Row:
    kind, shape = _kind(schema)
    return Row(name, kind, shape, required, schema.get("description", ""))


def _answer(status: int, schema: Schema) -> Answer:
    kind, shape = _kind(schema)
    return Answer(status, kind, shape, tuple(rows(schema)))


def _refusal(code: str) -> Refusal:
    status, title = PROBLEMS[code]
    return Refusal(status, code, title, PROBLEM_SHAPES.get(code, "Problem"))


def _innermost(schema: Schema) -> Schema:
    """The object that a list holds, or the schema itself."""
    items = schema.get("items")
    return _innermost(items) if isinstance(items, dict) else schema


def _kind(schema: Schema) -> tuple[str, str | None]:
    """What a field is, in words, and the object to look up for it."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return name, name
    if "anyOf" in schema:
        words, shape = _kind(schema["anyOf"][0])
        return f"{words} or null", shape
    kinds = schema.get("type", "object")
    kind = kinds if isinstance(kinds, str) else kinds[0]
    words, shape = _plain(kind, schema)
    return (words if isinstance(kinds, str) else f"{words} or null"), shape


def _plain(kind: str, schema: Schema) -> tuple[str, str | None]:
    if kind == "array":
        words, shape = _kind(schema["items"])
        return f"list of {words}", shape
    if "enum" in schema:
        return " | ".join(str(value) for value in schema["enum"] if value is not None), None
    if schema.get("format") == "date-time":
        return "time", None
    names = {"string": "text", "integer": "whole number", "number": "number", "boolean": "true or false"}
    return names.get(kind, kind) + _limits(schema), None


def _limits(schema: Schema) -> str:
    if "maxLength" in schema:
        return f", up to {schema['maxLength']:,} characters"
    if "minimum" in schema and "maximum" in schema:
        return f", {schema['minimum']} to {schema['maximum']:,}"
    return f", from {schema['minimum']}" if "minimum" in schema else ""


def _curl(call: Call, origin: str) -> str:
    """The call on a command line."""
    lines = [
        f"curl {origin}/api/v1{call.path}"
        if call.method == "GET"
        else f"curl -X {call.method} {origin}/api/v1{call.path}"
    ]
    if not call.public:
        lines.append('-H "Authorization: Bearer $SALDO_KEY"')
    if call.once:
        lines.append('-H "Idempotency-Key: $(uuidgen)"')
    if call.body is not None and call.example is not None:
        lines.append(f"-H 'Content-Type: application/json' -d '{_written(call.example)}'")
    return " \\\n  ".join(lines)


def _written(example: Any) -> str:
    return json.dumps(example, ensure_ascii=False)
