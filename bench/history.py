"""A long history, made quicker than by spending: the same rows, chained by the same hash, in bulk."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from sqlalchemy import select, update

from bench.saldo import make_account, make_accounts
from billing.accounts import open_account
from billing.clock import month_start
from billing.db import db, transaction
from billing.ledger.grants import burn_key
from billing.ledger.posting import entry_hash
from billing.ledger.shelf import columns_of
from billing.ledger.states import EntryRow, UseRow
from billing.models import Account, Customer, Entry, Grant, Use
from billing.money import MICRO


def make_history(entries: int) -> tuple[str, int]:
    """A customer with so many debits of one credit each; their id and account. PostgreSQL only; call it inside."""
    public_id = make_account()
    account_id = _spend(public_id, entries)
    _settle()
    return public_id, account_id


def make_histories(accounts: int, entries: int) -> list[str]:
    """So many customers with so many debits each; their ids. PostgreSQL only; call it inside."""
    customers = make_accounts(accounts)
    for public_id in customers:
        _spend(public_id, entries)
    _settle()
    return customers


def _spend(public_id: str, entries: int) -> int:
    with transaction() as connection:
        account_id = connection.scalar(select(Customer.account_id).where(Customer.public_id == public_id))
        assert account_id is not None
        with open_account(account_id) as book:
            first, balance, chain, at = book.last_seq + 1, book.balance, book.last_hash, book.now
            grant = min(book.grants.values(), key=burn_key).seq
        debits = list(_debits(account_id, first, entries, balance, chain, at))
        cursor = connection.connection.cursor()
        _copy(cursor, Entry.__table__, debits)
        _copy(cursor, Use.__table__, (UseRow(account_id, debit.seq, 1, grant, MICRO, None) for debit in debits))
        spent = entries * MICRO
        connection.execute(
            update(Grant)
            .where(Grant.account_id == account_id, Grant.seq == grant)
            .values(remaining=Grant.remaining - spent)
        )
        connection.execute(
            update(Account)
            .where(Account.account_id == account_id)
            .values(
                balance=debits[-1].balance_after,
                last_seq=debits[-1].seq,
                last_at=at,
                last_hash=debits[-1].hash,
                debited_total=-spent,
                month_at=month_start(at),
                month_spent=spent,
            )
        )
    return account_id


def _settle() -> None:
    """What autovacuum does to a database long before it holds so much."""
    with db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql("VACUUM (ANALYZE)")


def _debits(account_id: int, first: int, count: int, balance: int, chain: bytes, at: datetime) -> Iterator[EntryRow]:
    for seq in range(first, first + count):
        balance -= MICRO
        entry = EntryRow(
            account_id=account_id,
            seq=seq,
            kind="DEBIT",
            reason="amount",
            amount=-MICRO,
            balance_after=balance,
            at=at,
            action=None,
            scope=None,
            source=f"bench:{account_id}:{seq}",
            reverses=None,
            hold=None,
            actor="app:bench",
            hash=b"",
            description=None,
            reference=None,
            details=None,
        )
        entry.hash = chain = entry_hash(chain, entry)
        yield entry


def _copy(cursor: Any, table: Any, rows: Any) -> None:
    names = [column.name for column in table.columns]
    with cursor.copy(f"COPY {table.name} ({', '.join(names)}) FROM STDIN") as copy:
        for row in rows:
            values = columns_of(row, table)
            copy.write_row([values[name] for name in names])
