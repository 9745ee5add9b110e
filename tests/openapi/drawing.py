"""Requests drawn from the document: such as it allows, and such as it does not."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

Schema = dict[str, Any]

NASTY = (
    None,
    True,
    -1,
    0,
    0.5,
    10**30,
    "",
    "\x00",
    "\ud800",
    "x" * 10_000,
    "ñ/../%00",
    [],
    {},
    [[[[[[]]]]]],
    {"a": {}},
)
"""Values that some field does not expect."""

NOT_JSON = (
    b"",
    b"{",
    b"[]",
    b"null",
    b'{"customer":"a","customer":"b"}',
    b'{"amount":NaN}',
    b'{"amount":1e999999}',
    b"\xff",
)


def allowed(schema: Schema, known: Mapping[str, list[Any]], name: str = "") -> SearchStrategy[Any]:
    """Values that a schema allows; a field of a name in `known` mostly holds one of those values."""
    if name in known and "properties" not in schema:
        there = st.sampled_from(known[name])
        return st.one_of(there, there, there, _by_type(schema, known, name))
    return _by_type(schema, known, name)


def _by_type(schema: Schema, known: Mapping[str, list[Any]], name: str) -> SearchStrategy[Any]:
    if "anyOf" in schema:
        return st.one_of(*(_by_type(option, known, name) for option in schema["anyOf"]))
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
    kinds = schema.get("type", "object")
    if isinstance(kinds, list):
        return st.one_of(*(_by_type({**schema, "type": kind}, known, name) for kind in kinds))
    return _TYPES[kinds](schema, known)


def _text(schema: Schema, _: Mapping[str, list[Any]]) -> SearchStrategy[str]:
    if schema.get("format") == "date-time":
        return st.datetimes().map(lambda at: at.replace(microsecond=0).isoformat() + "Z")
    if "pattern" in schema:
        return st.from_regex(schema["pattern"].removesuffix("$") + r"\Z")
    alphabet = st.characters(exclude_categories=("Cs",), exclude_characters="\x00")
    return st.text(alphabet, min_size=schema.get("minLength", 0), max_size=min(schema.get("maxLength", 20), 20))


def _integer(schema: Schema, _: Mapping[str, list[Any]]) -> SearchStrategy[int]:
    return st.integers(schema.get("minimum", -5), schema.get("maximum", 1000)) | st.integers(1, 5)


def _number(schema: Schema, _: Mapping[str, list[Any]]) -> SearchStrategy[Any]:
    return st.sampled_from([0.000001, 0.25, 1, 5, 999_999_999]) | st.integers(1, 50)


def _object(schema: Schema, known: Mapping[str, list[Any]]) -> SearchStrategy[Any]:
    if "properties" not in schema:
        return st.dictionaries(st.sampled_from("abc"), st.sampled_from([1, "x", None, [1], {"d": 0.5}]), max_size=2)
    fields = {field: allowed(each, known, field) for field, each in schema["properties"].items()}
    groups = [option["required"] for option in schema.get("oneOf", ({"required": []},))]
    choosing = {field for group in groups for field in group}

    def given(field: str) -> SearchStrategy[Any]:
        return fields[field].filter(lambda value: value is not None)

    def chosen(group: list[str]) -> SearchStrategy[Any]:
        needed = {*schema.get("required", ()), *group}
        free = sorted(set(fields) - needed - choosing)
        # A few at a time: most of them together hardly ever make sense.
        some = st.sets(st.sampled_from(free), max_size=2) if free else st.just(set())
        return some.flatmap(
            lambda more: st.fixed_dictionaries(
                {field: given(field) if field in group else fields[field] for field in sorted(needed | more)}
            )
        )

    return st.sampled_from(groups).flatmap(chosen)


_TYPES: dict[str, Any] = {
    "string": _text,
    "integer": _integer,
    "number": _number,
    "boolean": lambda *_: st.booleans(),
    "null": lambda *_: st.none(),
    "object": _object,
    "array": lambda schema, known: st.lists(
        _by_type(schema["items"], known, ""), min_size=schema.get("minItems", 0), max_size=3
    ),
}


@st.composite
def broken(draw: DrawFn, schema: Schema, known: Mapping[str, list[Any]]) -> bytes:
    """A body with one thing wrong, as far as anybody can tell from outside."""
    if draw(st.integers(0, 4)) == 0:
        return draw(st.sampled_from(NOT_JSON))
    body = draw(_object(schema, known))
    field = draw(st.sampled_from([*schema["properties"], "nobody_knows"]))
    if draw(st.booleans()) and field in body:
        del body[field]
    else:
        body[field] = draw(st.sampled_from(NASTY))
    return written(body)


def written(body: Any) -> bytes:
    """A body as bytes; half a surrogate pair is written as JSON can write it."""
    return json.dumps(body).encode()
