"""Holds: credits reserved for a job until it is captured, voided or out of time (R4, R5, I13)."""

from __future__ import annotations

import json
from datetime import datetime
from decimal import Decimal

from billing.errors import (
    CaptureExceedsHold,
    HoldAlreadyCaptured,
    HoldAlreadyVoided,
    HoldExpired,
    InvalidAmount,
)
from billing.ledger.book import Book
from billing.ledger.freed import settle_freed
from billing.ledger.grants import allocate
from billing.ledger.posting import Note, post_entry
from billing.ledger.states import EntryRow, HoldPart, HoldState
from billing.money import MAX_MOVE


def place_hold(
    book: Book,
    amount: int,
    *,
    expires_at: datetime,
    scope: str | None = None,
    note: Note | None = None,
    source: str | None = None,
) -> HoldState:
    """Reserve ``amount`` micro-credits in burn order until ``expires_at``; raises ``InsufficientCredits``."""
    if not 0 < amount <= MAX_MOVE:
        raise InvalidAmount("amount: more than 0 and at most 1000000000 credits in one movement")
    note = note or Note()
    parts = allocate(book, amount, scope, book.now)
    book.last_hold += 1
    hold = HoldState(
        account_id=book.account_id,
        number=book.last_hold,
        amount=amount,
        captured=0,
        status="active",
        scope=scope,
        action=note.action,
        source=source,
        actor=note.actor,
        created_at=book.now,
        placed_seq=book.last_seq,
        expires_at=expires_at,
        resolved_at=None,
        resolved_seq=None,
        debit_seq=None,
        description=note.description,
        reference=note.reference,
        details=note.details,
    )
    for grant, part in parts:
        grant.held += part
        hold.parts.append(HoldPart(grant.seq, part))
    book.held += amount
    book.add_hold(hold)
    return hold


def capture_hold(book: Book, hold: HoldState, amount: int | None = None, *, note: Note | None = None) -> EntryRow:
    """Turn ``amount`` micro-credits of a hold (default all) into a DEBIT; the rest is free at once.

    A hold outlives its grants' expiry, freezing and taking back. Raises ``CaptureExceedsHold``,
    ``HoldAlreadyCaptured``, ``HoldAlreadyVoided``, ``HoldExpired``.
    """
    _assert_active(hold)
    amount = hold.amount if amount is None else amount
    if amount <= 0:
        raise InvalidAmount("amount: more than 0")
    if amount > hold.amount:
        raise CaptureExceedsHold()
    note = note or Note(
        actor=hold.actor,
        action=hold.action,
        description=hold.description,
        reference=hold.reference,
        metadata=json.loads(hold.details, parse_float=Decimal) if hold.details else None,
    )
    entry = post_entry(
        book,
        "DEBIT",
        "action" if hold.action else "amount",
        -amount,
        at=book.now,
        note=note,
        scope=hold.scope,
        source=f"hold:{hold.account_id}:{hold.number}",
        hold=hold.number,
    )
    hold.status = "captured"
    hold.captured = amount
    hold.debit_seq = entry.seq
    _resolve(book, hold, book.now, eaten=amount, entry_seq=entry.seq)
    return entry


def void_hold(book: Book, hold: HoldState) -> None:
    """Set everything free that the hold reserved; raises as ``capture_hold`` does."""
    _assert_active(hold)
    hold.status = "voided"
    _resolve(book, hold, book.now)


def expire_hold(book: Book, hold: HoldState, at: datetime) -> None:
    """The hold's time is over: what it reserved is free again, or expires if its grant has ended (I12)."""
    _assert_active(hold)
    hold.status = "expired"
    _resolve(book, hold, at)


def _assert_active(hold: HoldState) -> None:
    """Raise what a hold in a final state answers (I13)."""
    if hold.status == "captured":
        raise HoldAlreadyCaptured()
    if hold.status == "voided":
        raise HoldAlreadyVoided()
    if hold.status == "expired":
        raise HoldExpired()


def _resolve(book: Book, hold: HoldState, at: datetime, *, eaten: int = 0, entry_seq: int = 0) -> None:
    """Release every part, eating the first ``eaten`` micro-credits of them for ``entry_seq``."""
    hold.resolved_at = at
    hold.resolved_seq = entry_seq - 1 if entry_seq else book.last_seq
    book.held -= hold.amount
    freed = []
    for part in hold.parts:
        grant = book.grant(part.grant_seq)
        grant.held -= part.amount
        used = min(eaten, part.amount)
        if used:
            book.add_use(entry_seq, grant, used)
            eaten -= used
        if part.amount > used:
            freed.append((grant, part.amount - used))
    for grant, amount in freed:
        settle_freed(book, grant, amount, at, pays_debt=False)
