"""A job under a hold: captured when it is done, never when it failed."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

import pytest
from saldo import Hold, HoldExpired, InsufficientCredits, JobFailed, Saldo

from tests.client.answers import captured, ended, placed
from tests.client.playback import LOST, Playback, problem


def paths(server: Playback) -> list[str]:
    return [request.path.removeprefix("/api/v1") for request in server.requests]


def test_captures_when_the_job_is_done(credits: Saldo, server: Playback) -> None:
    server.play(placed(), captured())
    with credits.hold("ada", "image.generate", expires_in=60, reference="job-1") as hold:
        assert (hold.id, hold.amount, hold.is_open) == ("hold_1", Decimal(5), True)
    assert paths(server) == ["/holds", "/holds/hold_1/capture"]
    assert server.requests[0].json == {
        "customer": "ada",
        "action": "image.generate",
        "reference": "job-1",
        "expires_in": 60,
    }
    assert server.requests[1].json == {}
    assert hold.charge is not None
    assert (hold.charge.amount, hold.is_open) == (Decimal(5), False)


def test_captures_the_real_length(credits: Saldo, server: Playback) -> None:
    server.play(placed(), captured())
    with credits.hold("ada", "audio.generate", units=60) as hold:
        hold.capture(units=42)
    assert server.requests[1].json == {"units": 42}
    assert len(server.requests) == 2


def test_charges_nothing_when_the_job_raises(credits: Saldo, server: Playback) -> None:
    server.play(placed(), ended())
    with pytest.raises(ZeroDivisionError), credits.hold("ada", "image.generate"):
        1 / 0  # noqa: B018
    assert paths(server) == ["/holds", "/holds/hold_1/void"]


def test_fails_by_the_reason_that_the_job_gives(credits: Saldo, server: Playback) -> None:
    server.play(placed(), ended())
    with pytest.raises(JobFailed, match="moderation"), credits.hold("ada", "image.generate"):
        raise JobFailed("moderation")
    assert paths(server)[1] == "/holds/hold_1/fail"
    assert server.requests[1].json == {"reason": "moderation"}


def test_lets_the_error_of_the_job_through_when_the_hold_cannot_be_ended(
    credits: Saldo, server: Playback, caplog: pytest.LogCaptureFixture
) -> None:
    server.play(placed(), LOST)
    with pytest.raises(ZeroDivisionError), credits.hold("ada", "image.generate"):
        1 / 0  # noqa: B018
    assert "hold_1 could not be ended" in caplog.text


def test_leaves_a_hold_alone_that_was_ended_inside(credits: Saldo, server: Playback) -> None:
    server.play(placed(), ended(), placed(), ended())
    with credits.hold("ada", "image.generate") as hold:
        hold.void()
    with pytest.raises(ZeroDivisionError), credits.hold("ada", "image.generate") as hold:
        raise ZeroDivisionError(hold.fail("timeout"))
    assert paths(server) == ["/holds", "/holds/hold_1/void", "/holds", "/holds/hold_1/fail"]


def test_does_not_run_the_job_without_a_hold(credits: Saldo, server: Playback) -> None:
    server.play(problem(402, "insufficient_credits", required=5, available=0, shortfall=5))
    with pytest.raises(InsufficientCredits), credits.hold("ada", "image.generate"):
        pytest.fail("the job ran")


def test_tells_that_the_hold_ended_before_the_job(credits: Saldo, server: Playback) -> None:
    server.play(placed(), problem(409, "hold_expired"))
    with pytest.raises(HoldExpired), credits.hold("ada", "image.generate"):
        pass


def test_says_the_same_end_twice_under_the_same_key(credits: Saldo, server: Playback) -> None:
    server.play(placed(), captured())
    hold = credits.hold("ada", "image.generate")
    hold.capture(units=3)
    hold.capture(units=3)
    hold.capture(units=4)
    assert server.keys[1] == server.keys[2] != server.keys[3]


def test_decorates_a_function(credits: Saldo, server: Playback) -> None:
    @credits.charged("image.generate", customer="user_id", quantity=2)
    def draw(prompt: str, user_id: str = "nobody") -> str:
        """Draws."""
        return prompt.upper()

    server.play(placed(), captured())
    assert draw("a cat", "ada") == "A CAT"
    assert paths(server) == ["/holds", "/holds/hold_1/capture"]
    assert server.requests[0].json == {"customer": "ada", "action": "image.generate", "quantity": 2}
    assert (draw.__name__, draw.__doc__) == ("draw", "Draws.")


def test_decorates_a_function_that_knows_its_real_length(credits: Saldo, server: Playback) -> None:
    class User:
        id = "ada"

    @credits.charged("audio.generate", customer=lambda user, *_: user.id, units=60)
    def speak(user: User, text: str, hold: Hold) -> int:
        hold.capture(units=len(text))
        return len(text)

    server.play(placed(), captured())
    assert speak(User(), "hello") == 5  # type: ignore[call-arg]
    assert server.requests[0].json["customer"] == "ada"
    assert server.requests[1].json == {"units": 5}


def test_holds_nothing_for_a_call_that_cannot_run(credits: Saldo, server: Playback) -> None:
    @credits.charged("image.generate", customer="user_id")
    def draw(user_id: str) -> None: ...

    with pytest.raises(TypeError):
        draw()  # type: ignore[call-arg]
    with pytest.raises(TypeError):
        draw("ada", colour="red")  # type: ignore[call-arg]
    assert server.requests == []


def test_refuses_to_decorate_what_returns_before_it_runs(credits: Saldo) -> None:
    async def later(user_id: str) -> None: ...

    def bit_by_bit(user_id: str) -> Iterator[int]:
        yield 1

    for job in (later, bit_by_bit):
        with pytest.raises(TypeError, match="plain functions"):
            credits.charged("image.generate", customer="user_id")(job)
    with pytest.raises(TypeError, match="no parameter"):
        credits.charged("image.generate", customer="who")(lambda user_id: None)
