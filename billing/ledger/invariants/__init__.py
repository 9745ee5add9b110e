"""The invariants of the books as named checks, read-only; `ledger audit` and the property test run them all.

Each check's docstring is the invariant it holds (FAULTS.md). A check of an entry sees the books before or after it;
the rest look at the end, or at the database as a whole. Everything is read account by account, so memory is bounded
by the grants and active holds of one account.

The replay alone says what is right. Screening (`screening.py`) only spares it long runs of plain debits: books that
are replayed without them, and in which anything at all is found or in doubt, are replayed again with every entry.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from sqlalchemy.engine import Connection

from billing.ledger.invariants import entries, spending, standing
from billing.ledger.invariants.ahead import screen
from billing.ledger.invariants.finding import Finding
from billing.ledger.invariants.replay import Doubt, Replay, Step
from billing.ledger.invariants.schema import check_schema, duplicate_sources, orphans
from billing.ledger.invariants.streams import BookStreams, Chosen, Stream, open_accounts, open_books

__all__ = ["Chosen", "Finding", "check_books", "check_database", "check_schema"]

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
    connection: Connection,
    chosen: Chosen = None,
    unsteady: Iterable[tuple[int, str]] = (),
    *,
    screened: bool = True,
) -> Iterator[Finding]:
    """Replay the books of one account, of some or of all and check them.

    ``unsteady``: account and id of every payment that a refund or dispute has ever touched, in the order of the
    accounts; its credits may have been frozen at times that no row records. ``screened``: long runs that PostgreSQL
    can vouch for are passed over; it makes no difference to what is found.
    """
    touched = _by_account(unsteady)
    if not screened or connection.dialect.name != "postgresql":
        for books in _replays(open_books(connection, chosen), touched):
            yield from _check_account(books)
        return
    for batch, only in screen(connection, _batches(open_accounts(connection, chosen))):
        known = {account_id: touched(account_id) for account_id in batch}
        rest = sorted({*batch} - _beyond_doubt(connection, only, known.__getitem__))
        if rest:
            for books in _replays(open_books(connection, rest), known.__getitem__):
                yield from _check_account(books)


def check_database(connection: Connection, chosen: Chosen = None) -> Iterator[Finding]:
    """Check what the database itself should enforce of these books: unique business keys, and no orphan."""
    yield from duplicate_sources(connection, chosen)
    yield from orphans(connection, chosen)


_ANY_ACCOUNT = (float("inf"),)
BATCH_ACCOUNTS, BATCH_ENTRIES = 1000, 250_000
"""How much one query screens, at most, and PostgreSQL plans it well; the answer is far smaller."""

Touched = Callable[[int], frozenset[str]]


def _batches(accounts: Stream) -> Iterator[list[int]]:
    batch: list[int] = []
    entries = 0
    for account in accounts.take(_ANY_ACCOUNT):
        entries += account.last_seq
        if batch and (len(batch) == BATCH_ACCOUNTS or entries > BATCH_ENTRIES):
            yield batch
            batch, entries = [], account.last_seq
        batch.append(account.account_id)
    if batch:
        yield batch


def _beyond_doubt(connection: Connection, only: dict[int, list[int]], touched: Touched) -> set[int]:
    """The accounts whose books are right, as a replay without their long runs says."""
    if not only:
        return set()
    streams = open_books(connection, sorted(only), only)
    return {books.account_id for books in _replays(streams, touched) if _is_right(books)}


def _is_right(books: Replay) -> bool:
    try:
        return next(_check_account(books), None) is None
    except Doubt:
        return False


def _replays(streams: BookStreams, touched: Touched) -> Iterator[Replay]:
    while (account := next(streams.accounts.take(_ANY_ACCOUNT), None)) is not None:
        streams.skip_to(account.account_id)
        yield Replay(account, streams, touched(account.account_id))


def _by_account(pairs: Iterable[tuple[int, str]]) -> Touched:
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
            if books.is_beyond_a_run(entry):
                books.pass_over(step)
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
