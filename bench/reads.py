"""Reading: a balance against the least JSON route, and a page of history in a long and in a short history."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

from bench.history import make_history
from bench.load import press, request
from bench.postgresql import Postgresql
from bench.processes import gunicorn
from bench.rounds import Effort, Figure, in_turn, ratios
from bench.saldo import Saldo, make_accounts, make_key

ACCOUNTS = 200
LONG, SHORT = 1_000_000, 1_000
CLIENTS = 16


def balance_vs_bare(server: Postgresql, folder: Path, effort: Effort) -> Figure:
    """`GET /customers/{c}/balance` ÷ a Flask route that answers fixed JSON, both per second."""
    saldo = Saldo(folder, server.new_database())
    with saldo.inside():
        key, customers = make_key(), make_accounts(ACCOUNTS)
    environ = saldo.environ | {"BENCH_DATABASE": ""}
    bare = request("GET", "/balance")
    with saldo.server() as port, gunicorn("bench.baselines.bare_debit:app", folder / "bare.log", environ) as bare_port:

        def ours(seconds: float) -> float:
            return press(port, _balances(customers, key), seconds=seconds, clients=CLIENTS).rate

        def theirs(seconds: float) -> float:
            return press(bare_port, iter(lambda: bare, None), seconds=seconds, clients=CLIENTS).rate

        pairs = in_turn(effort, ours, theirs)
    return ratios(pairs, "{:.0f} balances a second, {:.0f} bare answers", saldo.problems())


def _balances(customers: list[str], key: str) -> Iterator[bytes]:
    asked = [
        request("GET", f"/api/v1/customers/{customer}/balance", Authorization=f"Bearer {key}") for customer in customers
    ]
    while True:
        yield from asked


def history_1m_vs_1k(server: Postgresql, folder: Path, effort: Effort) -> Figure:
    """How long a page of history takes, anywhere in a million entries ÷ anywhere in a thousand."""
    saldo = Saldo(folder, server.new_database())
    entries = max(SHORT, round(LONG * effort.scale))
    with saldo.inside():
        key = make_key()
        long, short = make_history(entries), make_history(SHORT)
    with saldo.server() as port:

        def pages(customer: str, account_id: int, length: int, seconds: float) -> float:
            requests = _pages(customer, account_id, length, key)
            return press(port, requests, seconds=seconds, clients=4).percentile(50)

        pairs = in_turn(
            effort,
            lambda seconds: pages(*long, entries, seconds),
            lambda seconds: pages(*short, SHORT, seconds),
        )
    about = f"{{:.4f}} s for a page among {entries} entries, {{:.4f}} s among {SHORT}"
    return ratios(pairs, about, saldo.problems())


def _pages(customer: str, account_id: int, length: int, key: str) -> Iterator[bytes]:
    chance = random.Random(4)  # noqa: S311  (the same pages in every run)
    while True:
        before = chance.randint(100, length)
        path = f"/api/v1/customers/{customer}/entries?limit=50&cursor={account_id}.{before}"
        yield request("GET", path, Authorization=f"Bearer {key}")
