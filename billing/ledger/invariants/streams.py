"""Reading the books side by side in one pass: rows in the order of their account, never a table in memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from operator import attrgetter
from typing import Any

from sqlalchemy import ARRAY, BigInteger, Select, bindparam, func, select
from sqlalchemy.engine import Connection
from sqlalchemy.orm import aliased

from billing.models import Account, Debt, Entry, Grant, Hold, HoldUse, Use

Key = tuple[Any, ...]
BATCH = 1000
"""How many rows of one stream are in memory at a time."""


class Stream:
    """The rows of one query, handed out up to a key; the query is ordered by that key."""

    def __init__(self, connection: Connection, query: Select[Any], key: Callable[[Any], Key]) -> None:
        self._rows = iter(connection.execute(query.execution_options(yield_per=BATCH)))
        self._key = key
        self._next = next(self._rows, None)

    def skip_to(self, key: Key) -> None:
        """Pass over what comes before ``key``: rows of accounts that do not exist (I37 names them)."""
        while self._next is not None and self._key(self._next) < key:
            self._next = next(self._rows, None)

    def take(self, key: Key) -> Iterator[Any]:
        """The rows up to and with ``key``."""
        while self._next is not None and self._key(self._next) <= key:
            row, self._next = self._next, next(self._rows, None)
            yield row


Chosen = int | Select[Any] | list[int] | None
"""Whose books: one account's, those of the accounts that a query or a list (PostgreSQL only) names, or everybody's."""


def narrowed(query: Any, account: Any, chosen: Chosen) -> Any:
    """The query, of the chosen accounts only; ``account`` is the column that names them."""
    if chosen is None:
        return query
    if isinstance(chosen, int):
        return query.where(account == chosen)
    return query.where(account == func.any(_array(chosen)) if isinstance(chosen, list) else account.in_(chosen))


def stream(connection: Connection, query: Select[Any], key: tuple[str, ...], account: Any, chosen: Chosen) -> Stream:
    """The rows of ``query`` of the chosen accounts (``account`` is the column), handed out by ``key``."""
    query = narrowed(query, account, chosen)
    if len(key) == 1:
        name = key[0]
        return Stream(connection, query, lambda row: (getattr(row, name),))
    return Stream(connection, query, attrgetter(*key))


@dataclass(slots=True)
class BookStreams:
    """All tables of the ledger, each in the order in which a replay needs it."""

    accounts: Stream
    entries: Stream
    grants: Stream
    uses: Stream
    later_uses: Stream
    holds: Stream
    hold_uses: Stream
    debts: Stream
    shortened: bool
    """Whether entries were left out; each entry then also tells of the one before it."""

    def skip_to(self, account_id: int) -> None:
        """Pass over what belongs to accounts before this one."""
        for each in (self.entries, self.grants, self.uses, self.later_uses, self.holds, self.hold_uses, self.debts):
            each.skip_to((account_id, 0))


def open_accounts(connection: Connection, chosen: Chosen) -> Stream:
    """The rows of the chosen accounts themselves."""
    query = select(Account.__table__).order_by(Account.account_id)
    return stream(connection, query, ("account_id",), Account.account_id, chosen)


def open_books(connection: Connection, chosen: Chosen, only: Mapping[int, list[int]] | None = None) -> BookStreams:
    """Streams over the books of the chosen accounts; with ``only``, over no other of their entries than these.

    ``only`` names the seqs by account (PostgreSQL only).
    """
    target = aliased(Entry)
    entries = (
        select(
            Entry.__table__,
            target.kind.label("target_kind"),
            target.reason.label("target_reason"),
            target.amount.label("target_amount"),
            target.reverses.label("target_reverses"),
        )
        .outerjoin(target, (target.account_id == Entry.account_id) & (target.seq == Entry.reverses))
        .order_by(Entry.account_id, Entry.seq)
    )
    own = select(Use.__table__).where(Use.booked_seq.is_(None)).order_by(Use.account_id, Use.entry_seq, Use.n)
    if only is not None:
        entries = _with_the_one_before(_only(entries, only, Entry.account_id, Entry.seq))
        own = _only(own, only, Use.account_id, Use.entry_seq)
    later = (
        select(Use.__table__)
        .where(Use.booked_seq.is_not(None))
        .order_by(Use.account_id, Use.booked_seq, Use.entry_seq, Use.n)
    )

    def of(query: Select[Any], model: Any, *key: str) -> Stream:
        return stream(connection, query, key, model.account_id, chosen)

    return BookStreams(
        accounts=open_accounts(connection, chosen),
        entries=of(entries, Entry, "account_id", "seq"),
        grants=of(select(Grant.__table__).order_by(Grant.account_id, Grant.seq), Grant, "account_id", "seq"),
        uses=of(own, Use, "account_id", "entry_seq"),
        later_uses=of(later, Use, "account_id", "booked_seq"),
        holds=of(select(Hold.__table__).order_by(Hold.account_id, Hold.number), Hold, "account_id", "placed_seq"),
        hold_uses=of(
            select(HoldUse.__table__).order_by(HoldUse.account_id, HoldUse.hold, HoldUse.n),
            HoldUse,
            "account_id",
            "hold",
        ),
        debts=of(select(Debt.__table__).order_by(Debt.account_id, Debt.entry_seq), Debt, "account_id", "entry_seq"),
        shortened=only is not None,
    )


def _only(query: Select[Any], only: Mapping[int, list[int]], account: Any, seq: Any) -> Select[Any]:
    accounts = [account_id for account_id, seqs in only.items() for _ in seqs]
    seqs = [seq for seqs in only.values() for seq in seqs]
    pairs = func.unnest(_array(accounts), _array(seqs)).table_valued("account_id", "seq", name="these")
    these = pairs.render_derived()
    return query.join(these, (these.c.account_id == account) & (these.c.seq == seq))


def _with_the_one_before(query: Select[Any]) -> Select[Any]:
    before = aliased(Entry)
    return query.outerjoin(before, (before.account_id == Entry.account_id) & (before.seq == Entry.seq - 1)).add_columns(
        before.balance_after.label("before_balance"), before.at.label("before_at"), before.hash.label("before_hash")
    )


def _array(numbers: list[int]) -> Any:
    return bindparam(None, numbers, ARRAY(BigInteger), unique=True)
