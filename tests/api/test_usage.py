"""Apps ask prices beforehand, tell of work afterwards, and read what was used."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from tests.api.conftest import Caller, exact, problem
from tests.api.crowd import at_once
from tests.api.spending_world import endow, environ
from tests.conftest import Clock

__all__ = ["endow", "environ"]

CHAT = {"action": "chat", "model": "small"}


@pytest.fixture
def spender(caller_with: Callable[..., Caller], endow: Callable[..., int]) -> Caller:
    """An app that spends and reads, and its customer ada with 100 credits."""
    endow("ada", 100)
    return caller_with("credits:read", "credits:spend")


def event(number: int, **more: Any) -> dict[str, Any]:
    return {"id": f"e{number}", "customer": "ada", "action": "text", **more}


def test_quote_tells_the_price_and_reserves_nothing(spender: Caller) -> None:
    answer = spender.post("/quotes", {"customer": "ada", "action": "text", "quantity": 12})
    assert answer.status_code == 200
    quote = exact(answer)
    assert quote.keys() == {"id", "amount", "available", "affordable", "shortfall", "blocked_by", "expires_at"}
    assert [quote[name] for name in ("amount", "available", "affordable", "shortfall", "blocked_by")] == [
        *(120, 100, False, 20, "credits")
    ]
    assert (
        exact(spender.post("/quotes", {"customer": "ada", "action": "image", "quantity": 4}))["blocked_by"] == "quota"
    )
    asked = {"customer": "ada", "action": "private", "influencer": "luna"}
    assert exact(spender.post("/quotes", asked))["blocked_by"] == "subscription"
    assert exact(spender.get("/customers/ada/balance"))["available"] == 100


def test_quote_holds_for_the_same_order_until_it_expires(spender: Caller, clock: Clock) -> None:
    asked = {"customer": "ada", "action": "text"}
    quote = exact(spender.post("/quotes", asked))["id"]
    assert exact(spender.post("/debits", {**asked, "quote": quote}))["amount"] == 10
    other = spender.post("/debits", {**asked, "quantity": 2, "quote": quote})
    assert problem(other) == (422, "invalid")
    assert other.json
    assert other.json["errors"][0]["field"] == "quote"
    clock.advance(days=1)
    assert problem(spender.post("/debits", {**asked, "quote": quote})) == (422, "invalid")
    assert problem(spender.post("/debits", {**asked, "quote": "qu_unknown"})) == (404, "not_found")


def test_quote_is_for_an_action(spender: Caller) -> None:
    answer = spender.post("/quotes", {"customer": "ada", "amount": 5})
    assert problem(answer) == (422, "invalid")
    assert answer.json
    assert {each["field"] for each in answer.json["errors"]} == {"action", "amount"}
    assert problem(spender.post("/quotes", {"customer": "eve", "action": "text"})) == (404, "not_found")


def test_batch_answers_for_each_event_in_order(spender: Caller, endow: Callable[..., int]) -> None:
    endow("poor", 5)
    events = [
        event(1),
        event(2, customer="poor"),
        event(3, customer="eve"),
        event(4, action="dance"),
        event(1),
        event(5, action=None, amount=2.5),
        event(6, occurred_at="2001-01-01T00:00:00Z"),
        event(7, influencer="nobody"),
    ]
    answer = spender.post("/usage", {"events": events})
    assert answer.status_code == 200
    assert exact(answer)["results"] == [
        {"id": "e1", "status": "recorded", "amount": 10},
        {"id": "e2", "status": "rejected", "amount": None, "code": "insufficient_credits"},
        {"id": "e3", "status": "rejected", "amount": None, "code": "not_found"},
        {"id": "e4", "status": "rejected", "amount": None, "code": "unknown_action"},
        {"id": "e1", "status": "duplicate", "amount": 10},
        {"id": "e5", "status": "recorded", "amount": Decimal("2.5")},
        {"id": "e6", "status": "rejected", "amount": None, "code": "invalid"},
        {"id": "e7", "status": "rejected", "amount": None, "code": "not_found"},
    ]
    assert exact(spender.get("/customers/ada/balance"))["available"] == Decimal("87.5")


def test_rejected_event_may_be_sent_again(spender: Caller, endow: Callable[..., int]) -> None:
    endow("poor", 5)
    for credits, status in ((0, "rejected"), (5, "recorded"), (0, "duplicate")):
        endow("poor", credits)
        (result,) = exact(spender.post("/usage", {"events": [event(1, customer="poor")]}))["results"]
        assert result["status"] == status


def test_event_that_has_no_shape_refuses_the_batch_at_its_place(spender: Caller) -> None:
    for broken, field in (
        (5, "events[1]"),
        ({}, "events[1].id"),
        (event(2, quantity=0), "events[1].quantity"),
        (event(2, id="x" * 201), "events[1].id"),
        (event(2, occurred_at="now"), "events[1].occurred_at"),
        (event(2, price=1), "events[1].price"),
        (event(2, amount=1), "events[1].amount"),
    ):
        answer = spender.post("/usage", {"events": [event(1), broken]})
        assert problem(answer) == (422, "invalid")
        assert answer.json
        assert field in {each["field"] for each in answer.json["errors"]}
    for events in ([], None, {}, [event(number) for number in range(1001)]):
        assert problem(spender.post("/usage", {"events": events})) == (422, "invalid")
    assert exact(spender.get("/customers/ada/usage-events"))["data"] == []


def test_thousand_events_are_one_call(spender: Caller) -> None:
    events = [event(number, action=None, amount=0.1, reference="bulk") for number in range(1000)]
    results = exact(spender.post("/usage", {"events": events}))["results"]
    assert Counter(each["status"] for each in results) == {"recorded": 1000}
    assert exact(spender.get("/customers/ada/balance"))["available"] == 0


def test_batches_at_once_record_each_event_once(spender: Caller, environ: dict[str, str]) -> None:
    batch = {"events": [event(number, action=None, amount=1) for number in range(20)]}
    answers = at_once(environ, spender, [("POST", "/usage", batch, "-")] * 8)
    assert {status for status, _, _ in answers} == {200}
    assert exact(spender.get("/customers/ada/balance"))["available"] == 80


def test_use_is_added_up_by_every_trait(spender: Caller) -> None:
    tokens = {"input_tokens": 1_000_000, "output_tokens": 100_000}
    events = [
        {"id": "a", "customer": "ada", **CHAT, **tokens, "agent": "writer", "thread": "t", "execution": "x"},
        event(1, agent="writer"),
        event(2, influencer="luna"),
    ]
    assert {each["status"] for each in exact(spender.post("/usage", {"events": events}))["results"]} == {"recorded"}
    # (0.15 + 0.06) USD × 2 / 0.01 USD
    total = {"key": None, "calls": 3, **tokens, "credits": 62, "cost_usd": Decimal("0.21")}
    for group_by, keys in (
        ("action", {"chat": 42, "text": 20}),
        ("model", {"small": 42, None: 20}),
        ("agent", {"writer": 52, None: 10}),
        ("thread", {"t": 42, None: 20}),
        ("execution", {"x": 42, None: 20}),
        ("influencer", {"luna": 10, None: 52}),
    ):
        for path in ("/usage", "/customers/ada/usage"):
            body = exact(spender.get(path, group_by=group_by))
            assert body["total"] == total
            assert {each["key"]: each["credits"] for each in body["data"]} == keys
            assert body["data"][0].keys() == total.keys()
    (day,) = exact(spender.get("/usage"))["data"]
    assert len(day["key"]) == 10
    assert day["credits"] == 62
    assert exact(spender.get("/usage", **{"to": "2020-01-01T00:00:00Z"}))["data"] == []
    assert problem(spender.get("/usage", group_by="price")) == (422, "invalid")
    assert problem(spender.get("/usage", **{"from": "yesterday"})) == (422, "invalid")


def test_jobs_are_listed_page_by_page(spender: Caller) -> None:
    spender.post("/usage", {"events": [event(1, reference="job-1", agent="writer")]})
    spender.post("/debits", {"customer": "ada", "amount": 1})
    spender.post("/holds", {"customer": "ada", "amount": 2})
    first = exact(spender.get("/customers/ada/usage-events", limit=2))
    assert [(each["state"], each["amount"], each["credits"]) for each in first["data"]] == [
        *(("held", 2, 0), ("done", 1, 1))
    ]
    second = exact(spender.get("/customers/ada/usage-events", limit=2, cursor=first["next_cursor"]))
    (job,) = second["data"]
    assert (job["action"], job["reference"], job["agent"], job["credits"]) == ("text", "job-1", "writer", 10)
    assert second["next_cursor"] is None
    for wrong in ({"limit": 0}, {"cursor": "x"}, {"cursor": "999.1"}):
        assert problem(spender.get("/customers/ada/usage-events", **wrong)) == (422, "invalid")
