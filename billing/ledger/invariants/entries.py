"""Checks of each entry by itself and in its row: size, sign, sequence, chain (I01–I04, I07, I08, I15, I35)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from billing.ledger.invariants.finding import Finding
from billing.ledger.invariants.replay import Replay, Step
from billing.ledger.posting import REASONS, entry_hash
from billing.money import MAX_BALANCE, MAX_MOVE

KEYED_REASONS = frozenset(
    {"pack", "topup", "signup", "cycle", "upgrade", "refill", "trial", "promo", "referral"},
)
"""Grants that happen by themselves carry R6's business key; staff may give twice on purpose."""

TARGETS: dict[str, tuple[str, ...]] = {
    "debit_refunded": ("DEBIT",),
    "payment_refunded": ("PURCHASE", "CREDIT"),
    "dispute_lost": ("PURCHASE", "CREDIT"),
    "refund_failed": ("REFUND",),
    "dispute_reversed": ("REFUND",),
    "moved": ("PURCHASE", "CREDIT"),
}
"""What a REFUND of each reason undoes (R2)."""


def whole_amounts(books: Replay, step: Step) -> Iterator[Finding]:
    """I01: Every amount, granted, n, captured is an integer number of micro-credits; 0 < |amount| <= 10^15."""
    entry = step.entry
    if not (_is_whole(entry.amount) and 0 < abs(entry.amount) <= MAX_MOVE):
        yield _at(books, "I01", entry, "an integer, more than 0 and at most 10^15", entry.amount)
    if not (_is_whole(entry.balance_after) and entry.balance_after <= MAX_BALANCE):
        yield _at(books, "I01", entry, "an integer balance of at most 10^18", entry.balance_after)
    for use in step.uses:
        if not (_is_whole(use.amount) and use.amount):
            yield books.found("I01", f"use={use.entry_seq}.{use.n}", "an integer other than 0", use.amount, entry.seq)
    if step.grant is not None and not _is_whole(step.grant.granted):
        yield books.found("I01", f"grant={step.grant.seq}", "an integer", step.grant.granted, entry.seq)


def sign_and_reason(books: Replay, step: Step) -> Iterator[Finding]:
    """I02: PURCHASE, CREDIT > 0; DEBIT < 0; REFUND has the opposite sign of the entry that ``reverses`` names."""
    entry = step.entry
    if entry.reason not in REASONS.get(entry.kind, ()):
        yield _at(books, "I02", entry, f"a reason of {entry.kind}", entry.reason)
    if entry.kind in ("PURCHASE", "CREDIT") and entry.amount <= 0:
        yield _at(books, "I02", entry, "more than 0", entry.amount)
    if entry.kind == "DEBIT" and entry.amount >= 0:
        yield _at(books, "I02", entry, "less than 0", entry.amount)
    if entry.kind != "REFUND":
        return
    if entry.target_kind is None:
        yield _at(books, "I02", entry, "an entry of this customer that it reverses", entry.reverses)
        return
    if (entry.target_amount > 0) == (entry.amount > 0):
        yield _at(books, "I02", entry, f"the opposite sign of {entry.target_amount}", entry.amount)
    # What had paid a debt by being forgiven is un-forgiven by the refund that failed (R7).
    forgiven = entry.target_reason == "debt_forgiven"
    if entry.target_reason == "expired" or (entry.target_kind not in TARGETS.get(entry.reason, ()) and not forgiven):
        yield _at(books, "I02", entry, f"what {entry.reason} may undo", f"{entry.target_kind}:{entry.target_reason}")


def reversed_at_most_once(books: Replay, step: Step) -> Iterator[Finding]:
    """I02: An entry's reversals, net of their own reversals, never exceed it."""
    entry = step.entry
    if entry.target_amount is not None and books.reversed.get(entry.reverses, 0) > abs(entry.target_amount):
        net = books.reversed[entry.reverses]
        yield books.found("I02", f"entry={entry.reverses}", f"reversed {entry.target_amount} at most", net, entry.seq)


def chained(books: Replay, step: Step) -> Iterator[Finding]:
    """I03: ``hash_n = H(hash_{n-1} ‖ canon(e_n))``, so an entry that was changed or taken out shows."""
    if entry_hash(books.last_hash, step.entry) != step.entry.hash:
        expected = entry_hash(books.last_hash, step.entry).hex()[:16]
        yield _at(books, "I03", step.entry, expected, bytes(step.entry.hash).hex()[:16])


def in_sequence(books: Replay, step: Step) -> Iterator[Finding]:
    """I04: seq strictly increasing per account with no gap; ``at`` never steps back."""
    entry = step.entry
    if entry.seq != books.last_seq + 1:
        yield books.found("I04", f"entry={books.last_seq + 1}", "an entry", f"the next is {entry.seq}", entry.seq)
    if books.last_at is not None and entry.at < books.last_at:
        yield _at(books, "I04", entry, f"at or after {_time(books.last_at)}", _time(entry.at))


def keyed(books: Replay, step: Step) -> Iterator[Finding]:
    """I15: What is granted by itself carries the business key that makes it happen once."""
    entry = step.entry
    if entry.kind in ("PURCHASE", "CREDIT") and entry.reason in KEYED_REASONS and not entry.source:
        yield _at(books, "I15", entry, "a source", "none")


def running_balance(books: Replay, step: Step) -> Iterator[Finding]:
    """I35: The balance as of entry n is the sum of the first n entries."""
    entry = step.entry
    if entry.balance_after != books.balance:
        yield _at(books, "I35", entry, books.balance, entry.balance_after)
        books.drift += entry.balance_after - books.balance
        books.balance = entry.balance_after


def grant_of_entry(books: Replay, step: Step) -> Iterator[Finding]:
    """I07: One grant per PURCHASE and CREDIT, of its amount, reason and scope; none for a DEBIT or REFUND."""
    entry, grant = step.entry, step.grant
    if entry.kind not in ("PURCHASE", "CREDIT"):
        if grant is not None:
            yield _at(books, "I07", entry, f"no grant for a {entry.kind}", f"grant {grant.seq}")
        return
    if grant is None:
        yield _at(books, "I07", entry, "a grant", "none")
        return
    expected = (entry.amount, entry.reason, entry.scope, entry.kind == "PURCHASE")
    found = (grant.granted, grant.reason, grant.scope, bool(grant.purchased))
    if expected != found:
        yield books.found("I07", f"grant={grant.seq}", expected, found, entry.seq)


def remaining_in_range(books: Replay, step: Step) -> Iterator[Finding]:
    """I07: 0 <= rem(l) <= granted(l), after every entry; I14: what holds reserve of it is there."""
    for seq in step.eaten:
        lot = books.lots.get(seq)
        if lot is None:
            yield books.found("I37", f"use={step.entry.seq}", f"grant {seq}", "none", step.entry.seq)
        elif not 0 <= lot.remaining <= lot.row.granted:
            yield books.found("I07", f"grant={seq}", f"0 to {lot.row.granted}", lot.remaining, step.entry.seq)
        elif lot.held > lot.remaining:
            yield books.found("I14", f"grant={seq}", f"held at most {lot.remaining}", lot.held, step.entry.seq)


def fully_allocated(books: Replay, step: Step) -> Iterator[Finding]:
    """I08: For each negative entry Σ A.n = |amount| − its open debt; a DEBIT has none."""
    entry = step.entry
    eaten = sum(use.amount for use in step.uses)
    if entry.kind == "DEBIT" and (eaten != -entry.amount or any(use.amount < 0 for use in step.uses)):
        yield _at(books, "I08", entry, f"{-entry.amount} eaten", eaten)
    elif entry.kind in ("PURCHASE", "CREDIT") and step.uses:
        yield _at(books, "I08", entry, "nothing eaten", eaten)
    elif entry.kind == "REFUND" and entry.amount < 0 and not 0 <= eaten <= -entry.amount:
        yield _at(books, "I08", entry, f"0 to {-entry.amount} eaten", eaten)
    elif entry.kind == "REFUND" and entry.amount > 0:
        # Only the putting back of what had left a debt returns less: it cancels what is open of that debt.
        owed = books.lacks.get(entry.reverses, 0) - books.paid.get(entry.reverses, 0)
        room = max(0, owed - books.cancelled.get(entry.reverses, 0))
        if -eaten != entry.amount - min(entry.amount, room):
            yield _at(books, "I08", entry, f"{entry.amount - min(entry.amount, room)} returned", -eaten)


def conserved(books: Replay, step: Step) -> Iterator[Finding]:
    """I06: bal = Σ rem(l) − debt, and debt >= 0, after every entry."""
    standing = books.remaining - books.debt
    drift = books.balance - standing
    if drift != books.drift:
        yield _at(books, "I06", step.entry, books.balance, standing)
        books.drift = drift
    if books.debt < 0:
        yield _at(books, "I06", step.entry, "debt of 0 or more", books.debt)


def _is_whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _at(books: Replay, invariant: str, entry: Any, expected: object, found: object) -> Finding:
    return books.found(invariant, f"entry={entry.seq}", expected, found, entry.seq)


def _time(at: datetime) -> str:
    return at.isoformat()
