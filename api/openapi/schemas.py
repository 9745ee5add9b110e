"""JSON Schema in few words: fields of requests and answers, each with its limits."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from api.body import MAX_COUNT
from api.paths import CUSTOMER_ID, ITEM_ID

Schema = dict[str, Any]

_OPTIONAL = "x-optional"


def obj(description: str = "", /, **fields: Schema) -> Schema:
    """An object; its fields are required but for those marked by `opt`."""
    required = [name for name, schema in fields.items() if _OPTIONAL not in schema]
    properties = {name: {key: schema[key] for key in schema if key != _OPTIONAL} for name, schema in fields.items()}
    described = {"description": description} if description else {}
    return {"type": "object", **described, "required": required, "properties": properties}


def opt(schema: Schema) -> Schema:
    """A field of a request that may be missing, or null, which `api.body` reads the same."""
    return sometimes(nullable(schema))


def sometimes(schema: Schema) -> Schema:
    """A field that may be missing, as answers leave some out; it is not null."""
    return {**schema, _OPTIONAL: True}


def nullable(schema: Schema) -> Schema:
    """The same, or null."""
    if "$ref" in schema:
        return {"anyOf": [schema, {"type": "null"}]}
    if "enum" in schema:
        return {**schema, "type": [schema["type"], "null"], "enum": [*schema["enum"], None]}
    return {**schema, "type": [schema["type"], "null"]}


def told(schema: Schema, description: str) -> Schema:
    """The same, with words about it."""
    return {**schema, "description": description}


def ref(name: str) -> Schema:
    """A schema under `components`."""
    return {"$ref": f"#/components/schemas/{name}"}


def text(description: str = "", *, longest: int = 255) -> Schema:
    """Text of at least one character, as requests have it."""
    return told({"type": "string", "minLength": 1, "maxLength": longest}, description)


def words(description: str = "") -> Schema:
    """Text of an answer."""
    return {"type": "string", **({"description": description} if description else {})}


def one_of(*values: str, description: str = "") -> Schema:
    """One of a few words."""
    return {"type": "string", "enum": list(values), **({"description": description} if description else {})}


def listing(items: Schema, *, least: int = 0, most: int | None = None) -> Schema:
    """A list."""
    limits = ({"minItems": least} if least else {}) | ({"maxItems": most} if most else {})
    return {"type": "array", "items": items, **limits}


def mapping(values: Schema, description: str = "") -> Schema:
    """An object whose keys are ids."""
    return told({"type": "object", "additionalProperties": values}, description)


def page(items: Schema) -> Schema:
    """A list in pages."""
    return obj(data=listing(items), next_cursor=told(nullable(words()), "For `cursor`; null on the last page."))


def whole(items: Schema) -> Schema:
    """A list that comes as a whole."""
    return obj(data=listing(items), next_cursor={"type": "null"})


def count(description: str = "", *, least: int = 1, most: int = MAX_COUNT) -> Schema:
    """A whole number of a request."""
    return told({"type": "integer", "minimum": least, "maximum": most}, description)


def constrained(schema: Schema, **more: Any) -> Schema:
    """The same with further keywords of JSON Schema."""
    return {**schema, **more}


def either(*groups: Collection[str]) -> Schema:
    """A constraint: the fields of exactly one of these groups are there, and not null."""
    given = {"not": {"type": "null"}}
    return {"oneOf": [{"required": list(group), "properties": dict.fromkeys(group, given)} for group in groups]}


BOOLEAN: Schema = {"type": "boolean"}
INTEGER: Schema = {"type": "integer"}
NUMBER: Schema = {"type": "number", "description": "Exact."}
CREDITS: Schema = {"type": "number", "description": "Credits: exact, at most 6 decimal places."}
AMOUNT: Schema = {
    "type": "number",
    "exclusiveMinimum": 0,
    "maximum": 1_000_000_000,
    "description": "Credits: above 0, up to 10^9, at most 6 decimal places.",
}
MINOR: Schema = {"type": "integer", "description": "Money in minor units of `currency` (cents)."}
CURRENCY: Schema = {"type": "string", "pattern": "^[a-z]{3}$", "description": "ISO 4217, in small letters."}
TIME: Schema = {"type": "string", "format": "date-time", "description": "RFC 3339, in UTC with `Z`."}
MOMENT: Schema = {"type": "string", "format": "date-time", "description": "RFC 3339, with its zone."}
CUSTOMER: Schema = {
    "type": "string",
    "pattern": f"^{CUSTOMER_ID.pattern}$",
    "description": "The customer's id, as the app named it.",
}
ITEM: Schema = {"type": "string", "pattern": f"^{ITEM_ID.pattern}$", "description": "An id of the catalog."}
PERIOD: Schema = one_of("month", "lifetime")
METADATA: Schema = {
    "type": "object",
    "description": "Any JSON object of at most 4000 characters and 4 levels: yours to find again.",
}
