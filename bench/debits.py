"""The debit over HTTP: against the least one, the naive one, in batches, on one account, and how steady it is."""

from __future__ import annotations

import json
import os
import random
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg

from bench.baselines import bare_debit
from bench.load import Answered, press, request
from bench.postgresql import Postgresql
from bench.processes import gunicorn
from bench.rounds import Effort, Figure, in_turn, ratios
from bench.saldo import Saldo, make_accounts, make_key

ACCOUNTS = 200
CLIENTS = 16
BATCH = 100
BALANCE = 10**15


@dataclass(frozen=True, slots=True)
class Shop:
    """A running Saldo with customers who have credits."""

    saldo: Saldo
    port: int
    key: str
    customers: list[str]

    def debit(self, seconds: float, customers: list[str] | None = None) -> Answered:
        """Single debits, spread over these customers."""
        return press(self.port, self._debits(customers or self.customers), seconds=seconds, clients=CLIENTS, status=201)

    def batches(self, seconds: float) -> Answered:
        """Usage batches of `BATCH` debits."""
        return press(self.port, self._batches(), seconds=seconds, clients=CLIENTS, status=200)

    def _debits(self, customers: list[str]) -> Iterator[bytes]:
        for customer in _at_random(customers):
            yield request(
                "POST",
                "/api/v1/debits",
                body=json.dumps({"customer": customer, "action": "image"}).encode(),
                Authorization=f"Bearer {self.key}",
                Idempotency_Key=str(uuid.uuid4()),
            )

    def _batches(self) -> Iterator[bytes]:
        # Each of one customer's work: what an agent has done, told at the end.
        for customer in _at_random(self.customers):
            events = [{"id": str(uuid.uuid4()), "customer": customer, "action": "image"} for _ in range(BATCH)]
            yield request(
                "POST",
                "/api/v1/usage",
                body=json.dumps({"events": events}).encode(),
                Authorization=f"Bearer {self.key}",
            )


def _at_random(customers: list[str]) -> Iterator[str]:
    chance = random.Random(4)  # noqa: S311  (the same order in every run)
    while True:
        yield chance.choice(customers)


@contextmanager
def _open(server: Postgresql, folder: Path) -> Iterator[Shop]:
    saldo = Saldo(folder, server.new_database())
    with saldo.inside():
        key, customers = make_key(), make_accounts(ACCOUNTS)
    with saldo.server() as port:
        yield Shop(saldo, port, key, customers)


def debit_vs_bare(server: Postgresql, folder: Path, effort: Effort) -> Figure:
    """HTTP debits a second ÷ those of a bare Flask route with one committed statement."""
    url = server.new_database()
    with _open(server, folder) as shop:
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(bare_debit.SCHEMA)
            with connection.cursor() as cursor:
                cursor.executemany("INSERT INTO accounts VALUES (%s, %s)", [(c, BALANCE) for c in shop.customers])
        environ = shop.saldo.environ | {"BENCH_DATABASE": url}
        with gunicorn("bench.baselines.bare_debit:app", folder / "bare.log", environ) as port:

            def bare(seconds: float) -> float:
                return press(port, _bare_debits(shop.customers), seconds=seconds, clients=CLIENTS, status=201).rate

            pairs = in_turn(effort, lambda seconds: shop.debit(seconds).rate, bare)
    return ratios(pairs, "{:.0f} debits a second, {:.0f} bare ones", shop.saldo.problems())


def _bare_debits(customers: list[str]) -> Iterator[bytes]:
    for customer in _at_random(customers):
        yield request("POST", "/debits", body=json.dumps({"account": customer, "amount": 5}).encode())


def debit_vs_orm(server: Postgresql, folder: Path, effort: Effort) -> Figure:
    """HTTP debits a second ÷ those of the same written naively with the ORM."""
    url = server.new_database()
    with _open(server, folder) as shop:
        environ = shop.saldo.environ | {"BENCH_DATABASE": url}
        os.environ["BENCH_DATABASE"] = url
        from bench.baselines import orm_debit  # reads its database's address when it is imported, as apps do

        orm_debit.prepare(shop.customers, shop.key, BALANCE)
        with gunicorn("bench.baselines.orm_debit:app", folder / "orm.log", environ) as port:

            def naive(seconds: float) -> float:
                requests = _naive_debits(shop.customers, shop.key)
                return press(port, requests, seconds=seconds, clients=CLIENTS, status=201).rate

            pairs = in_turn(effort, lambda seconds: shop.debit(seconds).rate, naive)
    return ratios(pairs, "{:.0f} debits a second, {:.0f} by the ORM", shop.saldo.problems())


def _naive_debits(customers: list[str], key: str) -> Iterator[bytes]:
    for customer in _at_random(customers):
        yield request(
            "POST",
            "/debits",
            body=json.dumps({"customer": customer, "action": "image"}).encode(),
            Authorization=f"Bearer {key}",
            Idempotency_Key=str(uuid.uuid4()),
        )


def batch_vs_single(server: Postgresql, folder: Path, effort: Effort) -> Figure:
    """Debits a second through usage batches of 100 ÷ single ones."""
    with _open(server, folder) as shop:
        pairs = in_turn(
            effort,
            lambda seconds: shop.batches(seconds).rate * BATCH,
            lambda seconds: shop.debit(seconds).rate,
        )
    return ratios(pairs, "{:.0f} debits a second in batches, {:.0f} single ones", shop.saldo.problems())


def hot_vs_many(server: Postgresql, folder: Path, effort: Effort) -> Figure:
    """Debits a second on one account ÷ spread over many."""
    with _open(server, folder) as shop:
        pairs = in_turn(
            effort,
            lambda seconds: shop.debit(seconds, shop.customers[:1]).rate,
            lambda seconds: shop.debit(seconds).rate,
        )
    return ratios(pairs, "{:.0f} debits a second on one account, {:.0f} on many", shop.saldo.problems())


def debit_p99_p50(server: Postgresql, folder: Path, effort: Effort) -> Figure:
    """The time within which 99 % of debits are answered ÷ that of 50 %."""
    with _open(server, folder) as shop:
        shop.debit(effort.seconds / 2)
        answered = [shop.debit(effort.seconds) for _ in range(effort.rounds)]
    pairs = [(each.percentile(99) * 1000, each.percentile(50) * 1000) for each in answered]
    return ratios(pairs, "p99 {:.1f} ms, p50 {:.1f} ms", shop.saldo.problems())
