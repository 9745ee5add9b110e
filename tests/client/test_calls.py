"""One call: what goes out, what comes back, what is tried again, and what an app catches."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from saldo import (
    ApiError,
    Conflict,
    InsufficientCredits,
    Invalid,
    NotFound,
    QuotaExceeded,
    RateLimited,
    Refused,
    Saldo,
    SaldoError,
    SubscriptionRequired,
    Unauthenticated,
    Unavailable,
)

from config import ROOT
from tests.client.answers import TIME, charge, entry
from tests.client.playback import LOST, Answer, Playback, problem


def test_debits_an_action_with_a_key_of_its_own(credits: Saldo, server: Playback) -> None:
    server.play(charge())
    done = credits.debit("ada", "image.generate", reference="job-1")
    assert (done.amount, done.kept, done.would_refuse) == (Decimal(5), False, None)
    assert done.debit is not None
    assert done.debit.amount == Decimal(-5)
    (request,) = server.requests
    assert (request.method, request.path) == ("POST", "/api/v1/debits")
    assert request.json == {"customer": "ada", "action": "image.generate", "reference": "job-1"}
    assert request.headers["Authorization"] == "Bearer sk_app"
    credits.debit("ada", "image.generate")
    assert None not in server.keys
    assert len(set(server.keys)) == 2


def test_writes_and_reads_credits_digit_for_digit(credits: Saldo, server: Playback) -> None:
    server.play(Answer(201, b'{"debit":null,"amount":0.000001,"would_refuse":null,"quotas":[]}'))
    done = credits.debit("ada", amount=Decimal("0.100001"), metadata={"ratio": Decimal("1.10")})
    assert done.amount == Decimal("0.000001")
    assert '"amount":0.100001' in server.requests[0].text
    assert '"ratio":1.10' in server.requests[0].text


@pytest.mark.parametrize("amount", [0.1, True, None, [1]])
def test_refuses_amounts_that_are_not_exact(credits: Saldo, amount: object) -> None:
    with pytest.raises(TypeError):
        credits.debit("ada", amount=amount)  # type: ignore[arg-type]


@pytest.mark.parametrize("amount", ["five", "NaN", "Infinity", ""])
def test_refuses_text_that_is_no_number(credits: Saldo, amount: str) -> None:
    with pytest.raises(ValueError, match="no number"):
        credits.debit("ada", amount=amount)


def test_asks_for_an_action_or_an_amount(credits: Saldo) -> None:
    for wrong in ({}, {"action": "image.generate", "amount": 1}):
        with pytest.raises(TypeError, match="action"):
            credits.debit("ada", **wrong)  # type: ignore[arg-type]


def test_writes_ids_into_paths_safely(credits: Saldo, server: Playback) -> None:
    server.play(Answer(200, {"access": True, "tier": "basic", "until": TIME}))
    until = credits.access("a/../b?c", "luna").until
    assert server.requests[0].path == "/api/v1/customers/a%2F..%2Fb%3Fc/access/luna"
    assert until == datetime(2026, 11, 24, 18, tzinfo=UTC)


def test_reads_a_history_page_by_page(credits: Saldo, server: Playback) -> None:
    server.play(
        Answer(200, {"data": [entry(id="ent_2")], "next_cursor": "c2"}),
        Answer(200, {"data": [entry(id="ent_1")], "next_cursor": None}),
    )
    assert [line.id for line in credits.every_entry("ada", reference="job 1")] == ["ent_2", "ent_1"]
    assert [request.path.partition("?")[2] for request in server.requests] == [
        "reference=job+1&limit=100",
        "reference=job+1&limit=100&cursor=c2",
    ]


def test_tries_again_with_the_same_key(credits: Saldo, server: Playback, waits: list[float]) -> None:
    server.play(LOST, problem(503, "database_unavailable"), Answer(502, b"<html>"), charge())
    assert credits.debit("ada", "image.generate").amount == 5
    assert len(server.requests) == 4
    assert len(set(server.keys)) == 1
    assert len({request.text for request in server.requests}) == 1


def test_waits_longer_each_time_and_never_the_same(server: Playback) -> None:
    seen: list[list[float]] = []
    server.play(problem(503, "database_unavailable"))
    for _ in range(5):
        waits: list[float] = []
        with pytest.raises(Unavailable):
            Saldo(server.url, "sk_app", retries=4, sleep=waits.append).balance("ada")
        seen.append(waits)
    for waits in seen:
        assert [0.1 * 2**n <= wait <= 0.2 * 2**n for n, wait in enumerate(waits)] == [True] * 4
    assert len({tuple(waits) for waits in seen}) == 5


def test_waits_as_long_as_saldo_asks(credits: Saldo, server: Playback, waits: list[float]) -> None:
    server.play(problem(429, "rate_limited", headers={"Retry-After": "7"}), charge())
    credits.debit("ada", "image.generate")
    assert waits == [7.0]


def test_gives_up_where_the_wait_would_be_too_long(credits: Saldo, server: Playback, waits: list[float]) -> None:
    server.play(problem(429, "rate_limited", headers={"Retry-After": "60"}))
    with pytest.raises(RateLimited) as caught:
        credits.debit("ada", "image.generate")
    assert (caught.value.retry_after, waits, len(server.requests)) == (60.0, [], 1)


@pytest.mark.parametrize("header", ["soon", "-3", "Thu, 01 Jan 1970 00:00:00 GMT"])
def test_does_not_trip_over_a_strange_retry_after(credits: Saldo, server: Playback, header: str) -> None:
    server.play(problem(503, "stripe_unavailable", headers={"Retry-After": header}), charge())
    assert credits.debit("ada", "image.generate").amount == 5


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (problem(400, "malformed"), Invalid),
        (problem(401, "unauthenticated"), Unauthenticated),
        (problem(404, "not_found"), NotFound),
        (problem(409, "conflict"), Conflict),
        (problem(418, "teapot"), ApiError),
        (problem(422, "unknown_action"), Invalid),
        (problem(429, "quota_exceeded"), QuotaExceeded),
        (Answer(404, b"<html>nginx</html>"), NotFound),
        (Answer(301, b"", {"Location": "https://elsewhere.example"}), ApiError),
    ],
)
def test_does_not_repeat_what_would_be_refused_again(
    credits: Saldo, server: Playback, answer: Answer, error: type[ApiError]
) -> None:
    server.play(answer)
    with pytest.raises(error) as caught:
        credits.debit("ada", "image.generate")
    assert type(caught.value) is error
    assert len(server.requests) == 1


def test_tells_what_credits_are_missing_and_where_to_buy(credits: Saldo, server: Playback) -> None:
    figures = {"required": 5, "available": 0.003, "shortfall": 4.997, "topup_url": "https://s.example/packs"}
    server.play(problem(402, "insufficient_credits", action="buy_credits", **figures))
    with pytest.raises(Refused) as caught:
        credits.debit("ada", "image.generate")
    error = caught.value
    assert isinstance(error, InsufficientCredits)
    assert (error.required, error.available, error.shortfall) == (5, Decimal("0.003"), Decimal("4.997"))
    assert (error.link, error.request_id, error.code) == (error.topup_url, "req_1", "insufficient_credits")


def test_tells_which_limit_is_used_up(credits: Saldo, server: Playback) -> None:
    figures = {"resource": "searches", "limit": 10, "used": 10, "remaining": 0, "period": "month"}
    server.play(problem(429, "quota_exceeded", **figures, resets_at=TIME, upgrade_url="https://s.example/plans"))
    with pytest.raises(QuotaExceeded) as caught:
        credits.debit("ada", "profile.search")
    error = caught.value
    assert (error.resource, error.limit, error.used, error.remaining, error.period) == ("searches", 10, 10, 0, "month")
    assert error.resets_at == datetime(2026, 11, 24, 18, tzinfo=UTC)
    assert error.link == "https://s.example/plans"


def test_tells_which_subscription_is_needed(credits: Saldo, server: Playback) -> None:
    server.play(problem(403, "subscription_required", influencer="luna", subscribe_url="https://s.example/luna"))
    with pytest.raises(SubscriptionRequired) as caught:
        credits.debit("ada", "chat.send")
    assert (caught.value.influencer, caught.value.link) == ("luna", "https://s.example/luna")


def test_names_the_fields_that_are_wrong(credits: Saldo, server: Playback) -> None:
    server.play(problem(422, "invalid", errors=[{"field": "units", "message": "is required"}]))
    with pytest.raises(Invalid) as caught:
        credits.quote("ada", "audio.generate")
    assert caught.value.errors == [{"field": "units", "message": "is required"}]


def test_tells_whether_a_call_may_have_been_done(credits: Saldo, server: Playback) -> None:
    server.play(LOST)
    with pytest.raises(Unavailable) as caught:
        credits.debit("ada", "image.generate")
    assert caught.value.maybe_done
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        nobody = Saldo(f"http://127.0.0.1:{closed.getsockname()[1]}", "sk_app", retries=1, sleep=lambda _: None)
        with pytest.raises(Unavailable) as caught:
            nobody.debit("ada", "image.generate")
    assert not caught.value.maybe_done


def test_asks_again_while_the_first_call_still_runs(credits: Saldo, server: Playback) -> None:
    server.play(problem(409, "idempotency_in_progress"), charge())
    assert credits.debit("ada", "image.generate").amount == 5


def test_keeps_its_connection_and_opens_a_new_one_when_it_was_closed(credits: Saldo, server: Playback) -> None:
    server.play(charge())
    credits.debit("ada", "image.generate")
    first = credits._transport._kept.connection
    credits.debit("ada", "image.generate")
    assert credits._transport._kept.connection is first
    first.sock.shutdown(socket.SHUT_RDWR)
    assert credits.debit("ada", "image.generate").amount == 5
    assert credits._transport._kept.connection is not first


FORKS = """
import os, sys
from saldo import Saldo
credits = Saldo(sys.argv[1], "sk_app")
def pays():
    return credits.debit("ada", "image.generate").amount == 5
done = pays()
child = os.fork()
if child == 0:
    os._exit(0 if pays() else 1)
done = pays() and done
sys.exit(0 if done and os.waitpid(child, 0)[1] == 0 else 1)
"""


def test_opens_a_connection_of_its_own_after_a_fork(credits: Saldo, server: Playback) -> None:
    server.play(charge())
    # In a process without threads: one that has some may not be forked.
    environ = {**os.environ, "PYTHONPATH": str(ROOT / "clients" / "python")}
    ended = subprocess.run([sys.executable, "-c", FORKS, server.url], env=environ, timeout=60, check=False)
    assert ended.returncode == 0
    assert len({request.key for request in server.requests}) == 3


def test_says_when_the_address_is_not_that_of_a_saldo(credits: Saldo, server: Playback) -> None:
    server.play(Answer(200, b"<html>welcome</html>"))
    with pytest.raises(SaldoError, match="base_url"):
        credits.balance("ada")
    with pytest.raises(ValueError, match="base_url"):
        Saldo("credits.example.com", "sk_app")


def test_shows_its_key_nowhere(credits: Saldo, server: Playback) -> None:
    server.play(problem(401, "unauthenticated"))
    with pytest.raises(Unauthenticated) as caught:
        credits.balance("ada")
    assert "sk_app" not in repr(credits) + repr(caught.value) + str(caught.value.members)
