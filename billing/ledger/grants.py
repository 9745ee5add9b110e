"""Grants: opening them, what may be spent, in which order, freezing, and their end (R3, R4, R5, R10)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from billing.errors import InsufficientCredits
from billing.ledger.book import Book
from billing.ledger.posting import Note, post_entry
from billing.ledger.states import DebtState, EntryRow, GrantState

REVIVAL = timedelta(days=7)
"""How long credits live that come back to, or are unfrozen in, a grant that has ended (R8)."""

DEFAULT_PRIORITY = 50
_NEVER = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Terms:
    """What a new grant is bound to. ``expires_at`` is the date shown, ``ends_at`` (default: the same) R10's end."""

    effective_at: datetime | None = None
    expires_at: datetime | None = None
    ends_at: datetime | None = None
    scope: str | None = None
    priority: int = DEFAULT_PRIORITY
    payment_id: str | None = None
    lot: str | None = None
    chain: str | None = None
    label: str | None = None


def open_grant(
    book: Book,
    kind: str,
    reason: str,
    amount: int,
    *,
    at: datetime,
    terms: Terms | None = None,
    note: Note | None = None,
    source: str | None = None,
    freeze: int = 0,
) -> GrantState:
    """Post a PURCHASE or CREDIT of ``amount`` micro-credits and open its grant; it pays open debts first (R4).

    ``freeze`` micro-credits of it arrive frozen (R8) and pay nothing. ``source``: R6's business key.
    """
    terms = terms or Terms()
    entry = post_entry(book, kind, reason, amount, at=at, note=note, source=source, scope=terms.scope)
    grant = GrantState(
        account_id=book.account_id,
        seq=entry.seq,
        granted=amount,
        remaining=amount,
        held=0,
        freeze_target=freeze,
        purchased=kind == "PURCHASE",
        reason=reason,
        scope=terms.scope,
        priority=terms.priority,
        effective_at=terms.effective_at or entry.at,
        expires_at=terms.expires_at,
        ends_at=terms.ends_at or terms.expires_at,
        payment_id=terms.payment_id,
        lot=terms.lot,
        chain=terms.chain,
        label=terms.label,
    )
    book.add_grant(grant)
    pay_debts(book, grant)
    return grant


def is_usable(grant: GrantState, scope: str | None, at: datetime) -> bool:
    """Whether a debit of this scope may eat from the grant at that moment (R5)."""
    return grant.effective_at <= at and not grant.has_ended(at) and (grant.scope is None or grant.scope == scope)


def burn_key(grant: GrantState) -> tuple[int, int, datetime, bool, int]:
    """R3's order: this influencer's own → priority → soonest expiry → granted before purchased → oldest."""
    return (
        0 if grant.scope is not None else 1,
        grant.priority,
        grant.expires_at or _NEVER,
        grant.purchased,
        grant.seq,
    )


def spendable(book: Book, scope: str | None, at: datetime) -> int:
    """Micro-credits a debit of this scope can take (R4)."""
    usable = live = 0
    for grant in book.grants.values():
        if is_usable(grant, grant.scope, at):
            live += grant.free
            if is_usable(grant, scope, at):
                usable += grant.free
    return max(0, min(usable, live - book.debt))


def allocate(book: Book, amount: int, scope: str | None, at: datetime) -> list[tuple[GrantState, int]]:
    """Which grants pay ``amount`` and how much each, in burn order; raises ``InsufficientCredits``."""
    available = spendable(book, scope, at)
    if amount > available:
        raise InsufficientCredits(amount, available)
    parts = []
    for grant in sorted(book.grants.values(), key=burn_key):
        if amount and is_usable(grant, scope, at) and grant.free:
            part = min(amount, grant.free)
            parts.append((grant, part))
            amount -= part
    return parts


def burn_down(
    book: Book, amount: int, reason: str, *, scope: str | None, note: Note | None, source: str | None
) -> EntryRow:
    """Post a DEBIT of ``amount`` micro-credits, eaten from the grants in burn order."""
    parts = allocate(book, amount, scope, book.now)
    entry = post_entry(book, "DEBIT", reason, -amount, at=book.now, note=note, source=source, scope=scope)
    for grant, part in parts:
        book.add_use(entry.seq, grant, part)
    return entry


def pay_debts(book: Book, grant: GrantState, debts: Iterable[DebtState] | None = None) -> None:
    """Let what is free in ``grant`` pay open debt, its own first, then the oldest; each payment is a use."""
    if not book.debt:
        return
    for debt in debts or sorted(book.open_debts(), key=lambda d: (d.grant_seq != grant.seq, d.entry_seq)):
        paid = min(grant.free, debt.open)
        if paid:
            book.pay_debt(debt, grant, paid)


def freeze(book: Book, grant: GrantState, target: int, at: datetime) -> None:
    """Freeze ``target`` micro-credits of the grant's unheld rest, now and as its rest changes (R8).

    What this sets free in a grant that has ended lives seven days from ``at``.
    """
    free_before = grant.free
    grant.freeze_target = target
    if grant.free > free_before:
        revive(grant, at)


def revive(grant: GrantState, at: datetime) -> None:
    """Credits have come back to the grant: if it has ended, they live seven days from ``at`` (R8)."""
    if grant.has_ended(at):
        grant.ends_at = at + REVIVAL


def end_grant(book: Book, grant: GrantState, at: datetime) -> None:
    """Book what is free in a grant whose time is over as expired; debt is paid from it first (R4)."""
    assert grant.has_ended(at)
    pay_debts(book, grant)
    if grant.free:
        rest = grant.free
        entry = post_entry(book, "DEBIT", "expired", -rest, at=at, note=Note(actor="system"))
        book.add_use(entry.seq, grant, rest)
