"""Idempotency keys: the first answer of a POST is the answer of every repetition."""

from __future__ import annotations

import hashlib
import json
import threading
from dataclasses import dataclass
from typing import Any

from sandbox.protocol.errors import StripeFailure
from sandbox.store import Store


@dataclass(frozen=True)
class Answer:
    """A finished answer: HTTP status and JSON body."""

    status: int
    body: dict[str, Any]


class IdempotencyKeys:
    """Answers by key, kept with the state (Stripe keeps them for at least 24 hours, the sandbox for good)."""

    def __init__(self, store: Store, lock: threading.RLock) -> None:
        self._store, self._lock = store, lock
        self._running: set[str] = set()

    def begin(self, key: str, method: str, path: str, params: dict[str, Any]) -> Answer | None:
        """Reserve the key, or return the remembered answer.

        Raises 409 ``idempotency_key_in_use`` while the first request runs, and 400 ``idempotency_error`` when
        the key came with another path or other parameters.
        """
        if len(key) > 255:
            raise StripeFailure(400, "Idempotency keys are at most 255 characters long.", type="idempotency_error")
        mark = fingerprint(method, path, params)
        with self._lock:
            if key in self._running:
                raise StripeFailure(
                    409,
                    f"There is currently another in-progress request using this Idempotent Key: {key}",
                    type="idempotency_error",
                    code="idempotency_key_in_use",
                )
            kept = self._store.get("_answer", _answer_id(key))
            if kept is not None:
                if kept["mark"] != mark:
                    raise StripeFailure(
                        400,
                        "Keys for idempotent requests can only be used with the same parameters they were first"
                        f" used with. Try using a key other than '{key}' if you meant to execute a different request.",
                        type="idempotency_error",
                    )
                return Answer(kept["status"], kept["body"])
            self._running.add(key)
        return None

    def finish(self, key: str, method: str, path: str, params: dict[str, Any], answer: Answer | None) -> None:
        """Release the key and remember the answer; ``None`` remembers nothing."""
        with self._lock:
            self._running.discard(key)
            if answer is not None:
                mark = fingerprint(method, path, params)
                kept = {"object": "_answer", "id": _answer_id(key), "mark": mark}
                self._store.add({**kept, "status": answer.status, "body": answer.body})
                self._store.commit()

    def forget(self) -> None:
        """Lose every remembered answer."""
        with self._lock:
            for kept in self._store.all("_answer"):
                self._store.remove(kept)
            self._store.commit()


def _answer_id(key: str) -> str:
    """Never the id of an object, whatever the caller's key is."""
    return f"answer:{key}"


def fingerprint(method: str, path: str, params: dict[str, Any]) -> str:
    """What must be equal for two requests to count as the same."""
    return hashlib.sha256(json.dumps([method, path, params], sort_keys=True).encode()).hexdigest()
