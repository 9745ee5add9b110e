"""Whatever is sent to a call: no 5xx, a status that the document lists, and a body that it describes (R16)."""

from __future__ import annotations

import copy
import json
from typing import Any
from urllib.parse import quote
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from referencing import Registry
from referencing.jsonschema import DRAFT202012

from api.openapi import CALLS, Call, document
from api.openapi.call import PARAMETER
from config import ROOT
from tests.api.conftest import Caller, exact
from tests.openapi.conftest import CUSTOMER
from tests.openapi.drawing import allowed, broken, written
from tests.stripe_world import Shop

DOCUMENT = json.loads((ROOT / "docs/openapi.json").read_text(encoding="utf-8"))


def strict(node: Any) -> Any:
    """A copy in which objects have the fields that are told and no others: what is not described is a fault."""
    if isinstance(node, list):
        return [strict(each) for each in node]
    if not isinstance(node, dict):
        return node
    made = {key: strict(value) for key, value in node.items()}
    if isinstance(made.get("properties"), dict) and made.get("type") in ("object", ["object", "null"]):
        made.setdefault("additionalProperties", False)
    return made


EXAMPLES = [pytest.param(2, id="few"), pytest.param(40, id="many", marks=pytest.mark.slow)]
"""Of each call, allowed and broken, on each engine."""

STRICT = strict(copy.deepcopy(DOCUMENT))
HERE = "urn:saldo:openapi"
REGISTRY: Any = Registry().with_resource(HERE, DRAFT202012.create_resource(STRICT))


def faults(place: list[str], body: Any) -> list[str]:
    """What a body has that the schema at this place of the document does not tell."""
    pointer = "/".join(quote(part.replace("~", "~0").replace("/", "~1"), safe="~") for part in place)
    validator = Draft202012Validator(
        {"$ref": f"{HERE}#/{pointer}"}, registry=REGISTRY, format_checker=Draft202012Validator.FORMAT_CHECKER
    )
    return [f"{error.json_path}: {error.message[:300]}" for error in validator.iter_errors(body)]


def check(call: Call, answer: Any) -> int:
    """The answer is one that the document tells of; answers its status."""
    operation_at = ["paths", call.path, call.method.lower()]
    told = DOCUMENT["paths"][call.path][call.method.lower()]["responses"].get(str(answer.status_code))
    assert told, f"{call.method} {call.path} answers {answer.status_code}: {answer.text[:500]}"
    assert answer.mimetype in told["content"]
    if "json" not in answer.mimetype:
        return int(answer.status_code)
    body = exact(answer)
    place = [*operation_at, "responses", str(answer.status_code), "content", answer.mimetype, "schema"]
    found = faults(place, body)
    assert not found, f"{call.method} {call.path} {answer.status_code}: {found}"
    if answer.status_code >= 400:
        assert body["code"] in told["x-codes"], f"{call.method} {call.path} answers {body['code']}"
    return int(answer.status_code)


def send(caller: Caller, call: Call, data: st.DataObject, known: dict[str, list[Any]], *, valid: bool) -> Any:
    """One request drawn from the document."""
    path = call.path
    for name, schema in call.path_fields.items():
        value = data.draw(allowed(schema, known, name), name)
        path = path.replace(f"{{{name}}}", quote(str(value), safe=""))
    headers = {}
    if call.once and (valid or data.draw(st.integers(0, 9), "with key")):
        headers["Idempotency-Key"] = data.draw(st.uuids().map(str) | st.just("the same"), "key")
    query = {
        name: data.draw(allowed(schema, known, name) if valid else st.text(max_size=5) | st.just("\x00"), name)
        for name, schema in call.query.items()
        if data.draw(st.booleans(), f"with {name}")
    }
    more: dict[str, Any] = {}
    if call.body is not None:
        drawn = allowed(call.body, known).map(written) if valid else broken(call.body, known)
        more["data"] = data.draw(drawn, "body")
        more["content_type"] = "application/json"
    return caller.call(call.method, path, headers, query_string=query, **more)


@pytest.mark.parametrize("valid", [True, False], ids=["allowed", "broken"])
@pytest.mark.parametrize("examples", EXAMPLES)
def test_answers_as_the_document_says(caller: Caller, known: dict[str, list[Any]], examples: int, valid: bool) -> None:
    for call in CALLS:
        if call.public:
            check(call, caller.get(call.path))
        else:
            ask(caller, call, known, examples, valid=valid)


def ask(caller: Caller, call: Call, known: dict[str, list[Any]], examples: int, *, valid: bool) -> None:
    """Several requests of one call."""

    @settings(
        max_examples=examples, deadline=None, database=None, derandomize=True, suppress_health_check=list(HealthCheck)
    )
    @given(st.data())
    def ask_once(data: st.DataObject) -> None:
        check(call, send(caller, call, data, known, valid=valid))

    ask_once()


def test_does_what_the_examples_say(caller: Caller, known: dict[str, list[Any]]) -> None:
    """Each call with the body that the document shows, on things that are there."""
    for call in CALLS:
        path = call.path
        for name in PARAMETER.findall(path):
            value = known[name].pop(0) if name == "hold" else known[name][0]
            path = path.replace(f"{{{name}}}", value)
        headers = {"Idempotency-Key": str(uuid4())} if call.once else {}
        query = {"influencer": "nico-trail"} if call.path == "/influencer-subscriptions" and not call.body else {}
        body = None if call.body is None else {**(call.example or {})}
        if body and "payment" in body:
            body["payment"] = known["payment"][0]
        answer = caller.call(call.method, path, headers, query_string=query, **({} if body is None else {"json": body}))
        status = check(call, answer)
        assert status < 300, f"{call.method} {path}: {answer.text}"


def test_adds_up_use_to_the_first_day_of_the_calendar(caller: Caller, shop: Shop) -> None:
    """Thirty days before it there is no calendar."""
    shop.customer(CUSTOMER)
    assert caller.get(f"/customers/{CUSTOMER}/usage", to="0001-01-01T00:00:00Z").status_code == 200


def test_documents_are_one() -> None:
    assert document() == DOCUMENT
