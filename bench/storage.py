"""What a debit costs to keep, and what it costs on SQLite."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import closing
from itertools import count
from pathlib import Path

import psycopg

from bench import debiting
from bench.baselines import minimal_sqlite
from bench.postgresql import Postgresql
from bench.rounds import Effort, Figure, in_turn, ratios
from bench.saldo import Saldo, make_accounts

DEBITS = 20_000
ACCOUNTS = 50
TABLES = ("entries", "uses")


def bytes_per_entry(server: Postgresql, folder: Path, effort: Effort) -> Figure:
    """Bytes that one debit adds to the tables of entries and of what they ate, indexes included."""
    url = server.new_database()
    saldo = Saldo(folder, url)
    number = max(1000, round(DEBITS * effort.scale))
    with saldo.inside():
        accounts = debiting.account_ids(make_accounts(ACCOUNTS))
        before = _size(url)
        for n in range(number):
            debiting.debit(accounts[n % ACCOUNTS])
        after = _size(url)
    about = f"{number} debits over {ACCOUNTS} accounts"
    return Figure([(after - before) / number], about, saldo.problems())


def _size(url: str) -> int:
    with psycopg.connect(url, autocommit=True) as connection:
        row = connection.execute(
            "SELECT sum(pg_total_relation_size(x::regclass)) FROM unnest(%s::text[]) x", (list(TABLES),)
        )
        return int(row.fetchone()[0])  # type: ignore[index]


def sqlite_vs_minimal(_server: Postgresql, folder: Path, effort: Effort) -> Figure:
    """Debits a second by Saldo's rules on SQLite ÷ the least debit by the driver alone; both sync every commit."""
    saldo = Saldo(folder, f"sqlite:///{folder / 'saldo.sqlite3'}")
    sources = (f"bench:{n}" for n in count())
    with saldo.inside(), closing(minimal_sqlite.connect(folder / "minimal.sqlite3")) as minimal:
        (account,) = debiting.account_ids(make_accounts(1))
        pairs = in_turn(
            effort,
            lambda seconds: _rate(seconds, lambda: debiting.debit(account)),
            lambda seconds: _rate(seconds, lambda: minimal_sqlite.debit(minimal, 5, next(sources))),
        )
    return ratios(pairs, "{:.0f} debits a second, {:.0f} by the least that debits", saldo.problems())


def _rate(seconds: float, debit: Callable[[], None]) -> float:
    done, begun_at = 0, time.perf_counter()
    while time.perf_counter() - begun_at < seconds:
        debit()
        done += 1
    return done / (time.perf_counter() - begun_at)
