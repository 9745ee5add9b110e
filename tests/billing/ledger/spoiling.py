"""Random books with long runs of debits in them, and a hand that spoils one thing in them, past whatever forbids it."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import time_machine
from sqlalchemy import Integer, String, Table, select, text
from sqlalchemy.engine import Connection

from billing import clock, spending
from billing.db import db
from billing.errors import InsufficientCredits, SaldoError
from billing.ledger.posting import entry_hash
from billing.models import Account, Debt, Entry, Grant, Hold, HoldUse, Use
from billing.money import MICRO
from tests.factories import buy_pack, make_customer, make_grant, tell_dispute, tell_refund

BOOKS: tuple[Table, ...] = tuple(model.__table__ for model in (Entry, Use, Grant, Hold, HoldUse, Debt, Account))


class Teller:
    """Tells one account a random story: mostly spending, now and then anything else."""

    def __init__(self, luck: random.Random, traveller: time_machine.Traveller) -> None:
        self.luck = luck
        self.traveller = traveller
        self.account = make_customer()
        self.debits: list[str] = []
        self.holds: list[str] = []
        self.packs: list[Any] = []

    def tell(self, chapters: int) -> None:
        """So many runs of debits with something else after each."""
        others = (self.grant, self.grant, self.buy, self.hold, self.end_hold, self.give_back, self.go_back, self.wait)
        self.grant()
        for _ in range(chapters):
            for _ in range(self.luck.choice((1, 3, 12))):
                self.spend()
            self.luck.choice(others)()

    def _order(self, credits: int) -> spending.Order:
        return spending.Order(amount=credits * MICRO, influencer=self.luck.choice((None, None, "luna", "nico")))

    def spend(self) -> None:
        self.traveller.shift(timedelta(microseconds=self.luck.choice((0, 1, 500_000, 10**6, 10**9))))
        try:
            order = self._order(self.luck.randint(1, 6))
            self.debits.append(spending.debit(self.account, order, actor="app:test").entry.id)
        except InsufficientCredits:
            self.grant()

    def grant(self) -> None:
        now = clock.now()
        lives = self.luck.choice((None, None, timedelta(hours=2), timedelta(days=1)))
        begins = self.luck.choice((None, None, None, timedelta(minutes=30)))
        terms: dict[str, Any] = {
            "expires_at": now + lives if lives else None,
            "effective_at": now + begins if begins else None,
            "priority": self.luck.choice((0, 50, 50)),
            "scope": self.luck.choice((None, None, None, None, "luna")),
        }
        make_grant(self.account, self.luck.randint(20, 150), **terms)

    def buy(self) -> None:
        self.packs.append(buy_pack(self.account, self.luck.randint(10, 60)))

    def hold(self) -> None:
        try:
            order = self._order(self.luck.randint(1, 9))
            self.holds.append(spending.place_hold(self.account, order, 900, actor="app:test").id)
        except InsufficientCredits:
            self.grant()

    def end_hold(self) -> None:
        if self.holds:
            hold, end = self.holds.pop(), self.luck.choice((spending.capture_hold, spending.void_hold))
            _unless_refused(lambda: end(hold))

    def give_back(self) -> None:
        if self.debits:
            entry = self.luck.choice(self.debits)
            _unless_refused(lambda: spending.refund_debit(entry, None, actor="app:test"))

    def go_back(self) -> None:
        if self.packs:
            pack = self.packs.pop()
            self.luck.choice((lambda: tell_refund(pack, 400), lambda: tell_dispute(pack, "needs_response")))()

    def wait(self) -> None:
        self.traveller.shift(timedelta(hours=self.luck.choice((1, 30))))


def _unless_refused(act: Callable[[], object]) -> None:
    try:
        act()
    except SaldoError:
        db.session.rollback()


@contextmanager
def spoilable() -> Iterator[Connection]:
    """A connection on which all may be changed but primary keys twice, and none of it stays."""
    with db.engine.connect() as connection:
        if connection.dialect.name == "sqlite":
            driver: Any = connection.connection.driver_connection
            driver.execute("PRAGMA foreign_keys = OFF")
            driver.execute("PRAGMA ignore_check_constraints = ON")
        with connection.begin() as everything:
            for statement in connection.scalars(text(_UNGUARD[connection.dialect.name])).all():
                connection.execute(text(statement))
            yield connection
            everything.rollback()
        connection.invalidate()


_UNGUARD = {
    "sqlite": "SELECT 'DROP TRIGGER ' || name FROM sqlite_master WHERE type = 'trigger'",
    "postgresql": """
SELECT 'SET LOCAL session_replication_role = replica'
UNION ALL SELECT format('ALTER TABLE %s DROP CONSTRAINT IF EXISTS %I', conrelid::regclass, conname)
FROM pg_constraint WHERE contype IN ('c', 'u', 'f') AND conrelid IN (
  'entries'::regclass, 'uses'::regclass, 'grants'::regclass, 'holds'::regclass, 'hold_uses'::regclass,
  'debts'::regclass, 'accounts'::regclass)
UNION ALL SELECT 'DROP INDEX uq_entries_source'
""",
}
"""Statements that take triggers, and on PostgreSQL constraints, out of the way."""


def spoil(connection: Connection, luck: random.Random, account_id: int) -> str:
    """Change or delete one row of an account's; answers what was done. Raises ``DBAPIError`` where it cannot be."""
    table = luck.choice((*BOOKS, BOOKS[0], BOOKS[0], BOOKS[1]))
    rows = connection.execute(select(table).where(table.c.account_id == account_id)).mappings().all()
    if not rows:
        return spoil(connection, luck, account_id)
    row = dict(luck.choice(rows))
    if luck.random() < 0.1 and table is not BOOKS[-1]:
        connection.execute(table.delete().where(*_is(table, row)))
        return f"{table.name}: {row} deleted"
    column = luck.choice([each for each in table.columns if each.name not in ("description", "details", "reference")])
    value = luck.choice((luck.choice(rows)[column.name], _changed(column, row[column.name], luck)))
    connection.execute(table.update().where(*_is(table, row)).values({column.name: value}))
    return f"{table.name}: {row}: {column.name} is {value}"


def _is(table: Table, row: dict[str, Any]) -> list[Any]:
    return [column == row[column.name] for column in table.primary_key]


def _changed(column: Any, value: Any, luck: random.Random) -> Any:
    if column.nullable and luck.random() < 0.2:
        return None
    if isinstance(value, bool):
        return not value
    if isinstance(value, datetime):
        return value + luck.choice((1, -1)) * luck.choice((timedelta(microseconds=1), timedelta(hours=1)))
    if isinstance(value, bytes):
        return bytes(32)
    if isinstance(column.type, Integer):
        value = value or 0
        return luck.choice((value + 1, value - 1, -value, 0, luck.randint(1, 9) * MICRO, luck.randint(1, 99)))
    if isinstance(column.type, String):
        return luck.choice(("luna", "DEBIT", "REFUND", "amount", "action", "expired", "active", "voided"))
    return value


def chain_anew(connection: Connection) -> None:
    """Do what a careful forger would: make running balances and hashes fit what the entries say now."""
    table = BOOKS[0]
    for (account_id,) in connection.execute(select(Account.account_id)).all():
        balance, chain = 0, b""
        entries = select(Entry.__table__).where(Entry.account_id == account_id).order_by(Entry.seq)
        for row in connection.execute(entries).all():
            balance += row.amount
            entry = _Forged({**row._mapping, "balance_after": balance})
            chain = entry_hash(chain, entry)
            changed = {"balance_after": balance, "hash": chain}
            connection.execute(table.update().where(*_is(table, dict(row._mapping))).values(changed))
        of_account = BOOKS[-1].c.account_id == account_id
        connection.execute(BOOKS[-1].update().where(of_account).values(balance=balance, last_hash=chain))


class _Forged:
    def __init__(self, values: dict[str, Any]) -> None:
        self.__dict__.update(values)


def random_books(luck: random.Random, accounts: int, chapters: int) -> list[int]:
    """So many accounts with such stories."""
    with time_machine.travel(datetime(2026, 1, 1, tzinfo=UTC), tick=False) as traveller:
        tellers = [Teller(luck, traveller) for _ in range(accounts)]
        for teller in tellers:
            teller.tell(chapters)
    return [teller.account for teller in tellers]
