"""One effect for each Idempotency-Key, however often, at whatever moment and by how many it is sent."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from sqlalchemy import select, text

from billing import api_keys, audit, checkout, clock, quotes, replies
from billing.db import db
from billing.models import Reply
from tests.api.conftest import Caller, problem
from tests.api.crowd import at_once
from tests.stripe_world import Shop, count

GIFT = {"customer": "ada", "amount": 10, "description": "gift"}


@pytest.fixture
def ada(shop: Shop) -> int:
    return shop.customer("ada")


def test_request_sent_again_is_answered_byte_for_byte(biller: Caller, shop: Shop, ada: int) -> None:
    first, again = (biller.post("/credits", GIFT, key="gift-1") for _ in range(2))
    assert (first.status_code, first.headers.get("Idempotent-Replayed")) == (201, None)
    assert (again.status_code, again.headers["Idempotent-Replayed"]) == (201, "true")
    assert again.data == first.data
    assert again.content_type == first.content_type
    assert shop.entries(ada, "staff") == [10]


def test_same_request_written_otherwise_is_the_same(biller: Caller, shop: Shop, ada: int) -> None:
    spaced = json.dumps(dict(reversed(GIFT.items())), indent=4)
    biller.post("/credits", GIFT, key="gift-1")
    again = biller.call(
        "POST", "/credits", headers={"Idempotency-Key": "gift-1"}, data=spaced, content_type="application/json"
    )
    assert again.headers["Idempotent-Replayed"] == "true"
    assert shop.entries(ada, "staff") == [10]


def test_key_that_comes_with_another_body_is_refused__F047(biller: Caller, shop: Shop, ada: int) -> None:
    shop.customer("bea")
    biller.post("/credits", GIFT, key="gift-1")
    for other in ({**GIFT, "amount": 11}, {**GIFT, "customer": "bea"}, {**GIFT, "amount": True}):
        assert problem(biller.post("/credits", other, key="gift-1")) == (422, "idempotency_key_reused")
    assert shop.entries(ada, "staff") == [10]


def test_key_belongs_to_its_app_and_call__F049(biller: Caller, shop: Shop, ada: int) -> None:
    other = Caller(biller.client, api_keys.create_key("other-app", ["billing:write"]).secret)
    for caller in (biller, other):
        assert caller.post("/credits", GIFT, key="k").status_code == 201
    assert shop.entries(ada, "staff") == [10, 10]


def test_second_key_of_an_app_replays_the_first_ones_answer(biller: Caller, shop: Shop, ada: int) -> None:
    rotated = Caller(biller.client, api_keys.rotate_key("studio").secret)
    assert biller.post("/credits", GIFT, key="k").data == rotated.post("/credits", GIFT, key="k").data
    assert shop.entries(ada, "staff") == [10]


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        (None, (400, "idempotency_key_missing")),
        ("", (422, "invalid")),
        (" ", (422, "invalid")),
        ("a b", (422, "invalid")),
        ("k" * 256, (422, "invalid")),
        ("clé", (422, "invalid")),
        ("cle\u0301".encode().decode("latin-1"), (422, "invalid")),
        ("k\x7f", (422, "invalid")),
    ],
)
def test_key_that_is_none_is_refused__F154_F155(
    biller: Caller, shop: Shop, ada: int, key: str | None, expected: tuple[int, str]
) -> None:
    headers = {} if key is None else {"Idempotency-Key": key}
    answer = biller.call("POST", "/credits", headers=headers, json=GIFT)
    assert problem(answer) == expected
    assert answer.json
    assert expected[0] == 400 or answer.json["errors"][0]["field"] == "Idempotency-Key"
    assert shop.entries(ada, "staff") == []


def test_longest_key_and_keys_that_differ_by_case_are_keys__F155(biller: Caller, shop: Shop, ada: int) -> None:
    for key in ("~" * 255, "key", "KEY"):
        assert biller.post("/credits", GIFT, key=key).status_code == 201
    assert shop.entries(ada, "staff") == [10, 10, 10]


def test_lasting_refusal_is_remembered(biller: Caller, shop: Shop) -> None:
    for number, body in enumerate(({**GIFT, "customer": "eve"}, {**GIFT, "amount": -1})):
        first, again = (biller.post("/credits", body, key=f"k{number}") for _ in range(2))
        assert problem(first) == ((404, "not_found"), (422, "invalid"))[number]
        assert again.data == first.data
        assert again.content_type == "application/problem+json"
        assert again.headers["Idempotent-Replayed"] == "true"
    shop.customer("eve")
    assert biller.post("/credits", {**GIFT, "customer": "eve"}, key="k0").status_code == 404


def test_body_that_cannot_be_read_takes_no_key(biller: Caller, shop: Shop, ada: int) -> None:
    for data, kind in ((b"{", "application/json"), (b"a=1", "application/x-www-form-urlencoded"), (b"", None)):
        answer = biller.call("POST", "/credits", headers={"Idempotency-Key": "k"}, data=data, content_type=kind)
        assert answer.status_code in (400, 415)
    assert biller.post("/credits", GIFT, key="k").status_code == 201


def test_thirty_at_once_with_one_key_are_one__F046(
    biller: Caller, shop: Shop, ada: int, environ: dict[str, str]
) -> None:
    answers = at_once(environ, biller, [("POST", "/credits", GIFT, "gift-1")] * 30)
    assert {status for status, _, _ in answers} == {201}
    assert len({body for _, _, body in answers}) == 1
    assert sorted(replayed for _, replayed, _ in answers) == [False, *[True] * 29]
    assert shop.entries(ada, "staff") == [10]


def test_answer_is_kept_for_its_time(biller: Caller, shop: Shop, ada: int) -> None:
    """Credits' for ever; others' thirty days, to the moment."""
    biller.post("/credits", GIFT, key="k")
    asked = replies.Asked("studio", "POST /holds", "k", b"hash")
    replies.once(asked, lambda: replies.Answer(201, "{}"), _never)
    assert replies.forget_old() == 0
    with time_machine.travel(clock.wall_now() + timedelta(days=30, seconds=1)):
        assert replies.forget_old() == 1
        assert biller.post("/credits", GIFT, key="k").headers["Idempotent-Replayed"] == "true"
    assert count(Reply) == 1


def test_cleaning_up_after_a_year_loses_nothing__F191(caller_with: Callable[..., Caller], shop: Shop, ada: int) -> None:
    app = caller_with("credits:read", "credits:spend", "billing:write")
    shop.sandbox.pay(checkout.start_pack_checkout(ada, "small").id)
    (paid,) = shop.events("checkout.session.completed")
    app.post("/credits", GIFT, key="k")
    hold = app.post("/holds", {"customer": "ada", "amount": 1}, key="k").json
    assert hold
    app.post(f"/holds/{hold['id']}/void", key="k")
    app.post("/quotes", {"customer": "ada", "action": "image"})
    books = [text(f"SELECT * FROM {table} ORDER BY 1, 2") for table in ("entries", "grants", "uses", "holds", "usage")]
    before = [db.session.execute(each).all() for each in books]
    db.session.rollback()
    with time_machine.travel(clock.wall_now() + timedelta(days=365)):
        assert (replies.forget_old(), quotes.forget_old(clock.now())) == (2, 1)
        assert [db.session.execute(each).all() for each in books] == before
        assert list(audit.audit()) == []
        db.session.rollback()
        assert shop.status(paid) == "duplicate"
        assert app.post("/credits", GIFT, key="k").headers["Idempotent-Replayed"] == "true"
    assert shop.entries(ada, "pack", "staff") == [100, 10]


def test_call_to_stripe_under_way_is_not_begun_twice(shop: Shop) -> None:
    asked = replies.Asked("studio", "POST /refunds", "k", b"hash")

    def second() -> str:
        with pytest.raises(Exception, match="still running"):
            replies.once_beyond_the_database(asked, lambda: replies.Answer(201, "twice"), _never)
        return "once"

    answer = replies.once_beyond_the_database(asked, lambda: replies.Answer(202, second()), _never)
    assert answer == replies.Answer(202, "once")
    again = replies.once_beyond_the_database(asked, lambda: replies.Answer(201, "twice"), _never)
    assert again == replies.Answer(202, "once", replayed=True)


def test_call_to_stripe_that_died_may_be_sent_again(shop: Shop) -> None:
    asked = replies.Asked("studio", "POST /refunds", "k", b"hash")
    replies._is_new(asked, clock.wall_now() + replies.LEASE)
    db.session.commit()
    with time_machine.travel(clock.wall_now() + replies.LEASE + timedelta(seconds=1)):
        answer = replies.once_beyond_the_database(asked, lambda: replies.Answer(201, "done"), _never)
    assert answer == replies.Answer(201, "done")


def test_call_to_stripe_that_fails_leaves_its_key_free(shop: Shop) -> None:
    asked = replies.Asked("studio", "POST /refunds", "k", b"hash")

    def fall() -> replies.Answer:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        replies.once_beyond_the_database(asked, fall, _never)
    for status in (503, 409):
        assert not replies.once_beyond_the_database(asked, _answer(status), _never).replayed
    assert db.session.scalars(select(Reply.key)).all() == []


def _answer(status: int) -> Any:
    return lambda: replies.Answer(status, "{}")


def _never(error: Exception) -> replies.Answer:
    raise AssertionError(error)
