"""Checks at the end of a replay: what is stored of an account equals what its entries say (I05, I06, I13, I14, I36)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from billing.ledger.invariants.finding import Finding
from billing.ledger.invariants.replay import Lot, Replay

SLACK = timedelta(minutes=1)
"""Two workers' clocks differ a little: what fell due within it may be booked by the next look."""


def stored_account(books: Replay) -> Iterator[Finding]:
    """I05: Any stored balance, total, counter or due time of an account equals its derived value."""
    account = books.account
    derived: dict[str, object] = {
        "balance": books.balance,
        "debt": books.debt,
        "held": sum(hold.row.amount for hold in books.active.values()),
        "last_seq": books.last_seq,
        "last_hold": books.last_hold,
        "last_at": books.last_at,
        "purchased_total": books.totals["PURCHASE"],
        "credited_total": books.totals["CREDIT"],
        "debited_total": books.totals["DEBIT"],
        "refunded_total": books.totals["REFUND"],
        "next_due_at": _next_due_at(books),
    }
    for name, value in derived.items():
        if getattr(account, name) != value:
            yield books.found("I05", f"account={name}", value, getattr(account, name), books.last_seq)
    if account.last_hash != books.last_hash:
        yield books.found("I03", "account=last_hash", books.last_hash.hex()[:16], account.last_hash.hex()[:16])


def stored_grants(books: Replay) -> Iterator[Finding]:
    """I36: Replaying entries with their uses and holds yields the same grants."""
    for seq, lot in books.lots.items():
        if (lot.row.remaining, lot.row.held) != (lot.remaining, lot.held):
            expected = f"remaining {lot.remaining}, held {lot.held}"
            found = f"remaining {lot.row.remaining}, held {lot.row.held}"
            yield books.found("I36", f"grant={seq}", expected, found, seq)
        if not lot.held <= lot.remaining:
            yield books.found("I14", f"grant={seq}", f"held at most {lot.remaining}", lot.held, seq)


def stored_debts(books: Replay) -> Iterator[Finding]:
    """I06: Debt is opened by one REFUND each, and open = what it lacked − what was paid − what was cancelled."""
    stored = {row.entry_seq: row for row in books.streams.debts.take((books.account_id, books.last_seq))}
    for seq, lack in books.lacks.items():
        cancelled = books.cancelled.get(seq, 0)
        expected = (lack, lack - books.paid.get(seq, 0) - cancelled, cancelled)
        row = stored.pop(seq, None)
        found = (row.amount, row.open, row.cancelled) if row is not None else None
        if found != expected:
            yield books.found("I06", f"debt={seq}", expected, found, seq)
    for seq in stored:
        yield books.found("I06", f"debt={seq}", "a REFUND that lacked something", "none", seq)


def stored_holds(books: Replay) -> Iterator[Finding]:
    """I13: Terminal states have their end, CAPTURED its DEBIT; I14: no hold counts beyond its time."""
    for number, hold in books.active.items():
        row = hold.row
        if row.status != "active":
            expected = "its DEBIT" if row.status == "captured" else "released"
            yield books.found("I13", f"hold={number}", expected, row.status, row.placed_seq)
        elif books.last_at is not None and row.expires_at + SLACK <= books.last_at:
            yield books.found("I14", f"hold={number}", f"expired at {row.expires_at.isoformat()}", "active")


def hold_row(books: Replay, row: Any, parts: list[Any]) -> Iterator[Finding]:
    """I13: A hold has exactly one state, reserves its amount, and captures at most that."""
    where = f"hold={row.number}"
    reserved = sum(part.amount for part in parts)
    if reserved != row.amount:
        yield books.found("I13", where, f"{row.amount} reserved", reserved, row.placed_seq)
    if not 0 <= row.captured <= row.amount or bool(row.captured) != (row.status == "captured"):
        yield books.found("I13", where, f"captured of {row.amount} only when captured", row.captured, row.placed_seq)
    is_over = row.status != "active"
    if (row.resolved_at is not None) != is_over or (row.resolved_seq is not None) != is_over:
        yield books.found("I13", where, f"resolved: {is_over}", row.resolved_at, row.placed_seq)
    if row.number != books.last_hold + 1:
        yield books.found("I13", where, f"hold {books.last_hold + 1}", row.number, row.placed_seq)


def expired_when_due(books: Replay) -> Iterator[Finding]:
    """I12: What is free in a grant that has ended was booked as expired by the next write."""
    for seq in sorted(books.open_lots):
        lot = books.lots[seq]
        ends_at = lot.row.ends_at
        if _free(lot) > 0 and ends_at is not None and books.last_at is not None and ends_at + SLACK <= books.last_at:
            yield books.found("I12", f"grant={seq}", f"expired at {ends_at.isoformat()}", f"{_free(lot)} free", seq)


def _free(lot: Lot) -> int:
    return lot.unheld - min(int(lot.row.freeze_target), lot.unheld)


def _next_due_at(books: Replay) -> datetime | None:
    lots = [books.lots[seq] for seq in books.open_lots]
    times = [lot.row.ends_at for lot in lots if lot.row.ends_at is not None and _free(lot)]
    times += [hold.row.expires_at for hold in books.active.values()]
    times += [at for at in (books.account.next_scheduled_at, books.account.next_refill_at) if at is not None]
    return min(times, default=None)
