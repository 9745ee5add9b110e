"""One account's books under lock: loaded once, changed in memory by the rules, written back in one go.

The rules (posting, grants, holds, taking_back, giving_back) work on a ``Book`` in plain Python, so each lives in
one place for both databases; only this module reads and writes the tables.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, cast

from sqlalchemy import ColumnElement, Table, bindparam, func, select

from billing import clock
from billing.clock import month_start
from billing.db import connection
from billing.errors import NotFound
from billing.ledger.shelf import Shelf, insert_later
from billing.ledger.states import DebtState, EntryRow, GrantState, HoldPart, HoldState, UseRow
from billing.models import Account, Debt, Entry, Grant, Hold, HoldUse, Use
from billing.statements import (
    Asked,
    Row,
    Statement,
    insert_into,
    read_together,
    update_of,
    update_parameters,
    write_later,
)

_ACCOUNTS = cast(Table, Account.__table__)
_ACCOUNT = select(_ACCOUNTS).where(_ACCOUNTS.c.account_id == bindparam("account_id"))
_READ_ACCOUNT = Statement(_ACCOUNT)
_LOCK_ACCOUNT = Statement(_ACCOUNT.with_for_update())
_READ_OPEN_GRANTS = Statement(
    select(Grant.__table__).where(Grant.account_id == bindparam("account_id"), Grant.remaining > 0).order_by(Grant.seq)
)


class Book:
    """An account's books, open for writing at the moment ``now``. Get one from ``accounts.open_account``."""

    def __init__(self, account: Row, now: datetime) -> None:
        self._account = account
        self.besides: list[list[Row]] = []
        self.account_id: int = account["account_id"]
        # Business time may step back a little between two workers; what one has granted, the other may spend.
        self.now = now if account["last_at"] is None else max(now, account["last_at"])
        self.balance: int = account["balance"]
        self.debt: int = account["debt"]
        self.held: int = account["held"]
        self.last_seq: int = account["last_seq"]
        self.last_hold: int = account["last_hold"]
        self.last_at: datetime | None = account["last_at"]
        self.last_hash: bytes = account["last_hash"]
        self.totals: dict[str, int] = {
            "PURCHASE": account["purchased_total"],
            "CREDIT": account["credited_total"],
            "DEBIT": account["debited_total"],
            "REFUND": account["refunded_total"],
        }
        self.next_scheduled_at: datetime | None = account["next_scheduled_at"]
        self.next_refill_at: datetime | None = account["next_refill_at"]
        self.next_due_at: datetime | None = account["next_due_at"]
        self.month_at: datetime | None = account["month_at"]
        self.month_spent: int = account["month_spent"]
        self.monthly_limit: int | None = account["monthly_limit"]
        self.last_usage: int = account["last_usage"]
        self._grants = Shelf(self.account_id, Grant.__table__, "seq", GrantState)
        self._holds = Shelf(self.account_id, Hold.__table__, "number", HoldState)
        self._debts = Shelf(self.account_id, Debt.__table__, "entry_seq", DebtState)
        self.grants: dict[int, GrantState] = self._grants.states
        self.holds: dict[int, HoldState] = self._holds.states
        self.debts: dict[int, DebtState] = self._debts.states
        self._new_entries: list[EntryRow] = []
        self._new_uses: list[UseRow] = []
        self._flushed_uses = 0
        self._next_use: dict[int, int] = {}

    # reading

    def grant(self, seq: int) -> GrantState:
        """The grant that entry ``seq`` opened, also when nothing is left of it."""
        if seq not in self.grants:
            self._grants.load(Grant.seq == seq)
            if seq not in self.grants:
                raise NotFound()
        return self.grants[seq]

    def grants_where(self, *conditions: Any) -> list[GrantState]:
        """Grants of this account that meet conditions on ``models.Grant``, oldest first, those spent included."""
        self.flush()
        rows = connection().scalars(
            select(Grant.seq).where(Grant.account_id == self.account_id, *conditions).order_by(Grant.seq)
        )
        return [self.grant(seq) for seq in rows.all()]

    def hold(self, number: int) -> HoldState:
        """The hold of that number, whatever its state; raises ``NotFound``."""
        if number not in self.holds:
            self._load_holds(Hold.number == number)
            if number not in self.holds:
                raise NotFound()
        return self.holds[number]

    def debts_left_on(self, grant_seq: int) -> list[DebtState]:
        """Debts, open or paid, that taking back this grant left; oldest first."""
        self.flush()
        self._debts.load(Debt.grant_seq == grant_seq)
        return [debt for _, debt in sorted(self.debts.items()) if debt.grant_seq == grant_seq]

    def debt_of(self, entry_seq: int) -> DebtState | None:
        """The debt that this REFUND entry left, if any."""
        self.flush()
        self._debts.load(Debt.entry_seq == entry_seq)
        return self.debts.get(entry_seq)

    def open_debts(self) -> list[DebtState]:
        """Debts not yet paid, oldest first."""
        return [debt for _, debt in sorted(self.debts.items()) if debt.open]

    def new_uses_of(self, entry_seq: int) -> list[UseRow]:
        """The uses of an entry that this book has added, be they flushed or not."""
        return [use for use in self._new_uses if use.entry_seq == entry_seq]

    def uses_of(self, *entry_seqs: int) -> list[UseRow]:
        """The uses of these entries in the order they were written."""
        self.flush()
        rows = connection().execute(
            select(Use.__table__)
            .where(Use.account_id == self.account_id, Use.entry_seq.in_(entry_seqs))
            .order_by(Use.entry_seq, Use.n)
        )
        return [UseRow(**row._mapping) for row in rows]

    def entry(self, seq: int) -> EntryRow:
        """An entry of this account; raises ``NotFound``."""
        self.flush()
        row = (
            connection()
            .execute(select(Entry.__table__).where(Entry.account_id == self.account_id, Entry.seq == seq))
            .first()
        )
        if row is None:
            raise NotFound()
        return EntryRow(**row._mapping)

    def entries_where(self, *conditions: Any) -> list[EntryRow]:
        """Entries of this account that meet conditions on ``models.Entry``, oldest first."""
        self.flush()
        rows = connection().execute(
            select(Entry.__table__).where(Entry.account_id == self.account_id, *conditions).order_by(Entry.seq)
        )
        return [EntryRow(**row._mapping) for row in rows]

    # changing

    def add_entry(self, entry: EntryRow) -> None:
        """Take in a new entry; only ``posting.post_entry`` calls this."""
        self._new_entries.append(entry)
        self._next_use[entry.seq] = 1

    def add_grant(self, grant: GrantState) -> None:
        """Take in the grant that a new entry opens."""
        self.grants[grant.seq] = grant

    def add_debt(self, debt: DebtState) -> None:
        """Take in the debt that a new REFUND entry leaves."""
        self.debts[debt.entry_seq] = debt

    def add_hold(self, hold: HoldState) -> None:
        """Take in a new hold."""
        self.holds[hold.number] = hold

    def count_spent(self, amount: int, at: datetime) -> None:
        """Note that so much was spent at that moment, or (negative) that spending of then was given back."""
        month = month_start(at)
        if self.month_at is None or month > self.month_at:
            self.month_at, self.month_spent = month, 0
        if month == self.month_at:
            self.month_spent += amount

    def spent_this_month(self) -> int:
        """Micro-credits spent since the calendar month began, less what of that was given back."""
        return self.month_spent if self.month_at == month_start(self.now) else 0

    def pay_debt(self, debt: DebtState, grant: GrantState, amount: int, *, payer: GrantState | None = None) -> None:
        """Book that ``amount`` of a grant pays a debt: what is open of it, or what ``payer`` has paid and gets back."""
        self.add_use(debt.entry_seq, grant, amount, booked_seq=self.last_seq)
        if payer is not None:
            self.add_use(debt.entry_seq, payer, -amount, booked_seq=self.last_seq)
        else:
            debt.open -= amount
            self.debt -= amount

    def add_use(self, entry_seq: int, grant: GrantState, amount: int, *, booked_seq: int | None = None) -> None:
        """Book that ``entry_seq`` ate ``amount`` of a grant, or brought it back when negative.

        ``booked_seq``: the last entry at that moment, where it is not the entry's own.
        """
        if entry_seq not in self._next_use:
            highest = connection().scalar(
                select(func.max(Use.n)).where(Use.account_id == self.account_id, Use.entry_seq == entry_seq)
            )
            self._next_use[entry_seq] = (highest or 0) + 1
        n = self._next_use[entry_seq]
        self._new_uses.append(UseRow(self.account_id, entry_seq, n, grant.seq, amount, booked_seq))
        self._next_use[entry_seq] = n + 1
        grant.remaining -= amount

    def flush(self) -> None:
        """Put everything that has changed so far on its way; the transaction stays open."""
        if self._new_entries:
            insert_later(Entry.__table__, self._new_entries)
            self._new_entries = []
        self._grants.write()
        self._debts.write()
        parts = [
            {
                "account_id": self.account_id,
                "hold": number,
                "n": n,
                "grant_seq": part.grant_seq,
                "amount": part.amount,
            }
            for number in self._holds.write()
            for n, part in enumerate(self.holds[number].parts, 1)
        ]
        if parts:
            write_later(connection(), insert_into(cast(Table, HoldUse.__table__)), parts)
        if unwritten := self._new_uses[self._flushed_uses :]:
            insert_later(Use.__table__, unwritten)
            self._flushed_uses = len(self._new_uses)

    def save(self) -> None:
        """Write all changes and the account's own row."""
        self.flush()
        row = self._account | {
            "balance": self.balance,
            "debt": self.debt,
            "held": self.held,
            "last_seq": self.last_seq,
            "last_hold": self.last_hold,
            "last_at": self.last_at,
            "last_hash": self.last_hash,
            "purchased_total": self.totals["PURCHASE"],
            "credited_total": self.totals["CREDIT"],
            "debited_total": self.totals["DEBIT"],
            "refunded_total": self.totals["REFUND"],
            "next_scheduled_at": self.next_scheduled_at,
            "next_refill_at": self.next_refill_at,
            "next_due_at": self.earliest_due(),
            "month_at": self.month_at,
            "month_spent": self.month_spent,
            "last_usage": self.last_usage,
        }
        changed = tuple(name for name, value in row.items() if value != self._account[name])
        if changed:
            write_later(connection(), update_of(_ACCOUNTS, changed), [update_parameters(_ACCOUNTS, row, changed)])
            self._account = row

    def earliest_due(self) -> datetime | None:
        """When the next thing is due (R5): a grant or hold ends, a scheduled grant or a refill comes."""
        times = [grant.ends_at for grant in self.grants.values() if grant.ends_at is not None and grant.free]
        times += [hold.expires_at for hold in self.holds.values() if hold.status == "active"]
        times += [at for at in (self.next_scheduled_at, self.next_refill_at) if at is not None]
        return min(times, default=None)

    # the tables

    def take_open(self, grants: list[Row]) -> None:
        """Take in what rules need at every turn: grants with something left, active holds, open debts."""
        self._grants.take(grants)
        if self.held:
            self._load_holds(Hold.status == "active")
        if self.debt:
            self._debts.load(Debt.open > 0)

    def _load_holds(self, condition: ColumnElement[bool]) -> None:
        fresh = self._holds.load(condition)
        if fresh:
            parts = connection().execute(
                select(HoldUse.hold, HoldUse.grant_seq, HoldUse.amount)
                .where(HoldUse.account_id == self.account_id, HoldUse.hold.in_(fresh))
                .order_by(HoldUse.hold, HoldUse.n)
            )
            for part in parts:
                self.holds[part.hold].parts.append(HoldPart(part.grant_seq, part.amount))


def read_book(account_id: int, now: datetime | None, *, locked: bool, besides: Sequence[Asked] = ()) -> Book:
    """The books of an account, ``locked`` until the transaction ends or just to look at; raises ``NotFound``.

    By default it is the moment at which they have been read: whoever waited for the lock comes after who had it (I13).
    The grants are read by a statement of their own: one that waits for the lock would see them as they were before.
    What is read ``besides``, in the same trip, is in the book's ``besides``, in that order.
    """
    asked = {"account_id": account_id}
    accounts, grants, *others = read_together(
        connection(), [(_LOCK_ACCOUNT if locked else _READ_ACCOUNT, asked), (_READ_OPEN_GRANTS, asked), *besides]
    )
    if not accounts:
        raise NotFound()
    book = Book(accounts[0], now or clock.now())
    book.besides = others
    book.take_open(grants)
    return book
