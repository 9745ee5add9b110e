"""Whatever comes in, in whatever field of whatever call: the documented 4xx that names the field, and no effect."""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from itertools import count
from typing import Any

import pytest

from billing.db import Base, db
from tests.api.conftest import Caller, problem
from tests.api.spending_world import endow, environ

__all__ = ["endow", "environ"]

ALL_SCOPES = ("credits:read", "credits:spend", "refunds:write", "billing:write")

NO_TEXT = ["5", "true", "[]", "{}", '""', '"\\u0000"', '"\\ud800"', json.dumps("x" * 10_001)]
NO_ID = [*NO_TEXT, '"a b"', '" "', '"../x"', '"%2e"', '"é"', '"a\\nb"', json.dumps("x" * 300)]
NO_NUMBER = ['""', '"5"', "-1", "1e400", "-1e400", "[]", "{}", "true", "false"]
NO_CREDITS = [*NO_NUMBER, "0", "0.0000001", "1000000000.000001", "1e-400", "9" * 400]
NO_COUNT = [*NO_NUMBER, "5.5", "5.0", "1e1", str(2**63), str(2**64), "9" * 400]
NO_TIME = [
    *NO_TEXT,
    *('"now"', '"2030-01-01"', '"2030-01-01T00:00:00"', '"2025-02-30T00:00:00Z"', '"2030-01-01T23:59:60Z"'),
    *('"10000-01-01T00:00:00Z"', '"1970-01-01T00:00:00Z"', '"0001-01-01T00:00:00+23:59"', '"２030-01-01T00:00:00Z"'),
]
NO_METADATA = [
    *("5", '"x"', "[]", "true", '{"a": "\\u0000"}', '{"\\ud800": 1}', '{"a": 1e400}', f'{{"a": {2**64}}}'),
    *('{"a": 0.1234567890123456}', '{"a": [[[[1]]]]}', json.dumps({"a": "x" * 10_001})),
]
NO_FLAG = ["0", "1", '"true"', "[]", "{}"]
NO_CHOICE = [*NO_TEXT, '"none"', '"PLAN"']

BAD: dict[str, list[str]] = {
    "text": NO_TEXT,
    "line": [*NO_TEXT, '"a\\u0007"', '"\\u202e"'],
    "id": NO_ID,
    "credits": NO_CREDITS,
    "limit": [*NO_NUMBER, "0.0000001", "1000000000000.000001"],
    "count": [*NO_COUNT, "0"],
    "tokens": NO_COUNT,
    "time": NO_TIME,
    "metadata": NO_METADATA,
    "flag": NO_FLAG,
    "list": ["[]", "{}", "5", '"x"', "[5]", "[[]]", "[null]"],
    "choice": NO_CHOICE,
}


@dataclass(frozen=True)
class Call:
    """A call with a body that is fine, which of its fields are needed, and what each may be."""

    method: str
    path: str
    fine: dict[str, Any]
    fields: dict[str, str]
    needed: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


ORDER = {
    **{"action": "id", "quantity": "count", "units": "count", "model": "text", "influencer": "id"},
    **{"input_tokens": "tokens", "output_tokens": "tokens"},
}
SPENDING = {
    **{"customer": "id", **ORDER, "quote": "text", "reference": "text", "description": "text"},
    **{"metadata": "metadata", "agent": "text", "thread": "text", "execution": "text"},
}
TEXT = {"customer": "ada", "action": "text"}
REFUND = {"payment": "text", "amount_minor": "count", "credits": "choice", "reason": "choice", "note": "text"}
CALLS = [
    Call("POST", "/debits", TEXT, SPENDING, ("customer",)),
    Call("POST", "/debits", {"customer": "ada", "amount": 1}, {"amount": "credits"}),
    Call("POST", "/debits/{debit}/refunds", {}, {"amount": "credits", "reason": "text"}),
    Call("POST", "/holds", TEXT, {**ORDER, "customer": "id", "expires_in": "count"}, ("customer",)),
    Call("POST", "/holds", {"customer": "ada", "amount": 1}, {"amount": "credits"}),
    Call(
        "POST",
        "/holds/{hold}/capture",
        {},
        {
            "amount": "credits",
            "quantity": "count",
            "units": "count",
            "input_tokens": "tokens",
            "output_tokens": "tokens",
        },
    ),
    Call("POST", "/holds/{hold}/void", {}, {}),
    Call("POST", "/quotes", TEXT, {**ORDER, "customer": "id"}, ("customer", "action")),
    Call("POST", "/usage", {"events": [{"id": "e", **TEXT}]}, {"events": "list"}, ("events",)),
    Call("POST", "/holds/{hold}/fail", {"reason": "timeout"}, {"reason": "choice"}, ("reason",)),
    Call(
        "POST",
        "/credits",
        {"customer": "ada", "amount": 1, "description": "gift"},
        {"customer": "id", "amount": "credits", "description": "text", "expires_at": "time", "influencer": "id"},
        ("customer", "amount", "description"),
    ),
    Call(
        "POST",
        "/customers",
        {"id": "ada"},
        {"id": "id", "email": "text", "name": "text", "locale": "choice"},
        ("id",),
    ),
    Call(
        "PATCH",
        "/customers/ada",
        {},
        {"email": "text", "name": "text", "locale": "choice", "monthly_limit": "limit"},
    ),
    Call("POST", "/customers/ada/quotas/images/reset", {"reason": "x"}, {"reason": "text"}, ("reason",)),
    Call(
        "POST",
        "/checkout-sessions",
        {"customer": "ada", "plan": "endless", "interval": "month"},
        {"customer": "id", "plan": "id", "interval": "choice", "return_path": "text"},
        ("customer", "interval"),
    ),
    Call("POST", "/checkout-sessions", {"customer": "ada", "pack": "x"}, {"pack": "id", "quantity": "count"}),
    Call(
        "POST",
        "/checkout-sessions",
        {"customer": "ada", "influencer": "luna", "tier": "basic"},
        {"influencer": "id", "tier": "id"},
        ("tier",),
    ),
    Call("POST", "/subscriptions/sn_x/cancel", {}, {"now": "flag"}),
    Call("POST", "/subscriptions/sn_x/resume", {}, {}),
    Call("POST", "/subscriptions/sn_x/pause", {}, {}),
    Call(
        "POST",
        "/influencer-subscriptions",
        {"customer": "ada", "influencer": "luna", "tier": "basic"},
        {"customer": "id", "influencer": "id", "tier": "id"},
        ("customer", "influencer", "tier"),
    ),
    Call(
        "POST",
        "/influencers",
        {"id": "vera", "name": "Vera"},
        {"id": "id", "name": "line", "handle": "line", "platform": "line", "niche": "line", "description": "text"},
        ("id", "name"),
    ),
    Call("PATCH", "/influencers/luna", {}, {"name": "line", "description": "text", "status": "choice"}),
    Call("POST", "/refunds/preview", {"payment": "pay_x", "credits": "keep"}, REFUND, ("payment", "credits")),
    Call(
        "POST",
        "/refunds",
        {"payment": "pay_x", "credits": "keep", "reason": "duplicate"},
        REFUND,
        ("payment", "credits", "reason"),
    ),
]


@dataclass
class World:
    """An app with every scope, and a debit and a hold to name in paths."""

    caller: Caller
    debit: str
    hold: str

    def send(self, call: Call, data: str | bytes, content_type: str | None = "application/json") -> Any:
        return self.caller.call(
            call.method,
            call.path.format(debit=self.debit, hold=self.hold),
            headers={"Idempotency-Key": secrets.token_hex(8)},
            data=data,
            content_type=content_type,
        )


@pytest.fixture
def world(caller_with: Callable[..., Caller], endow: Callable[..., int]) -> World:
    endow("ada", 100)
    caller = caller_with(*ALL_SCOPES)
    debit = caller.post("/debits", {"customer": "ada", "amount": 1}).json
    hold = caller.post("/holds", {"customer": "ada", "amount": 1}).json
    assert debit
    assert hold
    return World(caller, debit["debit"]["id"], hold["id"])


def contents() -> dict[str, Any]:
    """Every row there is, but for answers, which are to be remembered, and when a key was used."""
    db.session.rollback()
    tables = [table for table in Base.metadata.sorted_tables if table.name not in ("replies", "api_keys")]
    found = {table.name: sorted(map(repr, db.session.execute(table.select()))) for table in tables}
    db.session.rollback()
    return found


def with_field(fine: dict[str, Any], name: str, value: str) -> str:
    """A fine body, with this field as it stands here."""
    rest = json.dumps({other: each for other, each in fine.items() if other != name})[:-1]
    return f"{rest}{', ' if rest != '{' else ''}{json.dumps(name)}: {value}}}"


@pytest.mark.parametrize("every", [pytest.param(3, id="some"), pytest.param(1, id="all", marks=pytest.mark.slow)])
def test_wrong_value_is_refused_at_its_field__F145_F151_F157(world: World, every: int) -> None:
    """Each field gets every third value, another third than the field before it; by name each gets all."""
    before = contents()
    turn = count()
    for call in CALLS:
        for name, kind in call.fields.items():
            for value in BAD[kind][next(turn) % every :: every]:
                answer = world.send(call, with_field(call.fine, name, value))
                assert problem(answer) == (422, "invalid"), (str(call), name, value[:40], answer.text)
                named = {each["field"].split("[")[0] for each in answer.json["errors"]}
                assert name in named, (str(call), name, value[:40], answer.text)
    assert contents() == before


def test_missing_value_is_asked_for(world: World) -> None:
    before = contents()
    for call in CALLS:
        for name in call.needed:
            rest = {other: value for other, value in call.fine.items() if other != name}
            for body in (rest, {**rest, name: None}):
                answer = world.send(call, json.dumps(body))
                assert problem(answer) == (422, "invalid"), (str(call), name, answer.text)
                assert name in {each["field"] for each in answer.json["errors"]}
    assert contents() == before


def test_body_that_is_not_json_is_refused__F146_F153(world: World) -> None:
    before = contents()
    for call in CALLS:
        fine = json.dumps(call.fine)
        for text in ("NaN", "Infinity", "-Infinity", "nul", "01", "1e99999999999999999999", "[" * 100_000, "'x'"):
            answer = world.send(call, with_field(call.fine, "x", text))
            assert problem(answer) == (400, "malformed"), (str(call), text[:20])
        for data in (with_field({**call.fine, "x": 1}, "y", '1, "x": 1'), "[]", "null", "{", b"\xff\xfe", fine + fine):
            assert problem(world.send(call, data)) == (400, "malformed"), (str(call), data[:20])
        for content_type in ("text/plain", "application/x-www-form-urlencoded", None):
            answer = world.send(call, fine, content_type)
            assert problem(answer) == (415, "unsupported_media_type"), (str(call), content_type)
        large = with_field(call.fine, "x", json.dumps("a" * 1024 * 1024))
        assert problem(world.send(call, large)) == (413, "too_large")
    assert contents() == before


def test_unknown_field_is_named(world: World) -> None:
    before = contents()
    for call in CALLS:
        for name in ("price", "account_id", "x" * 10_000, "\u202e\u200d👩", "\r\nX: y", "customer\x00", "\ud800"):
            answer = world.send(call, with_field(call.fine, name, "1"))
            assert problem(answer) == (422, "invalid"), (str(call), name[:20])
            assert name[:64] in {each["field"] for each in answer.json["errors"]}
    assert contents() == before


def test_body_that_is_deeply_nested_is_refused(world: World) -> None:
    before = contents()
    for call in CALLS[:3]:
        for depth in (5, 100, 300, 600, 900, 950, 990, 5000):
            nested = '{"a":' * depth + "1" + "}" * depth
            assert world.send(call, with_field(call.fine, "metadata", nested)).status_code in (400, 422), depth
    assert contents() == before
