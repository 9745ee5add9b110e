"""What a process remembers of its database, so that a busy call need not ask again: few things, none that may lie."""

from __future__ import annotations

import time
from typing import Any, Generic, TypeVar

from billing.db import is_elsewhere

MOST = 10_000
"""How much of one kind is remembered; then all of it is forgotten, which costs one question each."""

Key = TypeVar("Key")
Value = TypeVar("Value")

_kinds: list[dict[Any, Any]] = []


class Remembered(Generic[Key, Value]):
    """One kind of thing, remembered for ``seconds``, or for ever where it never changes."""

    def __init__(self, seconds: float | None = None) -> None:
        self._seconds = seconds
        self._kept: dict[Key, tuple[Value, float]] = {}
        _kinds.append(self._kept)

    def get(self, key: Key) -> Value | None:
        """What was put there under this key not too long ago; of a copy of the database nothing is remembered."""
        found = self._kept.get(key)
        if found is None or is_elsewhere():
            return None
        value, since = found
        if self._seconds is not None and not 0 <= time.monotonic() - since < self._seconds:
            return None
        return value

    def put(self, key: Key, value: Value) -> None:
        """Remember what was just read, and committed by whoever wrote it."""
        if is_elsewhere():
            return
        if len(self._kept) >= MOST:
            self._kept.clear()
        self._kept[key] = (value, time.monotonic())

    def forget(self) -> None:
        """Forget all of this kind, for it has changed."""
        self._kept.clear()


def configure() -> None:
    """Forget everything: a server begins, perhaps on another database."""
    for kept in _kinds:
        kept.clear()
