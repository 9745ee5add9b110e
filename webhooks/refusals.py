"""Counting refused webhooks without letting a flood of forgeries fill the log (F207)."""

from __future__ import annotations

import threading
import time
from collections import Counter

import structlog

import metrics

LOG_EVERY_SECONDS = 10.0

_log = structlog.get_logger(__name__)


class Refusals:
    """How many webhooks this process refused, by why; the log gets one line in ten seconds at most."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._since_last_line: Counter[str] = Counter()
        self._last_line_at = float("-inf")
        self.total: Counter[str] = Counter()

    def note(self, why: str) -> None:
        """One more refused; `why` is a fixed word (`mismatch`, `out_of_tolerance`, …), never from the request."""
        with self._lock:
            self.total[why] += 1
            metrics.count("saldo_webhooks_refused_total", why=why)
            self._since_last_line[why] += 1
            now = time.monotonic()
            if now - self._last_line_at < LOG_EVERY_SECONDS:
                return
            counts, self._since_last_line = self._since_last_line, Counter()
            self._last_line_at = now
        _log.warning("webhooks_refused", counts=dict(counts))


refusals = Refusals()
