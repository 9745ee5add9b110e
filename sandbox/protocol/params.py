"""Request parameters checked against the SDK's own annotations.

Every route names the TypedDict in ``stripe.params`` that the SDK declares for its call, so what the sandbox
takes is exactly what this version of the API takes: names, nesting, types and enums.
"""

from __future__ import annotations

import re
import types
from collections.abc import Iterator, Mapping
from decimal import Decimal
from functools import cache
from typing import Any, Literal, NotRequired, Required, Union, get_args, get_origin

from stripe import RequestOptions
from typing_extensions import get_type_hints, is_typeddict

from sandbox.protocol.errors import StripeFailure, invalid

# Fields of the SDK's call options, from which some parameter classes inherit; they are never on the wire.
_OPTIONS = frozenset(RequestOptions.__annotations__)
# Names that those options use and the SDK imports for type checkers only.
_SDK_NAMES = {"StripeContext": object, "Mapping": Mapping, "Any": Any}
_METADATA_LIMITS = (50, 40, 500)


def check(params_class: type | None, raw: dict[str, Any]) -> dict[str, Any]:
    """Typed parameters, or Stripe's 400.

    Raises ``parameter_unknown``, ``parameter_missing``, ``parameter_invalid_integer``,
    ``parameter_invalid_empty`` and their kin, with the offending parameter in ``param``.
    """
    if params_class is None:
        if raw:
            raise _unknown(next(iter(raw)))
        return {}
    return _typed_dict(raw, params_class, "")


@cache
def fields_of(params_class: type) -> tuple[dict[str, Any], frozenset[str]]:
    """The wire fields of a parameter class with their types, and which of them are required."""
    hints = get_type_hints(params_class, localns=_SDK_NAMES, include_extras=True)
    fields = {name: _bare(hint) for name, hint in hints.items() if name not in _OPTIONS}
    required: frozenset[str] = params_class.__required_keys__  # type: ignore[attr-defined]
    return fields, required - _OPTIONS


def _bare(hint: Any) -> Any:
    return get_args(hint)[0] if get_origin(hint) in (NotRequired, Required) else hint


def _typed_dict(raw: dict[str, Any], params_class: type, path: str) -> dict[str, Any]:
    fields, required = fields_of(params_class)
    checked = {}
    for name, value in raw.items():
        if name not in fields:
            raise _unknown(_join(path, name))
        checked[name] = _value(value, fields[name], _join(path, name))
    for name in sorted(required):
        if name not in raw:
            param = _join(path, name)
            raise invalid(f"Missing required param: {param}.", param=param, code="parameter_missing")
    return checked


def _value(value: Any, hint: Any, path: str) -> Any:
    options = list(_options(hint))
    if isinstance(value, dict):
        return _mapping(value, options, path)
    if isinstance(value, list):
        for option in options:
            if get_origin(option) is list:
                inner = get_args(option)[0]
                return [_value(item, inner, f"{path}[{i}]") for i, item in enumerate(value)]
        raise invalid(f"Invalid array for {path}.", param=path, code="parameter_invalid_array")
    return _scalar(value, options, path)


def _options(hint: Any) -> Iterator[Any]:
    """The alternatives of a union, without the SDK's ``StripeObject`` conveniences."""
    if get_origin(hint) in (Union, types.UnionType):
        for option in get_args(hint):
            yield from _options(option)
    elif "StripeObject" not in str(hint):
        yield hint


def _mapping(value: dict[str, Any], options: list[Any], path: str) -> dict[str, Any]:
    failures: list[StripeFailure] = []
    for option in options:
        if is_typeddict(option):
            try:
                return _typed_dict(value, option, path)
            except StripeFailure as failure:
                failures.append(failure)
        elif get_origin(option) is dict:
            inner = get_args(option)[1]
            if inner is str:
                return _metadata(value, path)
            return {name: _value(item, inner, f"{path}[{name}]") for name, item in value.items()}
    if failures:
        raise failures[0]
    raise invalid(f"Invalid object for {path}.", param=path, code="parameter_invalid_object")


def _metadata(value: dict[str, Any], path: str) -> dict[str, str]:
    most, longest_key, longest_value = _METADATA_LIMITS
    if len(value) > most:
        raise invalid(f"You can have at most {most} keys in {path}.", param=path)
    for key, text in value.items():
        if not isinstance(text, str):
            raise invalid(f"Metadata values are strings, {path}[{key}] is not.", param=f"{path}[{key}]")
        if len(key) > longest_key or len(text) > longest_value:
            raise invalid(f"Metadata keys and values are at most {longest_key} and {longest_value} long.", path)
    return value


def _scalar(value: str, options: list[Any], path: str) -> Any:
    words: set[Any] = set()
    for option in options:
        if get_origin(option) is Literal:
            words |= set(get_args(option))
    if value in words:
        return value
    if value == "":
        raise invalid(
            f"You passed an empty string for '{path}'. We assume empty values are an attempt to unset a parameter;"
            f" however '{path}' cannot be unset.",
            param=path,
            code="parameter_invalid_empty",
        )
    if int in options and re.fullmatch(r"-?\d{1,19}", value):
        return int(value)
    if bool in options and value in ("true", "false"):
        return value == "true"
    if float in options and re.fullmatch(r"-?\d{1,19}(\.\d{1,19})?", value):
        return float(value)
    if Decimal in options and re.fullmatch(r"-?\d{1,19}(\.\d{1,12})?", value):
        return value
    # ``Literal[...] | str`` is how the SDK writes an enum that may grow: for this version it is closed.
    if str in options and not words - {""}:
        return value
    raise _wrong(value, options, words - {""}, path)


def _wrong(value: str, options: list[Any], words: set[Any], path: str) -> StripeFailure:
    if int in options:
        return invalid(f"Invalid integer: {value[:80]}", param=path, code="parameter_invalid_integer")
    if words:
        listed = ", ".join(sorted(map(str, words)))
        return invalid(f"Invalid {path}: must be one of {listed}", param=path, code="parameter_invalid_enum")
    if bool in options:
        return invalid(f"Invalid boolean: {value[:80]}", param=path, code="parameter_invalid_boolean")
    if float in options or Decimal in options:
        return invalid(f"Invalid decimal: {value[:80]}", param=path, code="parameter_invalid_decimal")
    return invalid(f"Invalid value for {path}.", param=path, code="parameter_invalid_type")


def _unknown(param: str) -> StripeFailure:
    return invalid(f"Received unknown parameter: {param}", param=param, code="parameter_unknown")


def _join(path: str, name: str) -> str:
    return f"{path}[{name}]" if path else name
