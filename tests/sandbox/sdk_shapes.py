"""Compares JSON from the sandbox with the annotations of the installed SDK's resource classes.

Strict: unknown fields, wrong types, values outside an enum and missing fields that may not be null are problems.
"""

from __future__ import annotations

import ast
import importlib
import inspect
import re
import sys
import typing
from decimal import Decimal
from functools import cache
from typing import Any, ClassVar, ForwardRef, Literal, Union, get_args, get_origin

import stripe
from stripe._list_object import ListObject
from stripe._object_classes import OBJECT_CLASSES
from stripe._stripe_object import StripeObject, UntypedStripeObject


def problems(obj: Any) -> list[str]:
    """What is wrong with an answer or an event; empty when nothing is."""
    if "error" in obj:
        return _error_problems(obj["error"])
    if obj.get("object") == "list":
        wrong = [] if set(obj) == {"object", "data", "has_more", "url"} else [f"list: fields {sorted(obj)}"]
        return wrong + [problem for item in obj["data"] for problem in problems(item)]
    if obj.get("object") == "event":
        return _event_problems(obj)
    if obj.get("deleted") is True:
        return [] if set(obj) == {"id", "object", "deleted"} else [f"deleted: fields {sorted(obj)}"]
    return list(_check_fields(obj, class_of(obj["object"]), obj["object"]))


def class_of(kind: str) -> type:
    """The SDK's class for an ``object`` value."""
    module, name = OBJECT_CLASSES[kind]
    found: type = getattr(importlib.import_module(module), name)
    return found


def _error_problems(error: dict[str, Any]) -> list[str]:
    known = set(stripe.ErrorObject.__annotations__)
    wrong = [f"error.{name}: unknown field" for name in error if name not in known]
    if error.get("type") not in ("api_error", "card_error", "idempotency_error", "invalid_request_error"):
        wrong.append(f"error.type: {error.get('type')!r}")
    return wrong


def _event_problems(event: dict[str, Any]) -> list[str]:
    rest = {**event, "data": {}}
    wrong = [p for p in _check_fields(rest, stripe.Event, event["type"]) if ".data" not in p]
    previous = event["data"].get("previous_attributes")
    if set(event["data"]) - {"object", "previous_attributes"}:
        wrong.append(f"{event['type']}.data: fields {sorted(event['data'])}")
    if previous is not None:
        unknown = set(previous) - set(_hints(class_of(event["data"]["object"]["object"])))
        wrong += [f"{event['type']}.data.previous_attributes.{name}: unknown field" for name in sorted(unknown)]
    return wrong + [f"{event['type']}: {p}" for p in problems(event["data"]["object"])]


@cache
def _hints(cls: type) -> dict[str, Any]:
    module = sys.modules[cls.__module__]
    names = {**vars(typing), **vars(module), **_type_checking_names(module.__name__), **vars(cls)}
    fields = {}
    for name, hint in vars(cls).get("__annotations__", {}).items():
        resolved = _resolve(hint, names)
        if get_origin(resolved) is not ClassVar and resolved is not ClassVar:
            fields[name] = resolved
    return fields


def _resolve(hint: Any, names: dict[str, Any]) -> Any:
    if isinstance(hint, str):
        return _resolve(eval(hint, {}, names), names)
    if isinstance(hint, ForwardRef):
        return _resolve(eval(hint.__forward_arg__, {}, names), names)
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is Union:
        return Union[tuple(_resolve(argument, names) for argument in arguments)]  # noqa: UP007
    if origin is list:
        return list[_resolve(arguments[0], names)]  # type: ignore[misc]
    if origin is dict:
        return dict[str, _resolve(arguments[1], names)]  # type: ignore[misc]
    if origin in (ListObject, UntypedStripeObject):
        return origin[_resolve(arguments[0], names)]
    return hint


@cache
def _type_checking_names(module_name: str) -> dict[str, Any]:
    """What a module of the SDK imports for type checkers only."""
    found: dict[str, Any] = {}
    for node in ast.parse(inspect.getsource(sys.modules[module_name])).body:
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test):
            for line in node.body:
                if isinstance(line, ast.ImportFrom) and line.module:
                    imported = importlib.import_module(line.module)
                    for alias in line.names:
                        if hasattr(imported, alias.name):
                            found[alias.asname or alias.name] = getattr(imported, alias.name)
    return found


def _check_fields(value: dict[str, Any], cls: type, path: str) -> typing.Iterator[str]:
    hints = _hints(cls)
    for name in value:
        if name not in hints:
            yield f"{path}.{name}: unknown field"
    for name, hint in hints.items():
        if name in value:
            yield from _check(value[name], hint, f"{path}.{name}")
        elif type(None) not in _options(hint):
            yield f"{path}.{name}: missing"


def _options(hint: Any) -> list[Any]:
    if get_origin(hint) is Union:
        return [option for argument in get_args(hint) for option in _options(argument)]
    return [hint]


def _check(value: Any, hint: Any, path: str) -> list[str]:
    options = _options(hint)
    words: set[Any] = set()
    for option in options:
        if get_origin(option) is Literal:
            words |= set(get_args(option))
    if (
        words
        and isinstance(value, str)
        and not any(inspect.isclass(o) and issubclass(o, StripeObject) for o in options)
    ):
        # ``Literal[...] | str`` is how the SDK writes an enum that may grow: for this version it is closed.
        return [] if value in words else [f"{path}: {value!r} is not one of {sorted(map(str, words))[:8]}"]
    tried = [_check_option(value, option, path) for option in options]
    if any(found == [] for found in tried):
        return []
    deep = [found for found in tried if found and not found[0].startswith(f"{path}: ")]
    return min(deep or tried, key=len)


def _check_option(value: Any, option: Any, path: str) -> list[str]:
    origin = get_origin(option)
    if origin is Literal:
        fits = value in get_args(option)
    elif option is type(None):
        fits = value is None
    elif option is Any or option is object:
        fits = True
    elif option is bool:
        fits = isinstance(value, bool)
    elif option is int:
        fits = isinstance(value, int) and not isinstance(value, bool)
    elif option is float:
        fits = isinstance(value, int | float) and not isinstance(value, bool)
    elif option is str:
        fits = isinstance(value, str)
    elif option is Decimal:
        fits = isinstance(value, str) and re.fullmatch(r"-?\d+(\.\d+)?", value) is not None
    elif origin is list:
        if not isinstance(value, list):
            return [f"{path}: not a list"]
        return [p for i, item in enumerate(value) for p in _check(item, get_args(option)[0], f"{path}[{i}]")]
    elif origin in (dict, UntypedStripeObject):
        if not isinstance(value, dict):
            return [f"{path}: not an object"]
        inner = get_args(option)[-1]
        return [p for name, item in value.items() for p in _check(item, inner, f"{path}.{name}")]
    elif origin is ListObject:
        return problems(value) if isinstance(value, dict) and value.get("object") == "list" else [f"{path}: not a list"]
    elif inspect.isclass(option) and issubclass(option, StripeObject):
        if not isinstance(value, dict):
            return [f"{path}: not an object"]
        if value.get("deleted") is True:
            return problems(value)
        if hasattr(option, "OBJECT_NAME") and value.get("object") != option.OBJECT_NAME:
            return [f"{path}: not a {option.OBJECT_NAME}"]
        return list(_check_fields(value, option, path))
    else:
        return [f"{path}: the checker does not know {option!r}"]
    return [] if fits else [f"{path}: {value!r} is not {option}"]
