"""Where in a TOML file each key stands, which `tomllib` does not tell.

`tomllib` has accepted the text before, so this walk only has to follow it, not to check it.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping

KeyPath = tuple[str | int, ...]
"""The way to a value: keys of tables and indexes of arrays."""

_TOKEN = re.compile(
    r'''"""(?:\\.|[^\\])*?"{3,5}|\'\'\'.*?'{3,5}'''  # text over several lines
    r"""|"(?:\\.|[^"\\])*"|'[^']*'"""
    r"""|\#[^\n]*|[\[\]{}=,.\n]|[ \t\r]+|[^\s\[\]{}=,.\#"']+""",
    re.DOTALL,
)


class LineIndex:
    """The line of every key, table and array element in a valid TOML text."""

    def __init__(self, text: str) -> None:
        self._lines: dict[KeyPath, int] = {(): 1}
        self._counts: dict[KeyPath, int] = {}
        self._tokens: list[tuple[str, int]] = []
        line = 1
        for match in _TOKEN.finditer(text):
            token = match[0]
            if not token.startswith("#") and token.strip(" \t\r"):
                self._tokens.append((token, line))
            line += token.count("\n")
        self._next = 0
        self._read_document()

    @property
    def lines(self) -> Mapping[KeyPath, int]:
        """Every known path and its line."""
        return self._lines

    def line(self, path: KeyPath) -> int:
        """The line of a path, or of the nearest table around it that is written down."""
        while path not in self._lines:
            path = path[:-1]
        return self._lines[path]

    def _peek(self) -> str:
        return self._tokens[self._next][0] if self._next < len(self._tokens) else ""

    def _take(self) -> str:
        token = self._peek()
        self._next += 1
        return token

    def _skip_newlines(self) -> None:
        while self._peek() == "\n":
            self._take()

    def _here(self) -> int:
        return self._tokens[min(self._next, len(self._tokens) - 1)][1]

    def _mark(self, table: KeyPath, key: tuple[str, ...], line: int) -> KeyPath:
        """Note `key` below `table`, and the tables that a dotted key makes on the way."""
        path = table
        for part in key:
            path = (*path, part)
            self._lines.setdefault(path, line)
        return path

    def _read_document(self) -> None:
        table: KeyPath = ()
        while True:
            self._skip_newlines()
            if not self._peek():
                return
            if self._peek() == "[":
                table = self._read_header()
            else:
                self._read_pair(table)

    def _read_header(self) -> KeyPath:
        line = self._here()
        brackets = 0
        while self._peek() == "[":
            self._take()
            brackets += 1
        key = self._read_key()
        for _ in range(brackets):
            self._take()
        path: KeyPath = ()
        for part in key[:-1]:
            path = self._latest(self._mark(path, (part,), line))
        path = self._mark(path, key[-1:], line)
        if brackets == 1:
            self._lines[path] = line  # a header of its own beats one that only led through here
            return path
        self._counts[path] = self._counts.get(path, -1) + 1
        path = self._latest(path)
        self._lines[path] = line
        return path

    def _latest(self, path: KeyPath) -> KeyPath:
        """A table, or the newest element where the path is an array of tables."""
        return (*path, self._counts[path]) if path in self._counts else path

    def _read_key(self) -> tuple[str, ...]:
        parts = [self._read_key_part()]
        while self._peek() == ".":
            self._take()
            parts.append(self._read_key_part())
        return tuple(parts)

    def _read_key_part(self) -> str:
        token = self._take()
        return next(iter(tomllib.loads(f"{token} = 0"))) if token[0] in "\"'" else token

    def _read_pair(self, table: KeyPath) -> None:
        line = self._here()
        path = self._mark(table, self._read_key(), line)
        self._take()  # the equals sign
        self._read_value(path)

    def _read_value(self, path: KeyPath) -> None:
        if self._peek() == "{":
            self._read_inline_table(path)
        elif self._peek() == "[":
            self._read_array(path)
        else:
            while self._peek() not in (",", "]", "}", "\n", ""):
                self._take()

    def _read_inline_table(self, path: KeyPath) -> None:
        self._take()
        while self._peek() != "}":
            if self._peek() in (",", "\n"):
                self._take()
            else:
                self._read_pair(path)
        self._take()

    def _read_array(self, path: KeyPath) -> None:
        self._take()
        index = 0
        while self._peek() != "]":
            if self._peek() in (",", "\n"):
                self._take()
            else:
                self._lines[(*path, index)] = self._here()
                self._read_value((*path, index))
                index += 1
        self._take()
