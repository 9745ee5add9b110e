"""The OpenAPI 3.1 document, built from what is said of each call."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any

from api.blueprint import bp
from api.errors import PROBLEMS
from api.openapi import giving, influencers, money_back, pricing, reading, selling, shapes, spending, usage
from api.openapi.call import Call
from api.openapi.schemas import Schema, constrained, ref, text, words
from api.openapi.shapes import PROBLEM_SHAPES

VERSION = "1"
"""Of the API, as in its addresses."""

CALLS: tuple[Call, ...] = (
    *reading.CALLS,
    *pricing.CALLS,
    *spending.CALLS,
    *usage.CALLS,
    *giving.CALLS,
    *selling.CALLS,
    *influencers.CALLS,
    *money_back.CALLS,
)
"""Every call, in the order in which a reader meets them."""

SHAPES: dict[str, Schema] = {**shapes.SHAPES, **pricing.SHAPES, **spending.SHAPES, **usage.SHAPES, **money_back.SHAPES}
"""Every object that answers share."""

_ABOUT = (
    "Credits are exact decimals with at most 6 places; read them without floats. Money is in minor units. Times are "
    "UTC. Fields that are not listed are refused with 422. Errors are `application/problem+json` (RFC 9457) with a "
    "`code` for programs. Lists come newest first, in pages. Where an `Idempotency-Key` is required, the same key "
    "with the same body gets the first answer again, marked `Idempotent-Replayed: true`."
)

_IDEMPOTENCY_KEY = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": True,
    "description": "A new one for each thing to be done, the same one when it is sent again.",
    "schema": constrained(text(), pattern="^[!-~]{1,255}$"),
}


@cache
def document() -> dict[str, Any]:
    """All calls as OpenAPI 3.1."""
    paths: dict[str, dict[str, Any]] = {}
    for call in CALLS:
        paths.setdefault(call.path, {})[call.method.lower()] = _operation(call)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Saldo", "version": VERSION, "description": _ABOUT},
        "servers": [{"url": bp.url_prefix}],
        "paths": paths,
        "components": {
            "schemas": SHAPES,
            "securitySchemes": {"key": {"type": "http", "scheme": "bearer", "description": "An app's API key."}},
        },
    }


def _operation(call: Call) -> dict[str, Any]:
    operation: dict[str, Any] = {"operationId": call.operation_id, "summary": call.summary, "tags": [call.room]}
    if call.description:
        operation["description"] = call.description
    operation["security"] = [] if call.scope is None else [{"key": []}]
    if call.scope is not None:
        operation["x-scope"] = call.scope
    parameters = [
        *(
            {"name": name, "in": "path", "required": True, "schema": schema}
            for name, schema in call.path_fields.items()
        ),
        *({"name": name, "in": "query", "schema": schema} for name, schema in call.query.items()),
        *([_IDEMPOTENCY_KEY] if call.once else []),
    ]
    if parameters:
        operation["parameters"] = parameters
    if call.body is not None:
        content: dict[str, Any] = {"schema": {**call.body, "additionalProperties": False}}
        if call.example is not None:
            content["example"] = call.example
        operation["requestBody"] = {"required": not call.body_optional, "content": {"application/json": content}}
    operation["responses"] = _responses(call)
    return operation


def _responses(call: Call) -> dict[str, Any]:
    responses: dict[str, Any] = {}
    for status, schema in call.answers.items():
        media = {kind: {"schema": schema if kind == "application/json" else words()} for kind in call.media_types}
        responses[str(status)] = {"description": "Done." if status < 202 else "Accepted.", "content": media}
    for status, codes in sorted(_by_status(call.problems).items()):
        titles = "; ".join(f"`{code}`: {PROBLEMS[code].title}" for code in codes)
        shapes = list(dict.fromkeys(PROBLEM_SHAPES.get(code, "Problem") for code in codes))
        schema = ref(shapes[0]) if len(shapes) == 1 else {"anyOf": [ref(shape) for shape in shapes]}
        answer: dict[str, Any] = {
            "description": titles,
            "content": {"application/problem+json": {"schema": schema}},
            "x-codes": codes,
        }
        if status in (429, 503):
            answer["headers"] = {"Retry-After": {"description": "Seconds to wait.", "schema": {"type": "string"}}}
        responses[str(status)] = answer
    return responses


def _by_status(codes: Iterable[str]) -> Mapping[int, list[str]]:
    found: dict[int, list[str]] = {}
    for code in codes:
        found.setdefault(PROBLEMS[code].status, []).append(code)
    return found
