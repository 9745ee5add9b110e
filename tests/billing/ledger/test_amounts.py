"""R1: whole micro-credits within limits, exact at any size."""

from __future__ import annotations

import pytest
from sqlalchemy import text

from billing import accounts, audit, spending
from billing.accounts import open_account
from billing.db import transaction
from billing.errors import InvalidAmount, LimitExceeded
from billing.ledger.grants import open_grant
from billing.money import MAX_BALANCE, MAX_MOVE, credits_to_json, dumps
from tests.billing.ledger.acts import ACTOR
from tests.factories import make_id

ALMOST = 999_999_999_999_999
"""999 999 999.999999 credits, in micro-credits."""


def grant(account: int, amount: int) -> None:
    with transaction(), open_account(account) as book:
        open_grant(book, "CREDIT", "promo", amount, at=book.now, source=make_id("promo"))


def test_balance_of_many_huge_grants_is_exact_to_the_last_digit(account: int) -> None:
    """F062."""
    with transaction(), open_account(account) as book:
        for _ in range(1000):
            open_grant(book, "CREDIT", "promo", ALMOST, at=book.now, source=make_id("promo"))
    assert dumps(credits_to_json(accounts.read_balance(account).balance)) == "999999999999.999"
    grant(account, 1)
    assert dumps(credits_to_json(accounts.read_balance(account).balance)) == "999999999999.999001"
    assert list(audit.audit()) == []


def test_balance_above_the_account_limit_is_refused(account: int) -> None:
    """F062."""
    with transaction(), open_account(account) as book:
        for _ in range(MAX_BALANCE // MAX_MOVE):
            open_grant(book, "CREDIT", "promo", MAX_MOVE, at=book.now, source=make_id("promo"))
    with pytest.raises(LimitExceeded):
        grant(account, 1)
    assert accounts.read_balance(account).balance == MAX_BALANCE


def test_movement_of_nothing_or_too_much_is_refused(account: int) -> None:
    for amount in (0, -1, MAX_MOVE + 1):
        with pytest.raises(InvalidAmount):
            grant(account, amount)
        with pytest.raises(InvalidAmount):
            spending.debit(account, spending.Order(amount=amount), actor=ACTOR)
        with pytest.raises(InvalidAmount):
            spending.place_hold(account, spending.Order(amount=amount), actor=ACTOR)
    assert accounts.read_balance(account).entry_count == 0


def test_database_itself_refuses_amounts_beyond_the_limit(account: int) -> None:
    grant(account, 5)
    statement = "INSERT INTO entries (account_id, seq, kind, reason, amount, balance_after, at, hash)" + (
        " VALUES (:account, 2, 'CREDIT', 'promo', :amount, 0, '2026-01-01T00:00:00.000000Z', '\\x00')"
    )
    for amount in (0, -5, 10**15 + 1):
        with pytest.raises(Exception, match=r"ck_entries_(sign|size)"), transaction() as connection:
            connection.execute(text(statement), {"account": account, "amount": amount})
