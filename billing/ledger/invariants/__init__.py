"""The invariants of the books as named checks, read-only; `ledger audit` and the property test run them all.

Each check's docstring is the invariant it holds (FAULTS.md). A check of an entry sees the books before or after it;
the rest look at the end, or at the database as a whole. Everything is read in one pass per table, account by
account, so memory is bounded by the grants and active holds of one account.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from sqlalchemy.engine import Connection

from billing.ledger.invariants import entries, spending, standing
from billing.ledger.invariants.finding import Finding
from billing.ledger.invariants.replay import Replay, Step
from billing.ledger.invariants.schema import check_schema, duplicate_sources, orphans
from billing.ledger.invariants.streams import BookStreams, Chosen, open_books

__all__ = ["Finding", "check_books", "check_database", "check_schema"]

StepCheck = Callable[[Replay, Step], Iterator[Finding]]

BEFORE: tuple[StepCheck, ...] = (
    entries.whole_amounts,
    entries.sign_and_reason,
    entries.chained,
    entries.in_sequence,
    entries.keyed,
    entries.grant_of_entry,
    entries.fully_allocated,
    spending.no_overspend,
    spending.from_live_grants,
    spending.in_burn_order,
    spending.of_the_right_scope,
    spending.capture_of_one_hold,
    spending.expiry_of_one_grant,
)
AFTER: tuple[StepCheck, ...] = (
    entries.running_balance,
    entries.reversed_at_most_once,
    entries.remaining_in_range,
    entries.conserved,
)
AT_END: tuple[Callable[[Replay], Iterator[Finding]], ...] = (
    standing.stored_grants,
    standing.stored_debts,
    standing.stored_holds,
    standing.stored_account,
    standing.expired_when_due,
)


def check_books(
    connection: Connection, chosen: Chosen = None, unsteady: Iterable[tuple[int, str]] = ()
) -> Iterator[Finding]:
    """Replay the books of one account, of some or of all and check them.

    ``unsteady``: account and id of every payment that a refund or dispute has ever touched, in the order of the
    accounts; its credits may have been frozen at times that no row records.
    """
    streams = open_books(connection, chosen)
    touched = _by_account(unsteady)
    while (account := next(streams.accounts.take(_ANY_ACCOUNT), None)) is not None:
        streams.skip_to(account.account_id)
        yield from _check_account(Replay(account, streams, touched(account.account_id)))


def check_database(connection: Connection, account_id: int | None = None) -> Iterator[Finding]:
    """Check what the database itself should enforce: uniqueness of business keys, and no orphan."""
    yield from duplicate_sources(connection, account_id)
    yield from orphans(connection, account_id)


_ANY_ACCOUNT = (float("inf"),)


def _by_account(pairs: Iterable[tuple[int, str]]) -> Callable[[int], frozenset[str]]:
    """The ids that go with an account; asked in the order of the accounts."""
    rest = iter(pairs)
    head = next(rest, None)

    def of(account_id: int) -> frozenset[str]:
        nonlocal head
        found = set()
        while head is not None and head[0] <= account_id:
            if head[0] == account_id:
                found.add(head[1])
            head = next(rest, None)
        return frozenset(found)

    return of


def _check_account(books: Replay) -> Iterator[Finding]:
    yield from _between_entries(books, 0)
    for entry in books.streams.entries.take((books.account_id, float("inf"))):
        for step in books.next_step(entry):
            if isinstance(step, Finding):
                yield step
                continue
            for check in BEFORE:
                yield from check(books, step)
            books.apply(step)
            for check in AFTER:
                yield from check(books, step)
        yield from _between_entries(books, entry.seq)
    for check_end in AT_END:
        yield from check_end(books)


def _between_entries(books: Replay, seq: int) -> Iterator[Finding]:
    """What happens after entry ``seq`` and before the next: debts are paid, holds are placed and released."""
    streams = books.streams
    later = list(streams.later_uses.take((books.account_id, seq)))
    placed = list(streams.holds.take((books.account_id, seq)))
    over = [each.row for each in books.active.values()] + placed
    over = [row for row in over if row.resolved_seq == seq and row.status in ("voided", "expired")]
    # An ending that is due comes before what is done at the same moment; a void may have come before or after it.
    events: list[tuple[Any, int, int, Any]] = [(row.created_at, 1, row.number, row) for row in placed]
    for row in over:
        events.append((row.resolved_at or row.created_at, 0 if row.status == "expired" else 2, row.number, None))
    voided_at = {row.resolved_at for row in over if row.status == "voided"}
    for _, _, number, row in sorted(events, key=lambda event: event[:3]):
        if row is None:
            if number in books.active:
                books.release(number)
            continue
        parts = _parts_of(streams, books.account_id, number)
        yield from standing.hold_row(books, row, parts)
        if not later and row.created_at not in voided_at:  # else no row records what came first
            yield from spending.hold_placed_soundly(books, row, parts)
        books.place(row, parts)
    for use in later:
        books.pay_later(use)


def _parts_of(streams: BookStreams, account_id: int, number: int) -> list[Any]:
    return [part for part in streams.hold_uses.take((account_id, number)) if part.hold == number]
