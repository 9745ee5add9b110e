"""Apps debit, hold, capture, void, fail and give back; each answer has the contract's keys and exact figures."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from billing import adjustments
from billing.money import MICRO
from tests.api.conftest import Caller, exact, problem
from tests.api.crowd import at_once
from tests.api.spending_world import endow, environ
from tests.conftest import Clock

__all__ = ["endow", "environ"]

Endow = Callable[..., int]


@pytest.fixture
def app_caller(caller_with: Callable[..., Caller]) -> Caller:
    """An app that spends and may also read and bill."""
    return caller_with("credits:read", "credits:spend", "billing:write")


@pytest.fixture
def ada(endow: Endow) -> int:
    return endow("ada", 100)


def available(caller: Caller, customer: str = "ada") -> Any:
    return exact(caller.get(f"/customers/{customer}/balance"))["available"]


def test_debit_answers_with_entry_price_and_balance(app_caller: Caller, ada: int) -> None:
    asked = {
        "customer": "ada",
        "action": "chat",
        "model": "small",
        "input_tokens": 1000,
        "output_tokens": 500,
        "reference": "job-1",
        "description": "Hola ☀",
        "metadata": {"temperature": 0.7, "tags": ["a", None, True], "n": 3},
        "agent": "writer",
        "thread": "t1",
        "execution": "x1",
    }
    answer = app_caller.post("/debits", asked)
    assert answer.status_code == 201
    body = exact(answer)
    assert body.keys() == {"debit", "amount", "would_refuse", "balance", "quotas"}
    # (1000 × 0.15 + 500 × 0.60) / 1 000 000 USD × 2 / 0.01 USD
    assert body["amount"] == Decimal("0.09")
    assert body["balance"] == {"balance": Decimal("99.91"), "held": 0, "available": Decimal("99.91")}
    assert (body["would_refuse"], body["quotas"]) == (None, [])
    debit = body["debit"]
    assert (debit["kind"], debit["reason"], debit["amount"]) == ("DEBIT", "action", Decimal("-0.09"))
    assert (debit["action"], debit["reference"], debit["description"]) == ("chat", "job-1", "Hola ☀")
    assert debit["actor"] == {"type": "app", "id": "studio"}
    assert debit["metadata"] == {"temperature": Decimal("0.7"), "tags": ["a", None, True], "n": 3}
    assert exact(app_caller.get("/customers/ada/entries", reference="job-1"))["data"] == [debit]


@pytest.mark.parametrize(
    ("amount", "left"), [("5", "95"), ("5.0", "95"), ("0.000001", "99.999999"), ("100", "0"), ("1e1", "90")]
)
def test_debit_of_an_amount_is_exact__F145(app_caller: Caller, ada: int, amount: str, left: str) -> None:
    answer = app_caller.call(
        "POST",
        "/debits",
        headers={"Idempotency-Key": "k"},
        data=f'{{"customer": "ada", "amount": {amount}}}',
        content_type="application/json",
    )
    assert answer.status_code == 201
    assert f'"available":{left}}}' in answer.text


def test_debit_of_more_than_there_is_says_how_much_is_missing(app_caller: Caller, ada: int) -> None:
    answer = app_caller.post("/debits", {"customer": "ada", "action": "text", "quantity": 11})
    assert problem(answer) == (402, "insufficient_credits")
    body = exact(answer)
    assert (body["required"], body["available"], body["shortfall"]) == (110, 100, 10)
    assert (body["action"], body["topup_url"]) == (
        "buy_credits",
        f"http://127.0.0.1:8000/packs?needed={body['required']}",
    )
    assert available(app_caller) == 100


def test_refusal_that_may_pass_is_not_remembered(app_caller: Caller, ada: int) -> None:
    asked = {"customer": "ada", "amount": 150}
    assert app_caller.post("/debits", asked, key="k").status_code == 402
    adjustments.grant_credits(ada, 50 * MICRO, "more", "operator")
    answer = app_caller.post("/debits", asked, key="k")
    assert (answer.status_code, "Idempotent-Replayed" in answer.headers) == (201, False)
    assert available(app_caller) == 0


def test_debit_beyond_a_limit_says_which_and_when_it_resets(app_caller: Caller, ada: int) -> None:
    asked = {"customer": "ada", "action": "image", "quantity": 2}
    first = exact(app_caller.post("/debits", asked))
    assert first["quotas"][0]["remaining"] == 1
    answer = app_caller.post("/debits", asked)
    assert problem(answer) == (429, "quota_exceeded")
    body = exact(answer)
    assert [body[name] for name in ("resource", "limit", "used", "remaining", "period")] == [
        *("images", 3, 2, 1, "month")
    ]
    assert body["resets_at"].endswith("-01T00:00:00Z")
    assert body["upgrade_url"] == "http://127.0.0.1:8000/plans"
    assert available(app_caller) == 90


def test_debit_beyond_the_customers_own_limit_counts_credits(app_caller: Caller, ada: int) -> None:
    app_caller.call("PATCH", "/customers/ada", json={"monthly_limit": 12.5})
    assert app_caller.post("/debits", {"customer": "ada", "action": "text"}).status_code == 201
    answer = app_caller.post("/debits", {"customer": "ada", "action": "text"})
    assert problem(answer) == (429, "quota_exceeded")
    body = exact(answer)
    assert [body[name] for name in ("resource", "limit", "used", "remaining")] == ["spending", Decimal("12.5"), 10, 2.5]


def test_debit_that_needs_a_subscription_says_where_to_get_it(app_caller: Caller, ada: int) -> None:
    answer = app_caller.post("/debits", {"customer": "ada", "action": "private", "influencer": "luna"})
    assert problem(answer) == (403, "subscription_required")
    body = exact(answer)
    assert body["influencer"] == "luna"
    assert body["subscribe_url"] == "http://127.0.0.1:8000/influencers/luna"


@pytest.mark.parametrize("path", ["/debits", "/holds", "/quotes"])
def test_order_for_an_influencer_whom_nobody_knows_is_a_slip(app_caller: Caller, ada: int, path: str) -> None:
    asked = {"customer": "ada", "action": "text", "influencer": "luma"}
    assert problem(app_caller.post(path, asked)) == (404, "not_found")
    assert available(app_caller) == 100


def test_debit_that_is_only_observed_is_let_through_and_noted(app_caller: Caller, endow: Endow) -> None:
    endow("poor", 5)
    body = exact(app_caller.post("/debits", {"customer": "poor", "action": "tried"}))
    assert (body["debit"], body["amount"], body["would_refuse"]) == (None, 7, "credits")
    assert body["balance"]["available"] == 5


def test_null_is_as_if_left_out(app_caller: Caller, ada: int) -> None:
    nothing = dict.fromkeys(("action", "quantity", "units", "model", "influencer", "quote", "metadata", "agent"))
    for path in ("/debits", "/holds"):
        assert app_caller.post(path, {"customer": "ada", "amount": 1, **nothing}).status_code == 201


@pytest.mark.parametrize(
    ("asked", "code", "fields"),
    [
        ({"action": "TEXT"}, "invalid", {"action"}),
        ({"action": "dance"}, "unknown_action", {"action"}),
        ({"action": "chat", "model": "huge", "input_tokens": 1}, "unknown_action", {"model"}),
        ({"action": "chat", "model": "small"}, "unit_out_of_range", {"input_tokens", "output_tokens"}),
        ({"action": "video"}, "unit_out_of_range", {"units"}),
        ({"action": "video", "units": 61}, "unit_out_of_range", {"units"}),
        ({"action": "private"}, "invalid", {"influencer"}),
        ({"action": "text", "amount": 1}, "invalid", {"action", "amount"}),
        ({}, "invalid", {"action", "amount"}),
        ({"amount": 1, "quantity": 2}, "invalid", {"quantity"}),
    ],
)
def test_order_that_cannot_be_meant_names_its_field(
    app_caller: Caller, ada: int, asked: dict[str, Any], code: str, fields: set[str]
) -> None:
    for path in ("/debits", "/holds"):
        answer = app_caller.post(path, {"customer": "ada", **asked})
        assert problem(answer) == (422, code)
        assert answer.json
        assert {each["field"] for each in answer.json["errors"]} == fields
    assert available(app_caller) == 100


def test_debit_is_given_back_in_parts_and_never_more(app_caller: Caller, ada: int) -> None:
    debit = exact(app_caller.post("/debits", {"customer": "ada", "action": "image", "quantity": 2}))["debit"]
    path = f"/debits/{debit['id']}/refunds"
    back = app_caller.post(path, {"amount": 4, "reason": "one failed"}, key="k")
    assert back.status_code == 201
    entry = exact(back)
    assert (entry["kind"], entry["reason"], entry["amount"]) == ("REFUND", "debit_refunded", 4)
    assert (entry["reverses"], entry["description"]) == (debit["id"], "one failed")
    assert app_caller.post(path, {"amount": 4, "reason": "one failed"}, key="k").data == back.data
    assert problem(app_caller.post(path, {"amount": 7})) == (422, "refund_exceeds")
    assert exact(app_caller.post(path))["amount"] == 6
    assert available(app_caller) == 100
    (images, _) = exact(app_caller.get("/customers/ada/quotas"))["data"]
    assert images["used"] == 0
    for other in ("en_1_999", "en_9999_1", "nonsense", "%00"):
        assert problem(app_caller.post(f"/debits/{other}/refunds")) == (404, "not_found")


def test_hold_is_captured_in_part_and_the_rest_is_free__F064(app_caller: Caller, ada: int) -> None:
    answer = app_caller.post("/holds", {"customer": "ada", "amount": 60, "reference": "job-1"})
    assert answer.status_code == 201
    hold = exact(answer)
    assert hold.keys() == {*("id", "customer", "amount", "captured", "status", "expires_at", "reference", "balance")}
    assert (hold["customer"], hold["amount"], hold["captured"], hold["status"]) == ("ada", 60, 0, "active")
    assert hold["balance"] == {"balance": 100, "held": 60, "available": 40}
    assert exact(app_caller.get(f"/holds/{hold['id']}")) == hold
    path = f"/holds/{hold['id']}/capture"
    assert problem(app_caller.post(path, {"amount": 61})) == (422, "capture_exceeds_hold")
    captured = app_caller.post(path, {"amount": 45}, key="c")
    body = exact(captured)
    assert body.keys() == {"hold", "debit", "balance"}
    assert (body["hold"]["status"], body["hold"]["captured"], body["debit"]["amount"]) == ("captured", 45, -45)
    assert [used["amount"] for used in body["debit"]["grants"]] == [45]
    assert exact(app_caller.get("/customers/ada/entries"))["data"][0] == body["debit"]
    assert body["balance"] == {"balance": 55, "held": 0, "available": 55}
    assert problem(app_caller.post(path, {"amount": 1})) == (409, "hold_already_captured")
    assert app_caller.post(path, {"amount": 45}, key="c").data == captured.data


def test_hold_is_captured_by_what_was_done(app_caller: Caller, ada: int) -> None:
    hold = exact(app_caller.post("/holds", {"customer": "ada", "action": "video", "units": 60}))
    assert hold["amount"] == 12
    path = f"/holds/{hold['id']}/capture"
    both = app_caller.post(path, {"amount": 1, "units": 25})
    assert both.json
    assert {each["field"] for each in both.json["errors"]} == {"units"}
    assert exact(app_caller.post(path, {"units": 25}))["debit"]["amount"] == -6


def test_hold_is_voided_once__F066(app_caller: Caller, ada: int) -> None:
    hold = exact(app_caller.post("/holds", {"customer": "ada", "amount": 60}))
    path = f"/holds/{hold['id']}"
    voided = app_caller.post(f"{path}/void", key="v")
    assert exact(voided)["hold"]["status"] == "voided"
    assert exact(voided)["balance"]["available"] == 100
    for end in ("void", "capture"):
        assert problem(app_caller.post(f"{path}/{end}")) == (409, "hold_already_voided")
    assert app_caller.post(f"{path}/void", key="v").data == voided.data


def test_hold_that_fails_is_charged_the_catalogs_share(app_caller: Caller, ada: int) -> None:
    for reason, charged in (("moderation", 6), ("timeout", 0)):
        hold = exact(app_caller.post("/holds", {"customer": "ada", "action": "video", "units": 60}))
        failed = exact(app_caller.post(f"/holds/{hold['id']}/fail", {"reason": reason}))
        assert failed.keys() == {"hold", "balance"}
        assert failed["hold"]["captured"] == charged
    assert available(app_caller) == 94


def test_hold_without_an_end_lasts_15_minutes__F072(app_caller: Caller, ada: int, clock: Clock) -> None:
    hold = exact(app_caller.post("/holds", {"customer": "ada", "amount": 60}))
    clock.advance(minutes=14, seconds=50)
    assert available(app_caller) == 40
    clock.advance(seconds=11)
    assert available(app_caller) == 100
    assert exact(app_caller.get(f"/holds/{hold['id']}"))["status"] == "expired"
    assert problem(app_caller.post(f"/holds/{hold['id']}/capture")) == (409, "hold_expired")


def test_same_key_on_debits_and_holds_is_two__F049(app_caller: Caller, ada: int) -> None:
    asked = {"customer": "ada", "amount": 10}
    for path in ("/debits", "/holds"):
        assert app_caller.post(path, asked, key="k").status_code == 201
    assert problem(app_caller.post("/debits", {**asked, "customer": "bea"}, key="k")) == (
        *(422, "idempotency_key_reused"),
    )
    assert available(app_caller) == 80


def test_hold_that_is_not_there_is_404(app_caller: Caller, ada: int) -> None:
    debit = exact(app_caller.post("/debits", {"customer": "ada", "amount": 1}))["debit"]
    for hold_id in ("ho_1_999", "ho_999_1", debit["id"], debit["id"].replace("en_", "ho_"), "%00", "x" * 300):
        assert problem(app_caller.get(f"/holds/{hold_id}")) == (404, "not_found")
        assert problem(app_caller.post(f"/holds/{hold_id}/void")) == (404, "not_found")


def test_quotas_are_listed_and_set_back_for_a_reason(app_caller: Caller, ada: int) -> None:
    app_caller.post("/debits", {"customer": "ada", "action": "voice"})
    asked = {"customer": "ada", "action": "voice"}
    assert app_caller.post("/debits", asked).status_code == 429
    listed = exact(app_caller.get("/customers/ada/quotas"))["data"]
    assert [each["resource"] for each in listed] == ["images", "voices"]
    assert listed[1] == {
        "resource": "voices",
        "limit": 1,
        "used": 1,
        "remaining": 0,
        "period": "lifetime",
        "resets_at": None,
    }
    reset = exact(app_caller.post("/customers/ada/quotas/voices/reset", {"reason": "sold again"}))
    assert (reset["resource"], reset["used"]) == ("voices", 0)
    assert app_caller.post("/debits", asked).status_code == 201
    assert problem(app_caller.post("/customers/ada/quotas/dances/reset", {"reason": "x"})) == (404, "not_found")


def test_fifty_debits_at_once_spend_what_is_there_and_no_more__F045(
    app_caller: Caller, ada: int, environ: dict[str, str]
) -> None:
    asked = {"customer": "ada", "amount": 10}
    answers = at_once(environ, app_caller, [("POST", "/debits", asked, f"k{number}") for number in range(50)])
    assert Counter(status for status, _, _ in answers) == {201: 10, 402: 40}
    assert available(app_caller) == 0


def test_one_debit_thirty_times_at_once_is_one__F046(app_caller: Caller, ada: int, environ: dict[str, str]) -> None:
    asked = {"customer": "ada", "amount": 70}
    answers = at_once(environ, app_caller, [("POST", "/debits", asked, "k")] * 30)
    assert {status for status, _, _ in answers} == {201}
    assert len({body for _, _, body in answers}) == 1
    assert available(app_caller) == 30


def test_capture_and_void_at_once_leave_one_end__F067(app_caller: Caller, ada: int, environ: dict[str, str]) -> None:
    holds = [exact(app_caller.post("/holds", {"customer": "ada", "amount": 5}))["id"] for _ in range(8)]
    acts = [(hold, act) for hold in holds for act in ("capture", "void", "capture")]
    answers = at_once(
        environ,
        app_caller,
        [("POST", f"/holds/{hold}/{act}", {}, f"{act}{number}") for number, (hold, act) in enumerate(acts)],
    )
    for hold in holds:
        of_it = [answer[0] for answer, (whose, _) in zip(answers, acts, strict=True) if whose == hold]
        assert sorted(of_it) == [200, 409, 409]
