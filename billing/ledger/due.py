"""What is due in one account's own books: ends of holds and of grants, in the order of their time (R5)."""

from __future__ import annotations

from datetime import datetime

from billing.ledger.book import Book
from billing.ledger.grants import end_grant
from billing.ledger.holds import expire_hold


def next_due_at(book: Book) -> datetime | None:
    """When the next hold or grant of this book ends."""
    return min((at for at, _ in _endings(book)), default=None)


def book_next_due(book: Book) -> None:
    """Book the earliest ending: a hold before a grant of the same moment."""
    at, (kind, number) = min(_endings(book))
    if kind == 0:
        expire_hold(book, book.hold(number), at)
    else:
        end_grant(book, book.grant(number), at)


def _endings(book: Book) -> list[tuple[datetime, tuple[int, int]]]:
    endings = [(h.expires_at, (0, h.number)) for h in book.holds.values() if h.status == "active"]
    endings += [(g.ends_at, (1, g.seq)) for g in book.grants.values() if g.ends_at is not None and g.free]
    return endings
