"""Counters of calls in this process. The library's own starts a thread at almost every count, to forget old ones."""

from __future__ import annotations

import threading
import time

from limits.storage import Storage

TIDY_EVERY_SECONDS = 60.0


class CallCounts(Storage):
    """How often each name was counted in its window; windows that are over are forgotten now and then, by a count."""

    STORAGE_SCHEME = ("saldo-memory",)

    def __init__(self) -> None:
        super().__init__()
        self._lock = threading.Lock()
        self._windows: dict[str, tuple[int, float]] = {}
        self._tidy_at = time.time() + TIDY_EVERY_SECONDS

    @property
    def base_exceptions(self) -> type[Exception]:
        """What a store that is away raises: this one never is."""
        return ValueError

    def incr(self, key: str, expiry: float, amount: int = 1) -> int:
        """Count, in a window that ends `expiry` seconds after its first count."""
        now = time.time()
        with self._lock:
            if now >= self._tidy_at:
                self._windows = {name: window for name, window in self._windows.items() if window[1] > now}
                self._tidy_at = now + TIDY_EVERY_SECONDS
            count, ends_at = self._windows.get(key, (0, 0.0))
            if ends_at <= now:
                count, ends_at = 0, now + expiry
            self._windows[key] = count + amount, ends_at
            return count + amount

    def get(self, key: str) -> int:
        """The count of the running window."""
        count, ends_at = self._windows.get(key, (0, 0.0))
        return count if ends_at > time.time() else 0

    def get_expiry(self, key: str) -> float:
        """When the running window ends."""
        return max(time.time(), self._windows.get(key, (0, 0.0))[1])

    def check(self) -> bool:
        """Whether the store answers."""
        return True

    def reset(self) -> int:
        """Forget everything; how many names that were."""
        with self._lock:
            forgotten = len(self._windows)
            self._windows = {}
        return forgotten

    def clear(self, key: str) -> None:
        """Forget one name."""
        with self._lock:
            self._windows.pop(key, None)
