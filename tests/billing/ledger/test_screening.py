"""What an audit passes over changes nothing of what it finds, whatever is spoiled, and however carefully."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import bindparam, func, select, text
from sqlalchemy.engine import Connection
from sqlalchemy.exc import DBAPIError

from billing import clock
from billing.db import UtcDateTime, snapshot, transaction
from billing.ledger.invariants import check_books
from billing.ledger.invariants.screening import entries_to_replay
from billing.models import Entry
from billing.money_invariants import unsteady_payments
from tests.billing.conftest import Calendar
from tests.billing.ledger.acts import debit, hold
from tests.billing.ledger.spoiling import chain_anew, random_books, spoil, spoilable
from tests.factories import make_grant, use_catalog

postgresql = pytest.mark.parametrize("engine", ["postgresql"], indirect=True)


def found(connection: Connection, *, screened: bool) -> list[Any] | str:
    """What an audit of the books finds, or why it cannot be done."""
    with connection.begin_nested() as attempt:
        try:
            unsteady = list(unsteady_payments(connection, None))
            return list(check_books(connection, None, unsteady, screened=screened))
        except Exception as error:
            return type(error).__name__
        finally:
            attempt.rollback()


def attempt(connection: Connection, act: Callable[[], Any]) -> Any:
    """Do it, unless the database or the driver refuses."""
    try:
        with connection.begin_nested():
            return act()
    except (DBAPIError, TypeError) as error:
        return error


@postgresql
@pytest.mark.parametrize("rounds", [8, pytest.param(300, marks=pytest.mark.slow)])
def test_whatever_is_spoiled_the_same_is_found(rounds: int, database: None, tmp_path: Path) -> None:
    """One row of each account at a time; in every second round, chain and balances are made to fit again."""
    use_catalog(tmp_path)
    luck = random.Random(1 if rounds == 8 else None)
    accounts = random_books(luck, accounts=4, chapters=8)
    total = 0
    with spoilable() as connection:
        assert found(connection, screened=True) == found(connection, screened=False) == []
        entries = connection.scalar(select(func.count()).select_from(Entry))
        assert sum(map(len, entries_to_replay(connection, accounts).values())) < entries, "nothing is screened"
        for number in range(rounds):
            with connection.begin_nested() as spoiled:
                done = [attempt(connection, partial(spoil, connection, luck, account)) for account in accounts]
                if number % 2:
                    attempt(connection, lambda: chain_anew(connection))
                whole = found(connection, screened=False)
                assert found(connection, screened=True) == whole, done
                total += len(whole)
                spoiled.rollback()
    assert total > rounds


@postgresql
def test_batches_that_are_screened_ahead_find_the_same(
    database: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    use_catalog(tmp_path)
    accounts = random_books(random.Random(1), accounts=5, chapters=4)
    monkeypatch.setattr("billing.ledger.invariants.BATCH_ACCOUNTS", 1)
    with transaction() as write:
        write.execute(text("UPDATE accounts SET last_hold = 99 WHERE account_id = :id"), {"id": accounts[3]})
    with snapshot() as view:
        whole = list(check_books(view, screened=False))
        assert {each.account_id for each in whole} == {accounts[3]}
        assert list(check_books(view)) == whole


@postgresql
def test_snapshot_like_another_sees_what_that_sees(account: int, database: None) -> None:
    with snapshot() as view:
        before = view.scalar(select(func.count()).select_from(Entry))
        make_grant(account, 100)
        with snapshot(like=view) as reader:
            assert reader.scalar(select(func.count()).select_from(Entry)) == before
            with pytest.raises(DBAPIError, match="read-only"):
                reader.execute(text("UPDATE accounts SET balance = 0"))
    with snapshot() as later:
        assert later.scalar(select(func.count()).select_from(Entry)) == before + 1


@pytest.fixture
def run(account: int, calendar: Calendar) -> int:
    """An account with a run of debits 3 to 42, a second each, of the first of its two grants, of 100 credits."""
    make_grant(account, 100, priority=10)
    make_grant(account, 100)
    for _ in range(40):
        calendar.later(seconds=1)
        debit(account, 1)
    return account


BREACHES = {
    "amount": ("UPDATE entries SET amount = amount - 1 WHERE seq = 20", "I03"),
    "amount given": ("UPDATE entries SET amount = -amount WHERE seq = 20", "I02"),
    "balance": ("UPDATE entries SET balance_after = balance_after + 1 WHERE seq = 20", "I35"),
    "hash": ("UPDATE entries SET hash = (SELECT hash FROM entries WHERE seq = 19) WHERE seq = 20", "I03"),
    "at": ("UPDATE entries SET at = (SELECT at FROM entries WHERE seq = 22) WHERE seq = 20", "I04"),
    "scope": ("UPDATE entries SET scope = 'luna' WHERE seq = 20", "I03"),
    "action": ("UPDATE entries SET action = 'image' WHERE seq = 20", "I03"),
    "source": ("UPDATE entries SET source = 'forged' WHERE seq = 20", "I03"),
    "reason": ("UPDATE entries SET reason = 'action' WHERE seq = 20", "I03"),
    "reverses": ("UPDATE entries SET reverses = 4 WHERE seq = 20", "I03"),
    "entry deleted": ("DELETE FROM entries WHERE seq = 20", "I04"),
    "entry moved": ("UPDATE entries SET seq = 99 WHERE seq = 20", "I04"),
    "use deleted": ("DELETE FROM uses WHERE entry_seq = 20", "I08"),
    "use of another grant": ("UPDATE uses SET grant_seq = 2 WHERE entry_seq = 20", "I11"),
    "use of no grant": ("UPDATE uses SET grant_seq = 9 WHERE entry_seq = 20", "I37"),
    "use amount": ("UPDATE uses SET amount = amount + 1 WHERE entry_seq = 20", "I08"),
    "use of a later time": ("UPDATE uses SET booked_seq = 25 WHERE entry_seq = 20", "I08"),
    "use of no entry": ("UPDATE uses SET entry_seq = 99 WHERE entry_seq = 20", "I08"),
    "second use": ("INSERT INTO uses SELECT account_id, 20, 2, 2, 1, NULL FROM uses WHERE entry_seq = 20", "I08"),
    "grant of a debit": ("UPDATE grants SET seq = 20 WHERE seq = 2", "I07"),
    "grant ended": ("UPDATE grants SET ends_at = :middle, expires_at = :middle WHERE seq = 1", "I10"),
    "grant not begun": ("UPDATE grants SET effective_at = :middle WHERE seq = 1", "I10"),
    "other earlier": ("UPDATE grants SET priority = 1, expires_at = :middle, ends_at = :middle WHERE seq = 2", "I11"),
    "granted less": ("UPDATE grants SET granted = 20000000 WHERE seq = 1", "I07"),
    "debt paid": ("INSERT INTO uses SELECT account_id, 19, 2, 2, 1, 20 FROM uses WHERE entry_seq = 20", "I06"),
}
"""What is done in the middle of the run, and the invariant that has to find it, among others."""


def test_breach_in_the_middle_of_a_run_is_found(run: int) -> None:
    middle = clock.now() - timedelta(seconds=20)
    with spoilable() as connection:
        for name, (statement, invariant) in BREACHES.items():
            with connection.begin_nested() as spoiled:
                values = {"middle": middle} if ":middle" in statement else {}
                types = [bindparam(each, type_=UtcDateTime()) for each in values]
                assert connection.execute(text(statement).bindparams(*types), values).rowcount == 1, name
                whole = found(connection, screened=False)
                assert found(connection, screened=True) == whole, name
                assert invariant in {finding.invariant for finding in whole}, name
                spoiled.rollback()


@postgresql
def test_run_is_passed_over(run: int) -> None:
    with snapshot() as connection:
        assert entries_to_replay(connection, [run]) == {run: [0, 1, 2, 3, 42]}


@postgresql
def test_run_ends_where_something_else_happens(run: int, calendar: Calendar) -> None:
    """A hold is no entry, but what is available changes with it."""
    hold(run, 1)
    for _ in range(3):
        calendar.later(seconds=1)
        debit(run, 1)
    with snapshot() as connection:
        assert entries_to_replay(connection, [run]) == {run: [0, 1, 2, 3, 42, 45]}
        assert found(connection, screened=True) == []
