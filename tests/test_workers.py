"""What is true on one worker of gunicorn is true on all: a revoked key, and the counters. How long addresses may be."""

from __future__ import annotations

import os
import re
import signal
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import requests

from billing import api_keys
from tests.conftest import environ_for, rules_only
from tests.engines import Engine
from tests.sandbox_server import free_port
from tests.servers import Process, environ_with

pytestmark = pytest.mark.force

WORKERS = 3


class Server:
    """gunicorn with several workers on a database of its own, without a Stripe."""

    def __init__(self, folder: Path, database_url: str) -> None:
        self.database_url = database_url
        port = free_port()
        self.url = f"http://127.0.0.1:{port}"
        settings = environ_for(database_url) | {"PORT": str(port), "WEB_CONCURRENCY": str(WORKERS)}
        environ = environ_with(**settings, FLASK_SKIP_DOTENV="1")
        self.process = Process(folder / "server.log", environ, "gunicorn", "-c", "gunicorn.conf.py", "wsgi:app")
        self.process.wait_for(f"{self.url}/readyz")

    def statuses_everywhere(self, secret: str) -> set[int]:
        """What calls with this key answer, until each worker has answered some."""
        before, found, give_up_at = self.by_worker(), set[int](), time.monotonic() + 60
        while True:
            found |= self.statuses(secret)
            after = self.by_worker()
            if len(after) == WORKERS and all(after[row] > before.get(row, 0) for row in after):
                return found
            assert time.monotonic() < give_up_at, after

    def statuses(self, secret: str, calls: int = 30) -> set[int]:
        """What many calls at once answer, each on a connection of its own, so that any worker may take it."""

        def call(_: int) -> int:
            headers = {"Authorization": f"Bearer {secret}", "Connection": "close"}
            return requests.get(f"{self.url}/api/v1/customers/ada", headers=headers, timeout=30).status_code

        with ThreadPoolExecutor(12) as people:
            return set(people.map(call, range(calls)))

    def by_worker(self) -> dict[str, int]:
        """Worker → requests that it has answered, by whichever worker is asked."""
        text = requests.get(f"{self.url}/metrics", timeout=30).text
        return {row: int(n) for row, n in re.findall(r'saldo_worker_requests_total\{worker="(\d+)"\} (\d+)', text)}

    def workers(self) -> list[int]:
        """Process ids of the workers."""
        master = self.process.pid
        return [int(pid) for pid in Path(f"/proc/{master}/task/{master}/children").read_text().split()]


@pytest.fixture
def server(engine: Engine, tmp_path: Path) -> Iterator[Server]:
    url = engine.fresh()
    server = Server(tmp_path, url)
    try:
        yield server
    finally:
        server.process.kill()
        engine.drop(url)


def test_revokes_a_key_on_every_worker_within_a_second(server: Server) -> None:
    """Revoked from another process, as `flask keys revoke` and the staff page of any worker do."""
    with rules_only(server.database_url):
        doomed, kept = (api_keys.create_key("studio", ["credits:read"]) for _ in range(2))
        assert server.statuses_everywhere(doomed.secret) == {404}
        api_keys.revoke_key(doomed.key.id)
    time.sleep(api_keys.REMEMBERED_SECONDS)
    assert server.statuses_everywhere(doomed.secret) == {401}
    assert server.statuses(kept.secret, calls=6) == {404}
    _counters_survive_a_worker(server)


def _counters_survive_a_worker(server: Server) -> None:
    """A worker that dies leaves its counts to the one that takes its place."""
    counted = sum(server.by_worker().values())
    killed = server.workers()[0]
    os.kill(killed, signal.SIGKILL)
    give_up_at = time.monotonic() + 30
    while killed in server.workers() or len(server.workers()) < WORKERS:
        assert time.monotonic() < give_up_at
        time.sleep(0.05)
    assert server.statuses("sk_saldo_wrong", calls=30) == {401}
    after = server.by_worker()
    assert sum(after.values()) == counted + 1 + 30  # also the question before
    assert set(after) <= {"0", "1", "2"}, "the new worker counts in the dead one's row"


def test_long_address_is_answered_by_saldo_and_one_longer_still_by_a_bare_414(server: Server) -> None:
    longest = 8190 - len("GET  HTTP/1.1")
    call = requests.get(server.url + "/api/v1/".ljust(longest, "x"), timeout=30)
    assert (call.status_code, call.headers["Content-Type"]) == (404, "application/problem+json")
    page = requests.get(server.url + "/".ljust(longest, "x"), timeout=30)
    assert page.status_code == 404
    assert "There is nothing here" in page.text
    for begin in ("/api/v1/", "/"):
        refused = requests.get(server.url + begin.ljust(longest + 1, "x"), timeout=30)
        assert refused.status_code == 414
        assert "Server" not in refused.headers
        assert not re.search(r"gunicorn|Traceback|\bFile\b|/\d+\.\d+", refused.text)
        assert len(refused.text) < 400
