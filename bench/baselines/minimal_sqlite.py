"""The least debit on SQLite: two statements in one transaction, with the same durability as Saldo's."""

from __future__ import annotations

import sqlite3
from pathlib import Path

_SCHEMA = """
CREATE TABLE accounts (id INTEGER PRIMARY KEY, balance INTEGER NOT NULL);
CREATE TABLE entries (id INTEGER PRIMARY KEY, account INTEGER NOT NULL, amount INTEGER NOT NULL, source TEXT UNIQUE);
INSERT INTO accounts VALUES (1, 1000000000000);
"""


def connect(path: Path) -> sqlite3.Connection:
    """A new database with one account."""
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.executescript(_SCHEMA)
    return connection


def debit(connection: sqlite3.Connection, amount: int, source: str) -> None:
    """Take the amount if it is there, and note it."""
    connection.execute("BEGIN IMMEDIATE")
    taken = connection.execute(
        "UPDATE accounts SET balance = balance - ? WHERE id = 1 AND balance >= ?", (amount, amount)
    ).rowcount
    assert taken == 1
    connection.execute("INSERT INTO entries (account, amount, source) VALUES (1, ?, ?)", (-amount, source))
    connection.execute("COMMIT")
