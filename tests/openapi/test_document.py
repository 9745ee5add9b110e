"""The description against the routes, the committed file, and what the calls really ask for."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask
from jsonschema import Draft202012Validator

from api.blueprint import bp
from api.errors import PROBLEMS
from api.openapi import CALLS, Call, document
from api.openapi.call import PARAMETER
from config import ROOT
from tests.api.conftest import Caller, problem

NEVER_ANSWERED = {
    "method_not_allowed",  # of an address, not of a call
    "internal",  # R16: never
    "catalog_invalid",  # a server with such a catalog does not start
    "wrong_schema",  # nor on such a database
    "card_declined",  # cards are entered on Stripe's pages only
}
WITH_BODY = [call for call in CALLS if call.body is not None]


def name_of(call: Call) -> str:
    return f"{call.method} {call.path}"


def every(calls: Any) -> Any:
    return pytest.mark.parametrize("call", calls, ids=name_of)


def schemas(node: Any) -> Iterator[dict[str, Any]]:
    """Every schema of a part of the document."""
    if isinstance(node, dict):
        if isinstance(node.get("schema"), dict):
            yield node["schema"]
        for value in node.values():
            yield from schemas(value)
    elif isinstance(node, list):
        for value in node:
            yield from schemas(value)


def test_describes_every_call_and_no_other(app: Flask) -> None:
    """A call without words is added to `api/openapi/`, then `python -m api.openapi > docs/openapi.json`."""
    routes = {
        (method, PARAMETER.sub("{}", re.sub(r"<[^>]+>", "{}", rule.rule.removeprefix(bp.url_prefix or ""))))
        for rule in app.url_map.iter_rules()
        if rule.endpoint.startswith(f"{bp.name}.")
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }
    assert {(call.method, PARAMETER.sub("{}", call.path)) for call in CALLS} == routes


def test_committed_document_is_the_one_that_is_built() -> None:
    """`python -m api.openapi > docs/openapi.json` writes it anew."""
    assert json.loads((ROOT / "docs/openapi.json").read_text(encoding="utf-8")) == document()


def test_is_served_without_a_key(app: Flask) -> None:
    answer = app.test_client().get("/api/v1/openapi.json")
    assert answer.status_code == 200
    assert answer.json == document()


def test_is_openapi_that_a_program_can_follow() -> None:
    said = document()
    assert said["openapi"].startswith("3.1.")
    names = [operation["operationId"] for path in said["paths"].values() for operation in path.values()]
    assert len(names) == len(set(names)) == len(CALLS)
    for name, schema in said["components"]["schemas"].items():
        Draft202012Validator.check_schema(schema)
        assert schema["type"] == "object", name
    for schema in schemas(said["paths"]):
        Draft202012Validator.check_schema(schema)
    for target in re.findall(r'"\$ref": "#/([^"]+)"', json.dumps(said)):
        found = said
        for part in target.split("/"):
            found = found[part]


@every(CALLS)
def test_describes_what_the_path_names(call: Call) -> None:
    assert PARAMETER.findall(call.path) == list(call.path_fields)


@every(WITH_BODY)
def test_shows_an_example_that_is_allowed(call: Call) -> None:
    assert call.example is not None
    Draft202012Validator({**call.body, "additionalProperties": False}).validate(call.example)  # type: ignore[dict-item]


def test_lists_every_code_somewhere() -> None:
    answered = {code for call in CALLS for code in call.problems}
    assert answered <= set(PROBLEMS)
    assert set(PROBLEMS) - answered == NEVER_ANSWERED


def send(caller: Caller, call: Call, body: Any = None, **headers: str) -> Any:
    """The call on things that are not there."""
    path = PARAMETER.sub("nothing", call.path)
    more = {} if call.body is None else {"json": body if body is not None else {}}
    return caller.call(call.method, path, headers, **more)


def test_needs_the_keys_and_scopes_that_are_told(app: Flask, caller: Caller) -> None:
    for call in CALLS:
        bare = send(Caller(app.test_client()), call)
        if call.public:
            assert bare.status_code == 200, name_of(call)
        else:
            assert problem(bare) == (401, "unauthenticated"), name_of(call)


def test_needs_an_idempotency_key_where_it_is_told(caller: Caller) -> None:
    for call in CALLS:
        if call.public:
            continue
        answer = send(caller, call)
        missing = answer.status_code >= 400 and answer.json["code"] == "idempotency_key_missing"
        assert missing == call.once, f"{name_of(call)}: {answer.text}"


def test_takes_the_fields_that_are_told_and_no_others(caller: Caller) -> None:
    """Sent with nonsense in it, every field is looked at but the one that nobody knows."""
    for call in WITH_BODY:
        path = PARAMETER.sub("nothing", call.path)
        for number, name in enumerate([*call.body["properties"], "nothing_else"]):  # type: ignore[index]
            headers = {"Idempotency-Key": f"{call.operation_id}-{number}"} if call.once else {}
            answer = caller.call(call.method, path, headers, json={name: {"no": ["sense"]}, "nobody_knows": 1})
            errors = answer.json["errors"]  # type: ignore[index]
            unknown = {each["field"] for each in errors if each["message"] == "unknown field"}
            assert unknown - {"nothing_else"} == {"nobody_knows"}, f"{name_of(call)}: {name}: {answer.text}"
