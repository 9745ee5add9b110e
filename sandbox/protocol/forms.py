"""Stripe's form encoding: ``a[b][0][c]=v`` becomes nested dicts and lists."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import parse_qsl

from sandbox.protocol.errors import invalid

_KEY = re.compile(r"^[^\[\]]+(\[[^\[\]]*\])*$")
_DEEPEST = 12


def decode(encoded: str) -> dict[str, Any]:
    """Decode a body or a query string; leaves are strings. Raises 400 for keys that contradict each other."""
    root: dict[str, Any] = {}
    for key, value in parse_qsl(encoded, keep_blank_values=True, errors="replace"):
        if not _KEY.match(key):
            raise invalid(f"Invalid parameter name: {key[:80]}", param=key[:80])
        parts = [part.rstrip("]") for part in key.split("[")]
        if len(parts) > _DEEPEST:
            raise invalid("Parameters are nested too deeply.", param=parts[0])
        _place(root, parts, value)
    return {name: _lists(value) for name, value in root.items()}


def _place(node: dict[str, Any], parts: list[str], value: str) -> None:
    for part in parts[:-1]:
        name = part if part else str(len(node))
        child = node.setdefault(name, {})
        if not isinstance(child, dict):
            raise invalid(f"Invalid parameter: {parts[0]}", param=parts[0])
        node = child
    last = parts[-1] if parts[-1] else str(len(node))
    if isinstance(node.get(last), dict):
        raise invalid(f"Invalid parameter: {parts[0]}", param=parts[0])
    node[last] = value


def _lists(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    decoded = {name: _lists(child) for name, child in value.items()}
    if decoded and all(str(i) in decoded for i in range(len(decoded))):
        return [decoded[str(i)] for i in range(len(decoded))]
    return decoded
