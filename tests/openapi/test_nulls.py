"""An optional field that is null is as good as absent: the document says so, and every call reads it so."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from typing import Any
from uuid import uuid4

from jsonschema import Draft202012Validator

from api.openapi import CALLS, Call
from api.openapi.call import PARAMETER
from tests.api.conftest import Caller
from tests.openapi.conftest import CUSTOMER

Fields = dict[str, Any]

ORDER = {"customer": CUSTOMER, "amount": 1}
TIERS = [{"id": "a", "amount_minor": 500}]
OTHERS: dict[str, list[Fields]] = {
    "POST /debits": [ORDER],
    "POST /holds": [ORDER],
    "POST /usage": [{"events": [{"id": "e", **ORDER}]}],
    "POST /checkout-sessions": [
        {"customer": CUSTOMER, "plan": "basic", "interval": "month"},
        {"customer": CUSTOMER, "influencer": "luna-style", "tier": "basic"},
    ],
    "POST /influencers": [{"influencers": [{"id": "vera", "name": "Vera", "tiers": TIERS}]}],
    "PATCH /influencers/{influencer}": [{"tiers": TIERS}],
}
"""Bodies beside the example, so that each field is once one that may be missing."""

numbers = count()


def nulled(schema: Fields, body: Fields, chosen: frozenset[str]) -> Iterator[tuple[str, Fields, Fields]]:
    """Each optional field's name, the body without it, and the body with null in it; `chosen` are needed here."""
    for name, field in schema["properties"].items():
        if name not in schema["required"] and name not in chosen:
            without = {key: value for key, value in body.items() if key != name}
            yield name, without, {**without, name: None}
        if "properties" in field.get("items", {}) and body.get(name):
            inner = field["items"]
            for below, *both in nulled(inner, body[name][0], chosen_by(inner, body[name][0])):
                without, null = ({**body, name: [each]} for each in both)
                yield f"{name}[].{below}", without, null


def chosen_by(schema: Fields, body: Fields) -> frozenset[str]:
    """The group of the schema's `oneOf` that this body has chosen."""
    groups = [option["required"] for option in schema.get("oneOf", ())]
    return frozenset(name for group in groups if set(group) <= set(body) for name in group)


def optional(schema: Fields, prefix: str = "") -> Iterator[str]:
    """The name of every optional field, as `nulled` names it."""
    for name, field in schema["properties"].items():
        if name not in schema["required"]:
            yield f"{prefix}{name}"
        if "properties" in field.get("items", {}):
            yield from optional(field["items"], f"{prefix}{name}[].")


def send(caller: Caller, call: Call, body: Fields) -> tuple[int, str | None]:
    """Status and code of a call: about customers who are there, and things in the path that are not."""
    fresh = f"new-{next(numbers)}"
    if call.path == "/influencers":
        many = [{**each, "id": fresh} for each in body.get("influencers") or ()]
        body = {**body, "influencers": many} if many else {**body, "id": fresh}
    headers = {"Idempotency-Key": str(uuid4())} if call.once else {}
    answer = caller.call(call.method, PARAMETER.sub("nothing", call.path), headers, json=body)
    return answer.status_code, (answer.json or {}).get("code")


def test_null_in_an_optional_field_is_as_if_it_were_left_out(caller: Caller, known: dict[str, list[Any]]) -> None:
    for call in CALLS:
        if call.body is None:
            continue
        name_of, schema, seen = f"{call.method} {call.path}", call.body, set()
        described = Draft202012Validator({**schema, "additionalProperties": False})
        for body in ({**(call.example or {})}, *OTHERS.get(name_of, ())):
            for name, without, null in nulled(schema, body, chosen_by(schema, body)):
                seen.add(name)
                assert not list(described.iter_errors(null)), f"{name_of}: {name}: null is not told"
                said = send(caller, call, null)
                assert said == send(caller, call, without), f"{name_of}: {name}"
                assert said[1] != "invalid", f"{name_of}: {name}: such a request cannot tell null from absent"
        assert seen == set(optional(schema)), name_of


def test_null_is_no_value_where_one_of_several_is_needed() -> None:
    debits = next(call for call in CALLS if call.operation_id == "post_debits")
    described = Draft202012Validator({**(debits.body or {}), "additionalProperties": False})
    assert described.is_valid({**ORDER, "action": None})
    assert not described.is_valid({"customer": CUSTOMER, "action": None, "amount": None})
    assert not described.is_valid({"customer": CUSTOMER, "action": None})
