"""One app's flood is its own: its key waits, other keys and Stripe's webhooks do not."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from datetime import timedelta

import pytest
import time_machine
from flask import Flask
from limits.errors import StorageError
from limits.storage import MemoryStorage
from limits.strategies import FixedWindowRateLimiter

from api.call_counts import CallCounts
from app import create_app
from billing import clock
from config import SettingsError, load_settings
from tests.api.conftest import Caller, problem
from tests.stripe_world import Shop, sample

LIMIT = 5


@pytest.fixture
def environ(environ: dict[str, str]) -> dict[str, str]:
    """Five calls an hour, so that a test is soon over it."""
    return environ | {"API_RATE_LIMIT": f"{LIMIT}/hour"}


def test_lets_a_key_at_ten_times_its_limit_wait_and_nobody_else__F208(
    shop: Shop, caller_with: Callable[..., Caller]
) -> None:
    shop.customer("ada")
    greedy, modest = caller_with("credits:read"), caller_with("credits:read")
    answers = [greedy.get("/customers/ada/balance") for _ in range(10 * LIMIT)]
    assert [each.status_code for each in answers] == [200] * LIMIT + [429] * 9 * LIMIT
    assert problem(answers[-1]) == (429, "rate_limited")
    assert 0 < int(answers[-1].headers["Retry-After"]) <= 3600
    assert modest.get("/customers/ada/balance").status_code == 200
    for number in range(2 * LIMIT):
        event = sample("customer.subscription.updated") | {"id": f"evt_{number}"}
        assert shop.post(event).status_code == 200


def test_does_nothing_for_a_call_over_the_limit(shop: Shop, caller_with: Callable[..., Caller]) -> None:
    biller = caller_with("billing:write", "credits:read")
    made = [biller.post("/customers", {"id": f"user-{number}"}).status_code for number in range(LIMIT + 1)]
    assert made == [201] * LIMIT + [429]
    other = caller_with("credits:read")
    assert other.get(f"/customers/user-{LIMIT - 1}").status_code == 200
    assert other.get(f"/customers/user-{LIMIT}").status_code == 404


def test_counts_again_when_the_time_is_over(shop: Shop, reader: Caller) -> None:
    for _ in range(LIMIT):
        reader.get("/customers/ada")
    wait = int(reader.get("/customers/ada").headers["Retry-After"])
    with time_machine.travel(clock.wall_now() + timedelta(seconds=wait + 1)):
        assert reader.get("/customers/ada").status_code == 404


def test_counts_calls_without_a_key_by_address(shop: Shop, stranger: Caller, reader: Caller) -> None:
    shop.customer("ada")
    assert [stranger.get("/plans").status_code for _ in range(LIMIT + 1)] == [200] * LIMIT + [429]
    forged = {"X-Forwarded-For": "203.0.113.7", "Forwarded": "for=203.0.113.7"}
    assert stranger.call("GET", "/plans", headers=forged).status_code == 429, "no proxy of ours says so"
    assert reader.get("/customers/ada").status_code == 200, "a key counts for itself"


def test_counts_guesses_at_keys_by_address(shop: Shop, app: Flask) -> None:
    guesses = [Caller(app.test_client(), f"sk_saldo_{number}").get("/customers/ada") for number in range(LIMIT + 1)]
    assert [each.status_code for each in guesses] == [401] * LIMIT + [429]


def test_keeps_several_limits_at_once(environ: dict[str, str], shop: Shop) -> None:
    app = create_app(load_settings(environ | {"API_RATE_LIMIT": "100/hour; 2/day"}))
    answers = [app.test_client().get("/api/v1/plans").status_code for _ in range(3)]
    assert answers == [200, 200, 429]


def test_forgets_names_whose_time_is_over() -> None:
    counts = CallCounts()
    assert [counts.incr("a", 10), counts.incr("a", 10), counts.incr("b", 100)] == [1, 2, 1]
    with time_machine.travel(clock.wall_now() + timedelta(seconds=70)):
        assert (counts.get("a"), counts.get("b")) == (0, 1)
        assert counts.incr("c", 10) == 1
        assert counts.reset() == 2
    assert counts.get("b") == 0


class _GoneStorage(MemoryStorage):
    """A store that does not answer."""

    def incr(self, key: str, expiry: float, amount: int = 1) -> int:
        raise StorageError(ConnectionError("10.1.2.3 refused"))


def test_lets_everybody_in_while_the_counters_are_away(app: Flask, shop: Shop, reader: Caller) -> None:
    """What is counted protects from one app; that it is not must not stop all of them."""
    shop.customer("ada")
    app.extensions["api_calls"] = FixedWindowRateLimiter(_GoneStorage())
    assert {reader.get("/customers/ada").status_code for _ in range(2 * LIMIT)} == {200}


@pytest.mark.skipif(importlib.util.find_spec("redis") is not None, reason="the package is there")
def test_refuses_to_start_without_the_package_of_the_store(environ: dict[str, str]) -> None:
    settings = load_settings(environ | {"RATELIMIT_STORAGE_URI": "redis://:pazzword@10.1.2.3"})
    with pytest.raises(SettingsError, match="RATELIMIT_STORAGE_URI needs a package") as refused:
        create_app(settings)
    assert "pazzword" not in str(refused.value)
