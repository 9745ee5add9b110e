"""Attempts are counted where every worker sees them."""

from __future__ import annotations

import threading
from datetime import timedelta

import time_machine
from flask import Flask

from app import create_app
from billing import attempts, clock
from config import Settings
from tests.web.conftest import PASSWORD, Visitor
from web import throttle

WINDOW = timedelta(minutes=15)


def test_every_worker_counts_the_same_attempts__F131(app: Flask, settings: Settings, ana: Visitor) -> None:
    workers = [app, create_app(settings)]
    answers = [
        Visitor(workers[number % 2].test_client()).sign_in("ana@example.com", "wrong guess").status_code
        for number in range(11)
    ]
    assert answers == [401] * 10 + [429]


def test_attempts_at_once_are_all_counted(app: Flask) -> None:
    refused = []

    def attempt() -> None:
        with app.app_context():
            refused.append(attempts.count_attempt("somebody", 10, WINDOW) is not None)

    threads = [threading.Thread(target=attempt) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(refused) == [False] * 10 + [True] * 6


def test_a_new_window_begins_when_one_is_over(app: Flask) -> None:
    assert [attempts.count_attempt("somebody", 1, WINDOW) is None for _ in range(2)] == [True, False]
    with time_machine.travel(clock.wall_now() + WINDOW + timedelta(seconds=1)):
        assert attempts.count_attempt("somebody", 1, WINDOW) is None
    assert attempts.forget_attempts() == 0, "this window is not over yet"


def test_registering_is_throttled_by_address(app: Flask) -> None:
    for number in range(100):
        with app.test_request_context(environ_base={"REMOTE_ADDR": f"2001:db8::{number:x}"}):
            throttle.count_attempt("register", f"eva{number}@example.com")
    client = app.test_client()
    client.environ_base["REMOTE_ADDR"] = "2001:db8::ffff"
    form = {"email": "eva@example.com", "password": PASSWORD, "locale": "en"}
    answer = Visitor(client).send("/register", **form)
    assert answer.status_code == 429, "the whole network of an IPv6 address counts as one"
    assert 0 < int(answer.headers["Retry-After"]) <= 3600
    client.environ_base["REMOTE_ADDR"] = "2001:db8:0:1::1"
    assert Visitor(client).send("/register", **form).status_code == 303
