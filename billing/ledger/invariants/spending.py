"""Checks of what is spent: no overspend, in burn order, from live grants of the right scope (I09–I13, I28)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from billing.ledger.invariants.finding import Finding
from billing.ledger.invariants.replay import Lot, Replay, Step


def no_overspend(books: Replay, step: Step) -> Iterator[Finding]:
    """I09: A DEBIT is at most what was available before it; only a REFUND or an older hold goes below zero."""
    entry = step.entry
    if entry.kind != "DEBIT":
        return
    if entry.hold is None and entry.reason != "expired":
        available = _available(books, entry.scope, entry.at)
        if -entry.amount > available:
            yield books.found("I09", f"entry={entry.seq}", f"at most {available}", -entry.amount, entry.seq)
    after = books.balance + entry.amount
    if after < 0:
        hold = books.active.get(entry.hold)
        if hold is None or books.last_taking_seq <= hold.row.placed_seq:
            yield books.found("I09", f"entry={entry.seq}", "a balance of 0 or more", after, entry.seq)


def from_live_grants(books: Replay, step: Step) -> Iterator[Finding]:
    """I10: A DEBIT never uses a grant that has ended or not begun, except through a hold taken earlier."""
    entry = step.entry
    if entry.kind != "DEBIT" or entry.reason == "expired" or entry.hold is not None:
        return
    for lot in _eaten_lots(books, step):
        if not lot.was_live(entry.at):
            yield books.found(
                "I10",
                f"entry={entry.seq} grant={lot.row.seq}",
                f"spent from {lot.row.effective_at.isoformat()} to {lot.at_most_until.isoformat()}",
                entry.at.isoformat(),
                entry.seq,
            )


def in_burn_order(books: Replay, step: Step) -> Iterator[Finding]:
    """I11: No DEBIT allocates from a grant while an eligible one earlier in R3's order had unheld remainder."""
    entry = step.entry
    if entry.kind != "DEBIT" or entry.reason == "expired" or entry.hold is not None:
        return
    eaten = step.eaten
    keys = [books.lots[seq].burn_key for seq in eaten if seq in books.lots]
    if not keys:
        return
    for seq in sorted(books.open_lots):
        lot = books.lots[seq]
        left = lot.unheld - eaten.get(seq, 0)
        if lot.steady and left > 0 and lot.burn_key < max(keys) and _must_serve(lot, entry.scope, entry.at):
            yield books.found("I11", f"entry={entry.seq} grant={seq}", "eaten first", f"{left} left", entry.seq)


def of_the_right_scope(books: Replay, step: Step) -> Iterator[Finding]:
    """I28: Scoped credits are allocated only to debits of that scope; expiry takes its own grant's."""
    entry = step.entry
    if entry.kind != "DEBIT" or entry.reason == "expired":
        return
    for lot in _eaten_lots(books, step):
        if not lot.serves(entry.scope):
            yield books.found(
                "I28", f"entry={entry.seq} grant={lot.row.seq}", f"scope {lot.row.scope}", entry.scope, entry.seq
            )


def expiry_of_one_grant(books: Replay, step: Step) -> Iterator[Finding]:
    """I12: An expiry takes what is unheld and unfrozen of one grant whose time is over, and of no other."""
    entry = step.entry
    if entry.kind != "DEBIT" or entry.reason != "expired":
        return
    lots = _eaten_lots(books, step)
    where = f"entry={entry.seq}"
    if len(lots) != 1:
        yield books.found("I12", where, "one grant", len(lots), entry.seq)
        return
    lot = lots[0]
    if lot.steady and entry.at < lot.surely_until:
        yield books.found("I12", where, f"at {lot.surely_until.isoformat()} or later", entry.at.isoformat(), entry.seq)
    if -entry.amount > lot.unheld or (lot.steady and -entry.amount < lot.unheld):
        yield books.found("I12", where, lot.unheld, -entry.amount, entry.seq)


def capture_of_one_hold(books: Replay, step: Step) -> Iterator[Finding]:
    """I13: CAPTURED ⇔ exactly one DEBIT with that hold and amount = captured, eaten from what it reserved."""
    entry = step.entry
    if entry.hold is None:
        return
    hold = books.active.get(entry.hold)
    where = f"hold={entry.hold}"
    if entry.kind != "DEBIT" or hold is None:
        yield books.found("I13", where, "one DEBIT of an active hold", f"{entry.kind} entry {entry.seq}", entry.seq)
        return
    row = hold.row
    if (row.status, row.debit_seq, row.captured) != ("captured", entry.seq, -entry.amount):
        found = f"{row.status}, entry {row.debit_seq}, {row.captured}"
        yield books.found("I13", where, f"captured, entry {entry.seq}, {-entry.amount}", found, entry.seq)
    if -entry.amount > row.amount:
        yield books.found("I09", where, f"at most {row.amount}", -entry.amount, entry.seq)
    if row.scope != entry.scope:
        yield books.found("I28", where, row.scope, entry.scope, entry.seq)
    left = -entry.amount
    expected: dict[int, int] = {}
    for part in hold.parts:
        used = min(left, part.amount)
        left -= used
        if used:
            expected[part.grant_seq] = expected.get(part.grant_seq, 0) + used
    if step.eaten != expected:
        yield books.found("I13", where, expected, step.eaten, entry.seq)


def hold_placed_soundly(books: Replay, row: Any, parts: list[Any]) -> Iterator[Finding]:
    """I09–I11, I28 for a hold: it reserves what was available, from live grants of its scope, in burn order."""
    where = f"hold={row.number}"
    reserved: dict[int, int] = {}
    for part in parts:
        reserved[part.grant_seq] = reserved.get(part.grant_seq, 0) + part.amount
    available = _available(books, row.scope, row.created_at)
    if row.amount > available:
        yield books.found("I09", where, f"at most {available}", row.amount, row.placed_seq)
    lots = [books.lots[seq] for seq in reserved if seq in books.lots]
    for lot in lots:
        if not lot.was_live(row.created_at):
            yield books.found("I10", where, f"a live grant instead of {lot.row.seq}", row.created_at, row.placed_seq)
        if not lot.serves(row.scope):
            yield books.found("I28", where, f"scope {lot.row.scope}", row.scope, row.placed_seq)
    last = max((lot.burn_key for lot in lots), default=None)
    for seq in sorted(books.open_lots):
        lot = books.lots[seq]
        left = lot.unheld - reserved.get(seq, 0)
        if last and lot.steady and left > 0 and lot.burn_key < last and _must_serve(lot, row.scope, row.created_at):
            yield books.found("I11", f"{where} grant={seq}", "reserved first", f"{left} left", row.placed_seq)


def _eaten_lots(books: Replay, step: Step) -> list[Lot]:
    return [books.lots[seq] for seq in step.eaten if seq in books.lots]


def _must_serve(lot: Lot, scope: str | None, at: datetime) -> bool:
    return lot.serves(scope) and lot.must_have_been_live(at)


def _available(books: Replay, scope: str | None, at: datetime) -> int:
    """The most that can have been available (R4): as if nothing had been frozen, and every end was the latest."""
    usable = live = 0
    for seq in books.open_lots:
        lot = books.lots[seq]
        if lot.was_live(at):
            live += lot.unheld
            if lot.serves(scope):
                usable += lot.unheld
    return max(0, min(usable, live - books.debt))
