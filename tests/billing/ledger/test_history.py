"""Pages of the history: each entry once, whoever writes meanwhile (F060); the books as of any entry (I35)."""

from __future__ import annotations

import pytest

from billing.errors import InvalidCursor
from billing.ledger.history import list_entries
from tests.billing.ledger.acts import debit, entries
from tests.factories import make_customer, make_grant


def test_pages_hold_each_entry_once_while_others_write(account: int) -> None:
    """F060."""
    make_grant(account, 1000)
    for _ in range(30):
        debit(account, 1)
    seen: list[int] = []
    cursor = None
    while True:
        page = list_entries(account, limit=7, cursor=cursor)
        seen += [entry.seq for entry in page.entries]
        if page.next_cursor is None:
            break
        cursor = page.next_cursor
        for _ in range(5):
            debit(account, 1)
    assert seen == list(range(31, 0, -1))


def test_running_balance_is_the_sum_up_to_each_entry(account: int) -> None:
    make_grant(account, 100)
    for credits in (10, 20, 5):
        debit(account, credits)
    total = 0
    for entry in entries(account):
        total += entry.amount
        assert entry.balance_after == total


def test_broken_cursor_is_refused(account: int) -> None:
    make_grant(account, 1)
    for cursor in ("", "x", "1", "1.x", "1.-1", "٣.1", "1.9999999999999999999999"):
        with pytest.raises(InvalidCursor):
            list_entries(account, cursor=cursor)


def test_cursor_of_another_account_yields_nothing_of_theirs(account: int) -> None:
    other = make_customer()
    for owner in (account, other):
        for _ in range(3):
            make_grant(owner, 1)
    cursor = list_entries(other, limit=1).next_cursor
    with pytest.raises(InvalidCursor):
        list_entries(account, cursor=cursor)


def test_nothing_of_another_account_is_listed(account: int) -> None:
    """R14: whatever the filters, and where both have entries of the same numbers."""
    other = make_customer()
    for owner, amount in ((account, 1), (other, 2)):
        for _ in range(3):
            make_grant(owner, amount)
    for found in (list_entries(account), list_entries(account, kind="CREDIT", reason="promo")):
        assert [entry.amount for entry in found.entries] == [1_000_000] * 3
        assert {entry.id.split("_")[1] for entry in found.entries} == {str(account)}
