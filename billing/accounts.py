"""Opening an account's books: lock, load, book what is due; so every read and write is right (R5)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime

from sqlalchemy import select

from billing import clock, freezing, refills, schedule
from billing.db import connection, in_transaction, transaction
from billing.ledger import due
from billing.ledger.balances import BalanceView, view_of
from billing.ledger.book import Book, read_book
from billing.models import Account
from billing.statements import Asked, Row


@contextmanager
def open_account(account_id: int, now: datetime | None = None, besides: Sequence[Asked] = ()) -> Iterator[Book]:
    """The account's book, locked until the transaction ends, with everything due by ``now`` booked.

    What the block changes is saved at its end. ``besides`` is read in the same trip (see ``read_book``). Raises
    ``NotFound`` without such an account.
    """
    assert in_transaction(), "books are opened inside a transaction"
    book = read_book(account_id, now, locked=True, besides=besides)
    book_due(book)
    yield book
    freezing.refresh_threatened(book)
    book.save()


def ensure_up_to_date(account_id: int) -> None:
    """Book what is due on the account, if anything is."""
    due_at = connection().scalar(select(Account.next_due_at).where(Account.account_id == account_id))
    if due_at is not None and due_at <= clock.now():
        with transaction(), open_account(account_id):
            pass


def read_balance(account_id: int) -> BalanceView:
    """Balance, grants and totals as of now; raises ``NotFound``."""
    return read_balance_and(account_id)[0]


def read_balance_and(account_id: int, *besides: Asked) -> tuple[BalanceView, list[list[Row]]]:
    """The same, and the rows of what is read ``besides`` in the same trip (see ``read_book``)."""
    book = read_book(account_id, clock.now(), locked=False, besides=besides)
    if book.next_due_at is None or book.next_due_at > book.now:
        return view_of(book), book.besides
    with transaction(), open_account(account_id, besides=besides) as booked:
        return view_of(booked), booked.besides


def book_due(book: Book) -> None:
    """Book endings and scheduled grants one by one in the order of their time.

    What was missed comes as if on time, so the books do not depend on when somebody looked (R5).
    """
    now = book.now
    while True:
        comings = (book.next_scheduled_at, book.next_refill_at)
        times = [at for at in (due.next_due_at(book), *comings) if at is not None and at <= now]
        if not times:
            return
        at = min(times)
        # A month that comes ends the one before it at the same moment, so it goes first.
        if book.next_scheduled_at == at:
            schedule.grant_next(book)
        elif book.next_refill_at == at:
            refills.book_refill(book)
        else:
            due.book_next_due(book)
        freezing.refresh_threatened(book, at)
