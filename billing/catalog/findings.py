"""What is noticed in a catalog file, and where."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from billing.catalog.lines import KeyPath, LineIndex
from billing.catalog.model import Text


@dataclass(frozen=True, slots=True)
class CatalogFinding:
    """What is `wrong` (the catalog can't be used) or `odd` (it can, but look again), and on which line.

    Line 0 is the file as a whole; `key` is the way to the value, `plans.basic.price.year`.
    """

    level: Literal["wrong", "odd"]
    file: str
    line: int
    key: str
    message: str

    def __str__(self) -> str:
        where = f"{self.file}, line {self.line}" if self.line else self.file
        return f"{where}: {self.key}: {self.message}" if self.key else f"{where}: {self.message}"


class Findings:
    """Collects what is noticed while a file is read."""

    def __init__(self, file: str, lines: LineIndex) -> None:
        self._file = file
        self._lines = lines
        self.found: list[CatalogFinding] = []
        self.texts: list[tuple[KeyPath, Text]] = []

    def wrong(self, path: KeyPath, message: str) -> None:
        """Note a mistake at a key."""
        self._add("wrong", path, message)

    def odd(self, path: KeyPath, message: str) -> None:
        """Note something that may be meant, but looks like a slip."""
        self._add("odd", path, message)

    def _add(self, level: Literal["wrong", "odd"], path: KeyPath, message: str) -> None:
        key = ".".join(f"[{part + 1}]" if isinstance(part, int) else part for part in path).replace(".[", "[")
        self.found.append(CatalogFinding(level, self._file, self._lines.line(path), key, message))
