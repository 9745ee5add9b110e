"""Where the sandbox keeps its objects: in memory, and written through to SQLite when a file is given."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

Obj = dict[str, Any]
"""A Stripe object as stored: its wire fields, plus private ones whose names begin with an underscore."""


class Store:
    """Objects by kind (Stripe's ``object`` value) and id, in order of creation. Not thread-safe: World locks."""

    def __init__(self, file: Path | None) -> None:
        self._kinds: dict[str, dict[str, Obj]] = {}
        self._kind_of: dict[str, str] = {}
        self._dirty: dict[tuple[str, str], Obj | None] = {}
        self._database: sqlite3.Connection | None = None
        if file is not None:
            file.parent.mkdir(parents=True, exist_ok=True)
            self._database = sqlite3.connect(file, check_same_thread=False)
            self._database.execute("PRAGMA journal_mode=WAL")
            self._database.execute("PRAGMA synchronous=NORMAL")
            self._database.execute(
                "CREATE TABLE IF NOT EXISTS object"
                " (seq INTEGER PRIMARY KEY, kind TEXT NOT NULL, id TEXT NOT NULL, body TEXT NOT NULL,"
                " UNIQUE (kind, id))"
            )
            for kind, key, body in self._database.execute("SELECT kind, id, body FROM object ORDER BY seq"):
                self._kinds.setdefault(kind, {})[key] = json.loads(body)
                self._kind_of[key] = kind

    def add(self, obj: Obj) -> Obj:
        """Keep a new object and return it. Raises ``KeyError`` if its id is taken."""
        kind, key = obj["object"], obj["id"]
        objects = self._kinds.setdefault(kind, {})
        if key in objects:
            raise KeyError(key)
        objects[key] = obj
        self._kind_of[key] = kind
        self._dirty[kind, key] = obj
        return obj

    def update(self, obj: Obj, **changes: Any) -> Obj:
        """Set fields; returns the public old values that really changed (an event's ``previous_attributes``)."""
        previous = {
            name: obj.get(name)
            for name, value in changes.items()
            if not name.startswith("_") and obj.get(name) != value
        }
        obj.update(changes)
        self._dirty[obj["object"], obj["id"]] = obj
        return previous

    def remove(self, obj: Obj) -> None:
        """Forget an object altogether."""
        kind, key = obj["object"], obj["id"]
        self._kinds.get(kind, {}).pop(key, None)
        self._kind_of.pop(key, None)
        self._dirty[kind, key] = None

    def get(self, kind: str, key: str) -> Obj | None:
        """The object, or ``None``."""
        return self._kinds.get(kind, {}).get(key)

    def find(self, key: str) -> Obj | None:
        """The object with this id, whatever its kind."""
        kind = self._kind_of.get(key)
        return None if kind is None else self.get(kind, key)

    def all(self, kind: str) -> list[Obj]:
        """Every object of the kind, oldest first."""
        return list(self._kinds.get(kind, {}).values())

    def where(self, kind: str, **fields: Any) -> Iterator[Obj]:
        """Objects of the kind whose fields equal these values, oldest first."""
        for obj in self.all(kind):
            if all(obj.get(name) == value for name, value in fields.items()):
                yield obj

    def clear(self) -> None:
        """Forget everything."""
        self._kinds.clear()
        self._kind_of.clear()
        self._dirty.clear()
        if self._database is not None:
            with self._database:
                self._database.execute("DELETE FROM object")

    def commit(self) -> None:
        """Write what changed to the file, all or nothing."""
        if self._database is not None and self._dirty:
            with self._database:
                for (kind, key), obj in self._dirty.items():
                    if obj is None:
                        self._database.execute("DELETE FROM object WHERE kind = ? AND id = ?", (kind, key))
                    else:
                        self._database.execute(
                            "INSERT INTO object (kind, id, body) VALUES (?, ?, ?)"
                            " ON CONFLICT (kind, id) DO UPDATE SET body = excluded.body",
                            (kind, key, json.dumps(obj)),
                        )
        self._dirty.clear()

    def close(self) -> None:
        """Release the file."""
        self.commit()
        if self._database is not None:
            self._database.close()
