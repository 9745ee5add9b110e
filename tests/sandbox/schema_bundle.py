"""Strict checks against a bundle of Stripe's JSON schemas, where one lies beside the repository."""

from __future__ import annotations

import copy
import json
from functools import cache
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator

BUNDLE = Path(__file__).resolve().parents[3] / "shared" / "stripe"
_OPEN = ("event", "error")


def present() -> bool:
    """Whether there is a bundle to check against."""
    return (BUNDLE / "resources.schema.json").exists()


def problems(obj: dict[str, Any]) -> list[str]:
    """What a strict reading of the schemas finds wrong with an answer or an event."""
    kind = _name(obj)
    if kind is None or kind not in _definitions():
        return []
    found = [
        f"{kind}/{'/'.join(map(str, e.absolute_path))}: {e.message[:300]}" for e in _validator(kind).iter_errors(obj)
    ]
    if kind == "event":
        inner = obj["data"]["object"]
        wanted = _event_objects().get(obj["type"])
        if wanted is None or inner["object"] not in (wanted if isinstance(wanted, list) else [wanted]):
            found.append(f"{obj['type']} carries a {inner['object']}, not a {wanted}")
        found += [f"{obj['type']}: {problem}" for problem in problems(inner)]
    return found


def api_version() -> str:
    """The version the bundle describes."""
    version: str = _read("resources.schema.json")["x-stripe-api-version"]
    return version


def _name(obj: dict[str, Any]) -> str | None:
    if "error" in obj:
        return "error"
    if obj["object"] == "list":
        return f"list.{obj['data'][0]['object']}" if obj["data"] else None
    return ("deleted_" if obj.get("deleted") else "") + str(obj["object"])


@cache
def _read(name: str) -> dict[str, Any]:
    read: dict[str, Any] = json.loads((BUNDLE / name).read_text())
    return read


@cache
def _event_objects() -> dict[str, Any]:
    objects: dict[str, Any] = _read("event_types.json")["event_object"]
    return objects


@cache
def _definitions() -> dict[str, Any]:
    definitions = copy.deepcopy(_read("resources.schema.json")["$defs"])
    for name, definition in definitions.items():
        if name not in _OPEN:
            _close(definition)
    return definitions


def _close(node: Any) -> None:
    """Make unknown fields errors, all the way down."""
    if isinstance(node, dict):
        closed = node.get("type") in ("object", ["object", "null"]) and "properties" in node and not node.get("x-stub")
        if closed:
            node.setdefault("additionalProperties", False)
        for child in node.values():
            _close(child)
    elif isinstance(node, list):
        for child in node:
            _close(child)


@cache
def _validator(name: str) -> Draft202012Validator:
    schema = {"$schema": "https://json-schema.org/draft/2020-12/schema", "$ref": f"#/$defs/{name}"}
    return Draft202012Validator({**schema, "$defs": _definitions()})
