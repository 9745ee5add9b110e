"""Many requests at the same moment, from several processes with several threads each, as servers get them."""

from __future__ import annotations

import multiprocessing
import time
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from typing import Any

from app import create_app
from billing.db import db
from config import load_settings
from tests.api.conftest import Caller

PROCESSES = 2
THREADS = 4

Asked = tuple[str, str, Any, str]
"""Method, path, body and Idempotency-Key."""
Answered = tuple[int, bool, str]
"""Status, whether it was replayed, and the body."""

_pool: list[ProcessPoolExecutor] = []


def at_once(environ: dict[str, str], caller: Caller, requests: list[Asked]) -> list[Answered]:
    """The answers, in the order of the requests."""
    if not _pool:
        _pool.append(ProcessPoolExecutor(PROCESSES, mp_context=multiprocessing.get_context("spawn")))
    shares = [requests[number::PROCESSES] for number in range(PROCESSES)]
    # A first round of nothing has both processes there before the common start.
    list(_pool[0].map(time.sleep, [0.05] * PROCESSES))
    start_at = time.time() + 1.0
    running = [_pool[0].submit(_ask, environ, caller.secret, share, start_at) for share in shares]
    answers = [each.result(timeout=120) for each in running]
    return [answers[number % PROCESSES][number // PROCESSES] for number in range(len(requests))]


def _ask(environ: dict[str, str], secret: str | None, share: list[Asked], start_at: float) -> list[Answered]:
    app = create_app(load_settings(environ))

    def ask(asked: Asked) -> Answered:
        method, path, body, key = asked
        headers = {"Authorization": f"Bearer {secret}", "Idempotency-Key": key}
        answer = app.test_client().open(f"/api/v1{path}", method=method, headers=headers, json=body)
        return answer.status_code, "Idempotent-Replayed" in answer.headers, answer.text

    time.sleep(max(0.0, start_at - time.time()))
    with ThreadPoolExecutor(THREADS) as threads:
        answers = list(threads.map(ask, share))
    with app.app_context():
        db.engine.dispose()
    return answers
