"""Spending credits: debit, hold, capture, void, and giving a debit back (R3, R4, R6)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select

from billing.accounts import open_account
from billing.db import connection, transaction
from billing.errors import Invalid, InvalidAmount
from billing.ids import ledger_id, parse_ledger_id
from billing.ledger import holds
from billing.ledger.balances import BalanceView, view_of
from billing.ledger.book import Book, HoldState
from billing.ledger.giving_back import give_back
from billing.ledger.grants import burn_down
from billing.ledger.history import EntryView, read_entry
from billing.ledger.posting import Note
from billing.models import Entry, Hold
from billing.money import MAX_MOVE

DEFAULT_HOLD_SECONDS = 900
MAX_HOLD_SECONDS = 86_400


@dataclass(frozen=True, slots=True)
class Spending:
    """What is spent and why. ``amount`` in micro-credits; ``source`` is the business key, R6's (app, key)."""

    amount: int
    actor: str
    action: str | None = None
    influencer: str | None = None
    description: str | None = None
    reference: str | None = None
    metadata: Mapping[str, Any] | None = None
    source: str | None = None

    @property
    def note(self) -> Note:
        """What the entry will say."""
        return Note(self.actor, self.action, self.description, self.reference, self.metadata)


@dataclass(frozen=True, slots=True)
class Spent:
    """A debit, refund or capture with the balance right after it."""

    entry: EntryView
    balance: BalanceView


@dataclass(frozen=True, slots=True)
class HoldView:
    """A hold with the balance right after the call; amounts in micro-credits."""

    id: str
    account_id: int
    amount: int
    captured: int
    status: str
    scope: str | None
    expires_at: datetime
    reference: str | None
    balance: BalanceView


def debit(account_id: int, spending: Spending) -> Spent:
    """Spend at once, in burn order. The same ``source`` again answers the first entry and spends nothing.

    Raises ``InsufficientCredits``, ``InvalidAmount``, ``NotFound``.
    """
    _check_amount(spending.amount)
    with transaction(), open_account(account_id) as book:
        seq = _posted(account_id, spending.source)
        if seq is None:
            reason = "action" if spending.action else "amount"
            seq = burn_down(
                book,
                spending.amount,
                reason,
                scope=spending.influencer,
                note=spending.note,
                source=spending.source,
            ).seq
        return _spent(book, seq)


def place_hold(account_id: int, spending: Spending, expires_in: int = DEFAULT_HOLD_SECONDS) -> HoldView:
    """Reserve credits for a job, for ``expires_in`` seconds (1–86400). Raises as ``debit`` does."""
    _check_amount(spending.amount)
    if not 1 <= expires_in <= MAX_HOLD_SECONDS:
        raise Invalid("expires_in: a whole number of seconds from 1 to 86400")
    with transaction(), open_account(account_id) as book:
        number = _held(account_id, spending.source)
        if number is not None:
            return _hold_view(book, book.hold(number))
        hold = holds.place_hold(
            book,
            spending.amount,
            expires_at=book.now + timedelta(seconds=expires_in),
            scope=spending.influencer,
            note=spending.note,
            source=spending.source,
        )
        return _hold_view(book, hold)


def capture_hold(hold_id: str, amount: int | None = None) -> tuple[HoldView, EntryView]:
    """Charge ``amount`` micro-credits of a hold (default all); the rest is free at once.

    Raises ``NotFound``, ``CaptureExceedsHold``, ``HoldAlreadyCaptured``, ``HoldAlreadyVoided``, ``HoldExpired``.
    """
    account_id, number = parse_ledger_id("ho", hold_id)
    if amount is not None:
        _check_amount(amount)
    with transaction(), open_account(account_id) as book:
        hold = book.hold(number)
        seq = holds.capture_hold(book, hold, amount).seq
        book.flush()
        return _hold_view(book, hold), _entry_view(account_id, seq)


def void_hold(hold_id: str) -> HoldView:
    """Release a hold without charging anything; raises as ``capture_hold`` does."""
    account_id, number = parse_ledger_id("ho", hold_id)
    with transaction(), open_account(account_id) as book:
        hold = book.hold(number)
        holds.void_hold(book, hold)
        return _hold_view(book, hold)


def read_hold(hold_id: str) -> HoldView:
    """A hold as it is now; raises ``NotFound``."""
    account_id, number = parse_ledger_id("ho", hold_id)
    with transaction(), open_account(account_id) as book:
        return _hold_view(book, book.hold(number))


def refund_debit(
    entry_id: str,
    amount: int | None = None,
    *,
    actor: str,
    reason: str | None = None,
    source: str | None = None,
) -> Spent:
    """Give a debit back, whole or in part; the sum never exceeds it. Raises ``NotFound``, ``RefundExceeds``."""
    account_id, seq = parse_ledger_id("en", entry_id)
    if amount is not None:
        _check_amount(amount)
    with transaction(), open_account(account_id) as book:
        posted = _posted(account_id, source)
        if posted is None:
            note = Note(actor=actor, description=reason)
            posted = give_back(book, book.entry(seq), amount, note=note, source=source).seq
        return _spent(book, posted)


def _check_amount(amount: int) -> None:
    if not 0 < amount <= MAX_MOVE:
        raise InvalidAmount("amount: more than 0 and at most 1000000000 credits")


def _posted(account_id: int, source: str | None) -> int | None:
    if source is None:
        return None
    return connection().scalar(select(Entry.seq).where(Entry.account_id == account_id, Entry.source == source))


def _held(account_id: int, source: str | None) -> int | None:
    if source is None:
        return None
    return connection().scalar(select(Hold.number).where(Hold.account_id == account_id, Hold.source == source))


def _entry_view(account_id: int, seq: int) -> EntryView:
    view = read_entry(account_id, seq)
    assert view is not None
    return view


def _spent(book: Book, seq: int) -> Spent:
    book.flush()
    return Spent(_entry_view(book.account_id, seq), view_of(book))


def _hold_view(book: Book, hold: HoldState) -> HoldView:
    return HoldView(
        id=ledger_id("ho", hold.account_id, hold.number),
        account_id=hold.account_id,
        amount=hold.amount,
        captured=hold.captured,
        status=hold.status,
        scope=hold.scope,
        expires_at=hold.expires_at,
        reference=hold.reference,
        balance=view_of(book),
    )
