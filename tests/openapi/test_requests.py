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
from billing import checkout
from billing.adjustments import grant_credits
from billing.money import MICRO
from config import ROOT
from tests.api.conftest import Caller, exact
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


EXAMPLES = [pytest.param(3, id="few"), pytest.param(40, id="many", marks=pytest.mark.slow)]
"""Of each call, allowed and broken, on each engine."""

STRICT = strict(copy.deepcopy(DOCUMENT))
SELDOM = {
    "delete_influencer_subscriptions_subscription",
    "post_subscriptions_subscription_pause",
    "post_subscriptions_subscription_resume",
}
"""Of the few subscriptions there are, the calls that come before may have ended each."""

HERE = "urn:saldo:openapi"
REGISTRY: Any = Registry().with_resource(HERE, DRAFT202012.create_resource(STRICT))


def faults(place: list[str], body: Any) -> list[str]:
    """What a body has that the schema at this place of the document does not tell."""
    pointer = "/".join(quote(part.replace("~", "~0").replace("/", "~1"), safe="~") for part in place)
    validator = Draft202012Validator(
        {"$ref": f"{HERE}#/{pointer}"}, registry=REGISTRY, format_checker=Draft202012Validator.FORMAT_CHECKER
    )
    return [f"{error.json_path}: {error.message[:300]}" for error in validator.iter_errors(body)]


@pytest.fixture
def known(shop: Shop, caller: Caller) -> dict[str, list[Any]]:
    """Ids of things that are there, by the names that fields have."""
    account_id = shop.customer("ada")
    for started in (
        checkout.start_pack_checkout(account_id, "small"),
        checkout.start_pack_checkout(account_id, "large"),
        checkout.start_influencer_checkout(account_id, "luna", "basic"),
    ):
        shop.sandbox.pay(started.id)
    shop.sandbox.flush()
    grant_credits(account_id, 1_000_000 * MICRO, "for many requests", "operator")
    payments = ids_of(caller, "/customers/ada/payments")
    refund = {"credits": "keep", "reason": "duplicate"}
    image = {"customer": "ada", "action": "image"}
    return {
        "customer": ["ada", "ada", "grace"],
        "influencer": ["luna", "nico", "gone"],
        "action": ["image", "audio", "chat"],
        "plan": ["basic"],
        "pack": ["small"],
        "tier": ["basic", "gold"],
        "resource": ["spending", "searches"],
        "payment": payments,
        "subscription": ids_of(caller, "/customers/ada/subscriptions"),
        "debit": [
            *ids_of(caller, "/customers/ada/entries"),
            *(make(caller, "/debits", image)["debit"]["id"] for _ in range(8)),
        ],
        "hold": [make(caller, "/holds", image)["id"] for _ in range(20)],
        "quote": [make(caller, "/quotes", image)["id"]],
        "refund": [make(caller, "/refunds", {**refund, "payment": payments.pop()})["id"]],
        "cursor": ["nonsense"],
        "origin": ["https://app.example.com"],
        "url": ["https://app.example.com/hook"],
    }


def ids_of(caller: Caller, path: str) -> list[str]:
    return [each["id"] for each in exact(caller.get(path))["data"]]


def make(caller: Caller, path: str, body: dict[str, Any]) -> Any:
    answer = caller.call("POST", path, {"Idempotency-Key": str(uuid4())}, json=body)
    assert answer.status_code < 300, answer.text
    return exact(answer)


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
    done = set()
    for call in CALLS:
        if call.public:
            statuses = {check(call, caller.get(call.path))}
        else:
            statuses = ask(caller, call, known, examples, valid=valid)
        if min(statuses) < 300:
            done.add(call.operation_id)
    if valid and examples > 10:
        assert {call.operation_id for call in CALLS} - done <= SELDOM, "what is allowed is done, not only refused well"


def ask(caller: Caller, call: Call, known: dict[str, list[Any]], examples: int, *, valid: bool) -> set[int]:
    """Several requests of one call; answers the statuses that came."""
    statuses = set()

    @settings(
        max_examples=examples, deadline=None, database=None, derandomize=True, suppress_health_check=list(HealthCheck)
    )
    @given(st.data())
    def ask_once(data: st.DataObject) -> None:
        statuses.add(check(call, send(caller, call, data, known, valid=valid)))

    ask_once()
    return statuses


def test_adds_up_use_to_the_first_day_of_the_calendar(caller: Caller, shop: Shop) -> None:
    """Thirty days before it there is no calendar."""
    shop.customer("ada")
    assert caller.get("/customers/ada/usage", to="0001-01-01T00:00:00Z").status_code == 200


def test_documents_are_one() -> None:
    assert document() == DOCUMENT
