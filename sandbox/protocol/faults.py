"""Faults on demand: the next calls that match are slow, refused, garbled or cut off."""

from __future__ import annotations

import re
import threading
from dataclasses import dataclass
from typing import Any

KINDS = ("latency", "429", "500", "401", "409", "html", "drop", "truncated", "forget_idempotency_keys")


@dataclass
class Fault:
    """One planted fault; it strikes ``times`` matching calls after skipping ``skip``."""

    kind: str
    times: int = 1
    skip: int = 0
    method: str | None = None
    path: str = ""
    """Regular expression searched in the path."""
    seconds: float = 0
    """Wait of ``latency``."""
    remember: bool = False
    """Whether a planted 500 is stored under the call's idempotency key, as a failure in mid-work is."""

    def matches(self, method: str, path: str) -> bool:
        return self.method in (None, method) and re.search(self.path, path) is not None


class Faults:
    """The planted faults, in the order in which they were planted."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._planted: list[Fault] = []

    def plant(self, fields: dict[str, Any]) -> Fault:
        """Plant a fault given as JSON. Raises ``ValueError`` for fields it does not know."""
        try:
            fault = Fault(**fields)
            re.compile(fault.path)
        except (TypeError, re.error) as error:
            raise ValueError(str(error)) from error
        if fault.kind not in KINDS:
            raise ValueError(f"kind is one of {', '.join(KINDS)}")
        with self._lock:
            self._planted.append(fault)
        return fault

    def strike(self, method: str, path: str) -> list[Fault]:
        """The faults that hit this call; each is used up by one."""
        hits = []
        with self._lock:
            for fault in self._planted:
                if not fault.matches(method, path):
                    continue
                if fault.skip > 0:
                    fault.skip -= 1
                elif fault.times > 0:
                    fault.times -= 1
                    hits.append(fault)
            self._planted = [fault for fault in self._planted if fault.times > 0]
        return hits

    def planted(self) -> list[dict[str, Any]]:
        """What still waits to strike."""
        with self._lock:
            return [vars(fault).copy() for fault in self._planted]

    def clear(self) -> None:
        """Pull them all out."""
        with self._lock:
            self._planted.clear()
