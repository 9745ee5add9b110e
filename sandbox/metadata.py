"""How updates treat metadata and fields that an empty string unsets."""

from __future__ import annotations

from typing import Any


def merged(current: dict[str, str], change: Any) -> dict[str, str]:
    """Keys are added and replaced one by one; an empty value unsets its key, an empty string all of them."""
    if change == "":
        return {}
    return {key: value for key, value in {**current, **change}.items() if value != ""}


def changes(params: dict[str, Any], names: str) -> dict[str, Any]:
    """Those of the named parameters that were given, with ``""`` meaning null."""
    return {name: params[name] if params[name] != "" else None for name in names.split() if name in params}
