"""The database is held up or loses its connections: callers wait a little or hear 503, and nothing is lost."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest
from flask import Flask
from sqlalchemy import event, text
from werkzeug.test import TestResponse

from billing import api_keys, audit
from billing.db import BUSY_TIMEOUT_SECONDS, db
from billing.models import Customer
from tests.stripe_world import Shop, environ, post, sample, sandbox, shop

__all__ = ["environ", "sandbox", "shop"]


class Apps:
    """Several callers of one server at once."""

    def __init__(self, app: Flask) -> None:
        self._app = app
        self._headers = {"Authorization": f"Bearer {api_keys.create_key('studio', ['billing:write']).secret}"}

    def make_customer(self, public_id: str) -> TestResponse:
        """A call that writes: customer, account and first credits."""
        answer = self._app.test_client().post("/api/v1/customers", json={"id": public_id}, headers=self._headers)
        assert answer.status_code < 500 or (answer.status_code, answer.json["code"]) == (503, "database_unavailable")
        assert answer.status_code < 500 or int(answer.headers["Retry-After"]) > 0
        return answer

    def insist(self, public_id: str) -> int:
        """Call again until it is done; how often it was put off."""
        for put_off in range(200):
            if self.make_customer(public_id).status_code < 300:
                return put_off
            time.sleep(0.05)
        raise AssertionError("never answered")


@pytest.fixture
def apps(app: Flask, shop: Shop) -> Apps:
    return Apps(app)


@contextmanager
def another_writer(url: str) -> Iterator[None]:
    """Somebody else holds the whole SQLite file for writing, as a backup or an open shell can."""
    writer = sqlite3.connect(url.removeprefix("sqlite:///"), isolation_level=None, check_same_thread=False)
    writer.execute("BEGIN EXCLUSIVE")
    try:
        yield
    finally:
        writer.execute("ROLLBACK")
        writer.close()


def on_sqlite_only(url: str) -> None:
    if not url.startswith("sqlite"):
        pytest.skip("PostgreSQL has no lock on the whole file")


def test_waits_for_another_writer__F167(apps: Apps, database_url: str) -> None:
    on_sqlite_only(database_url)
    with ThreadPoolExecutor(4) as pool:
        with another_writer(database_url):
            waiting = [pool.submit(apps.make_customer, f"c{number}") for number in range(4)]
            time.sleep(0.5)
        assert [each.result().status_code for each in waiting] == [201] * 4


@pytest.mark.slow
def test_gives_up_on_another_writer_with_503__F167(apps: Apps, app: Flask, database_url: str) -> None:
    on_sqlite_only(database_url)

    def tell() -> Any:
        return post(app, sample("invoice.paid"))

    with ThreadPoolExecutor(5) as pool:
        with another_writer(database_url):
            began = time.monotonic()
            calls = [pool.submit(apps.make_customer, f"c{number}") for number in range(4)]
            assert pool.submit(tell).result().status_code == 503
            assert [each.result().status_code for each in calls] == [503] * 4
            assert BUSY_TIMEOUT_SECONDS - 1 < time.monotonic() - began < 3 * BUSY_TIMEOUT_SECONDS
        assert [apps.make_customer(f"c{number}").status_code for number in range(4)] == [201] * 4
        assert tell().status_code == 200


def test_full_disk_is_503_and_loses_nothing(apps: Apps, database_url: str) -> None:
    on_sqlite_only(database_url)

    def leave(pages: int) -> None:
        """Let the file grow by so many pages more; each connection is bound by its own limit, so all begin anew."""
        db.session.rollback()
        _limit["pages"] = db.session.scalar(text("PRAGMA page_count")) + pages
        db.session.rollback()
        db.engine.dispose()

    _limit: dict[str, int] = {}

    @event.listens_for(db.engine, "connect")
    def limit(connection: Any, _record: Any) -> None:
        connection.execute(f"PRAGMA max_page_count = {_limit['pages']}")

    try:
        leave(1)
        answers = [apps.make_customer(f"c{number}").status_code for number in range(120)]
        made = answers.count(201)
        assert answers == [201] * made + [503] * (120 - made)
        assert 0 < made < 120
        leave(10_000)
        assert [apps.make_customer(f"c{number}").status_code for number in range(120)] == [200] * made + [201] * (
            120 - made
        )
    finally:
        event.remove(db.engine, "connect", limit)
    assert list(audit.audit()) == []


@pytest.mark.parametrize("calls", [60, pytest.param(300, marks=pytest.mark.slow)])
def test_survives_its_connections_being_cut__F163(apps: Apps, database_url: str, calls: int) -> None:
    if database_url.startswith("sqlite"):
        pytest.skip("SQLite has no connections to cut")
    over = threading.Event()

    def cut() -> int:
        cuts = 0
        with psycopg.connect(database_url, autocommit=True) as admin:
            while not over.wait(0.03):
                cuts += admin.execute(
                    "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
                    " WHERE datname = current_database() AND pid <> pg_backend_pid()"
                ).fetchone()[0]  # type: ignore[index]
        return cuts

    with ThreadPoolExecutor(5) as pool:
        cutting = pool.submit(cut)
        try:
            put_off = sum(pool.map(apps.insist, (f"c{number}" for number in range(calls))))
        finally:
            over.set()
        cuts = cutting.result()
    assert cuts > put_off > 0
    assert apps.make_customer("afterwards").status_code == 201
    db.session.rollback()
    assert db.session.query(Customer).count() == calls + 1
    assert list(audit.audit()) == []
