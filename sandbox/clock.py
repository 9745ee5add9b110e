"""The one clock of the sandbox: real time plus an offset that a file shares with the receiver."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class Clock:
    """Virtual time in whole Unix seconds; it can be moved forward, never back (but for a reset)."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._standing_at: int | None = None
        try:
            self._offset_seconds = int(file.read_text().strip() or 0)
        except FileNotFoundError:
            self._write(0)

    def now(self) -> int:
        """Virtual Unix time."""
        return int(time.time()) + self._offset_seconds if self._standing_at is None else self._standing_at

    @contextmanager
    def standing(self) -> Iterator[None]:
        """Within, time moves by `step_to` alone: all that one act does happens in the same second, as at Stripe."""
        outer, self._standing_at = self._standing_at, self.now()
        try:
            yield
        finally:
            self._standing_at = outer

    @property
    def offset_seconds(self) -> int:
        """How far virtual time is ahead of real time."""
        return self._offset_seconds

    def step_to(self, at: int) -> None:
        """Move to a later moment (an earlier one changes nothing) and tell the file before returning."""
        ahead = at - self.now()
        if ahead > 0:
            self._write(self._offset_seconds + ahead)
            if self._standing_at is not None:
                self._standing_at = at

    def reset(self) -> None:
        """Back to real time; only sensible together with an empty state on both sides."""
        self._write(0)
        if self._standing_at is not None:
            self._standing_at = int(time.time())

    def _write(self, offset_seconds: int) -> None:
        # A reader must see the old or the new number, never half a file.
        self._file.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=self._file.parent, prefix=self._file.name)
        with os.fdopen(handle, "w") as stream:
            stream.write(f"{offset_seconds}\n")
        Path(name).replace(self._file)
        self._offset_seconds = offset_seconds
