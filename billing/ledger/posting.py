"""The only place where entries are made: sign, size, running balance, sequence, hash chain (R1, R2, I01–I05)."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select

from billing.clock import to_rfc3339
from billing.db import connection, in_transaction
from billing.errors import InvalidAmount, LimitExceeded
from billing.ledger.book import Book
from billing.ledger.states import EntryRow
from billing.models import Entry
from billing.money import MAX_BALANCE, MAX_MOVE, dumps

REASONS: dict[str, frozenset[str]] = {
    "PURCHASE": frozenset({"pack", "topup"}),
    "CREDIT": frozenset(
        {
            *("signup", "cycle", "upgrade", "refill", "trial", "promo"),
            *("referral", "staff", "import", "debt_forgiven", "moved"),
        }
    ),
    "DEBIT": frozenset({"action", "amount", "expired", "staff"}),
    "REFUND": frozenset(
        {
            *("debit_refunded", "payment_refunded", "dispute_lost"),
            *("refund_failed", "dispute_reversed", "moved"),
        }
    ),
}
"""Which reasons each kind may carry (R2)."""

SPENDING_REASONS = frozenset({"action", "amount"})
"""Debits that are spending; an expiry is none, and what staff take is none."""


@dataclass(frozen=True, slots=True)
class Note:
    """What an entry says besides its amount: who, why in words, under which reference. Free text may be erased."""

    actor: str | None = None
    action: str | None = None
    description: str | None = None
    reference: str | None = None
    metadata: Mapping[str, Any] | None = None

    @property
    def details(self) -> str | None:
        """The metadata as the JSON text that is kept."""
        return dumps(self.metadata) if self.metadata else None


def post_entry(
    book: Book,
    kind: str,
    reason: str,
    amount: int,
    *,
    at: datetime,
    note: Note | None = None,
    scope: str | None = None,
    source: str | None = None,
    reverses: int | None = None,
    hold: int | None = None,
) -> EntryRow:
    """Append one entry of ``amount`` micro-credits (signed) to the account's books and move its balance.

    ``scope`` is the influencer that it is for; ``source`` is the business key that makes it happen once (R6).
    Raises ``InvalidAmount`` beyond R1's size and ``LimitExceeded`` above the account's limit. Only a REFUND, or the
    capture of a hold, may leave the balance below zero (R4).
    """
    assert in_transaction(), "entries are posted inside a transaction"
    assert reason in REASONS[kind], f"{kind} has no reason {reason}"
    size = amount if kind in ("PURCHASE", "CREDIT") else -amount if kind == "DEBIT" else abs(amount)
    if not 0 < size <= MAX_MOVE:
        raise InvalidAmount("amount: more than 0 and at most 1000000000 credits in one movement")
    note = note or Note()
    balance = book.balance + amount
    if balance > MAX_BALANCE:
        raise LimitExceeded("amount: an account holds at most 1000000000000 credits")
    assert balance >= 0 or kind == "REFUND" or hold is not None or book.balance < 0 < amount
    # Business time may step back a little between two workers; the books never do (I04).
    at = at if book.last_at is None else max(at, book.last_at)
    entry = EntryRow(
        account_id=book.account_id,
        seq=book.last_seq + 1,
        kind=kind,
        reason=reason,
        amount=amount,
        balance_after=balance,
        at=at,
        action=note.action,
        scope=scope,
        source=source,
        reverses=reverses,
        hold=hold,
        actor=note.actor,
        hash=b"",
        description=note.description,
        reference=note.reference,
        details=note.details,
    )
    entry.hash = entry_hash(book.last_hash, entry)
    book.balance = balance
    book.last_seq = entry.seq
    book.last_at = at
    book.last_hash = entry.hash
    book.totals[kind] += amount
    if kind == "DEBIT" and reason in SPENDING_REASONS:
        book.count_spent(-amount, at)
    book.add_entry(entry)
    return entry


def entry_hash(previous: bytes, entry: Any) -> bytes:
    """SHA-256 over the entry before and this one's facts; free text is left out, so erasing it breaks nothing."""
    facts = (
        entry.account_id,
        entry.seq,
        entry.kind,
        entry.reason,
        entry.amount,
        entry.balance_after,
        to_rfc3339(entry.at),
        entry.action or "",
        entry.scope or "",
        entry.source or "",
        entry.reverses or "",
        entry.hold or "",
    )
    return hashlib.sha256(previous + "|".join(map(str, facts)).encode()).digest()


def posted_seq(account_id: int, source: str | None) -> int | None:
    """Which of the account's entries the business key has had, if any (R6). Ask under the account's lock."""
    if source is None:
        return None
    return connection().scalar(select(Entry.seq).where(Entry.account_id == account_id, Entry.source == source))


def is_posted(source: str) -> bool:
    """Whether the business key has had its entry, on whichever account (R6). Ask under the account's lock."""
    return connection().scalar(select(Entry.seq).where(Entry.source == source)) is not None
