"""Replaying one account's books from its entries alone, so that what is stored can be held against it (I36).

A ``Replay`` is moved on entry by entry; checks look at it before and after each. What no row records is not
guessed: how much of a grant was frozen in the past, and when its end was moved. Where that matters, the checks take
the bound that can't accuse wrongly.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from billing.ledger.invariants.finding import Finding
from billing.ledger.invariants.streams import BookStreams

GRACE = timedelta(days=7)
"""How long after its date a grant of a chain of cycles may still be spent (R10)."""

_NEVER = datetime.max.replace(tzinfo=UTC)


@dataclass(slots=True)
class Lot:
    """One grant while it is replayed; amounts in micro-credits."""

    row: Any
    steady: bool  # never touched by a dispute or refund of its payment, so never frozen
    remaining: int
    held: int
    burn_key: tuple[int, int, datetime, bool, int]
    surely_until: datetime  # before this it was spendable, whatever its end was at the time
    at_most_until: datetime  # from this on it was not

    @property
    def unheld(self) -> int:
        """What no hold reserves."""
        return self.remaining - self.held

    def was_live(self, at: datetime) -> bool:
        """Whether it can have been spendable."""
        return bool(self.row.effective_at <= at < self.at_most_until)

    def must_have_been_live(self, at: datetime) -> bool:
        """Whether it was spendable for certain."""
        return bool(self.row.effective_at <= at < self.surely_until)

    def serves(self, scope: str | None) -> bool:
        """Whether a debit of this scope may eat from it (R3)."""
        return self.row.scope is None or self.row.scope == scope


def make_lot(row: Any, steady: bool) -> Lot:
    """The grant as it was opened."""
    expires_at, ends_at = row.expires_at or _NEVER, row.ends_at or _NEVER
    grace = GRACE if row.chain is not None and row.expires_at is not None else timedelta(0)
    return Lot(
        row=row,
        steady=steady,
        remaining=row.granted,
        held=0,
        burn_key=(0 if row.scope is not None else 1, row.priority, expires_at, bool(row.purchased), row.seq),
        surely_until=min(expires_at, ends_at),
        at_most_until=max(ends_at, expires_at + grace),
    )


@dataclass(slots=True)
class Reserve:
    """One hold while it is active in the replay."""

    row: Any
    parts: list[Any]


@dataclass(slots=True)
class Step:
    """One entry with the uses it made and the grant row of its number, if there is one."""

    entry: Any
    uses: list[Any]
    grant: Any | None
    eaten: dict[int, int] = field(init=False)
    """Micro-credits by grant: positive eaten, negative brought back."""

    def __post_init__(self) -> None:
        self.eaten = {}
        for use in self.uses:
            self.eaten[use.grant_seq] = self.eaten.get(use.grant_seq, 0) + use.amount


class Doubt(Exception):
    """What screening left out cannot be vouched for: the books have to be replayed entry by entry."""


@dataclass(slots=True)
class Replay:
    """One account's books as far as they have been replayed."""

    account: Any
    streams: BookStreams
    unsteady: frozenset[str]
    lots: dict[int, Lot] = field(default_factory=dict)
    open_lots: set[int] = field(default_factory=set)
    active: dict[int, Reserve] = field(default_factory=dict)
    last_hold: int = 0
    balance: int = 0
    remaining: int = 0  # Σ of the grants
    debt: int = 0
    lacks: dict[int, int] = field(default_factory=dict)  # open debt by the REFUND that left it
    paid: dict[int, int] = field(default_factory=dict)  # what of it has been paid
    cancelled: dict[int, int] = field(default_factory=dict)  # what of it was cancelled by putting back
    reversed: dict[int, int] = field(default_factory=dict)  # by entry, net of reversals of its reversals
    totals: dict[str, int] = field(default_factory=lambda: dict.fromkeys(("PURCHASE", "CREDIT", "DEBIT", "REFUND"), 0))
    last_seq: int = 0
    last_taking_seq: int = 0
    last_at: datetime | None = None
    last_hash: bytes = b""
    drift: int = 0  # by how much balance and grants are apart already, so that one breach is told once

    @property
    def account_id(self) -> int:
        """Whose books these are."""
        return int(self.account.account_id)

    def found(
        self, invariant: str, where: str, expected: object, found: object, since_seq: int | None = None
    ) -> Finding:
        """A finding in these books."""
        return Finding(invariant, self.account_id, where, expected, found, since_seq)

    def next_step(self, entry: Any) -> Iterator[Finding | Step]:
        """Take the entry and all rows that go with it; rows that go with no entry are findings."""
        key = (self.account_id, entry.seq)
        uses = []
        for use in self.streams.uses.take(key):
            if use.entry_seq == entry.seq:
                uses.append(use)
            else:
                yield self.found("I37", f"use={use.entry_seq}.{use.n}", "an entry", "none", use.entry_seq)
        own = None
        for grant in self.streams.grants.take(key):
            if grant.seq == entry.seq:
                own = grant
            else:
                yield self.found("I07", f"grant={grant.seq}", "an entry that opened it", "none", grant.seq)
        yield Step(entry, uses, own)

    def apply(self, step: Step) -> None:
        """Move on by one entry: release its hold, open its grant, book its uses."""
        entry = step.entry
        if entry.hold in self.active and entry.kind == "DEBIT":
            self.release(entry.hold)
        if step.grant is not None:
            lot = make_lot(step.grant, step.grant.payment_id is None or step.grant.payment_id not in self.unsteady)
            self.lots[lot.row.seq] = lot
            self.open_lots.add(lot.row.seq)
            self.remaining += lot.remaining
        for use in step.uses:
            self._use(use.grant_seq, use.amount)
        self._owe(entry, sum(use.amount for use in step.uses))
        if entry.reverses is not None:
            self._reverse(entry)
        self.balance += entry.amount
        if entry.kind in self.totals:
            self.totals[entry.kind] += entry.amount
        if entry.kind == "REFUND" and entry.amount < 0:
            self.last_taking_seq = entry.seq
        self.last_seq, self.last_hash = entry.seq, entry.hash
        self.last_at = entry.at if self.last_at is None else max(self.last_at, entry.at)

    def is_beyond_a_run(self, entry: Any) -> bool:
        """Whether entries before this one were left out; where one is missing, the one before it is."""
        return self.streams.shortened and entry.seq > self.last_seq + 1 and entry.before_hash is not None

    def pass_over(self, step: Step) -> None:
        """Move on over the run of plain debits that screening left out before this entry, the last of the run.

        All of them ate from the grant that it eats from, and nothing else happened. So whatever a check of one of
        them looks at is as the last finds it, but for this grant: of it there was more, by all that the rest of the
        run still took. Had one been more than was available, or left less than 0, the last would be, too; had it
        left a grant that comes earlier, or eaten from one that it may not, so would the last. Only time can make a
        difference: raises ``Doubt`` if another grant began or ended meanwhile, and if the last is no plain debit.
        """
        entry = step.entry
        lot = self.lots.get(step.uses[0].grant_seq) if len(step.uses) == 1 else None
        if lot is None or entry.kind != "DEBIT" or self.last_at is None:
            raise Doubt
        if any(self.last_at < moment <= entry.at for moment in self._turning_points(lot)):
            raise Doubt
        spent = self.balance - entry.before_balance
        self._use(lot.row.seq, spent)
        self.balance -= spent
        self.totals["DEBIT"] -= spent
        self.last_seq, self.last_at, self.last_hash = entry.seq - 1, entry.before_at, entry.before_hash

    def _turning_points(self, eaten: Lot) -> Iterator[datetime]:
        """When something can begin or cease to be spendable; whether ``eaten`` surely was makes no difference."""
        for lot in map(self.lots.__getitem__, self.open_lots):
            yield lot.row.effective_at
            yield lot.at_most_until
            if lot is not eaten:
                yield lot.surely_until

    def pay_later(self, use: Any) -> None:
        """A use that was booked after its entry: a payment of debt, or the giving back of one."""
        self._use(use.grant_seq, use.amount)
        self.debt -= use.amount
        self.paid[use.entry_seq] = self.paid.get(use.entry_seq, 0) + use.amount

    def place(self, row: Any, parts: list[Any]) -> None:
        """A hold was placed."""
        self.active[row.number] = Reserve(row, parts)
        self.last_hold = max(self.last_hold, row.number)
        for part in parts:
            if part.grant_seq in self.lots:
                self.lots[part.grant_seq].held += part.amount

    def release(self, number: int) -> None:
        """A hold is over."""
        for part in self.active.pop(number).parts:
            if part.grant_seq in self.lots:
                self.lots[part.grant_seq].held -= part.amount

    def _use(self, grant_seq: int, amount: int) -> None:
        lot = self.lots.get(grant_seq)
        if lot is None:
            return
        lot.remaining -= amount
        self.remaining -= amount
        if lot.remaining:
            self.open_lots.add(grant_seq)
        else:
            self.open_lots.discard(grant_seq)

    def _owe(self, entry: Any, eaten: int) -> None:
        """What a taking back could not find is debt; what putting back does not return has cancelled some."""
        if entry.kind != "REFUND":
            return
        if entry.amount < 0 and -entry.amount > eaten:
            self.lacks[entry.seq] = -entry.amount - eaten
            self.debt += self.lacks[entry.seq]
        elif entry.amount > 0 and entry.amount > -eaten:
            self.cancelled[entry.reverses] = self.cancelled.get(entry.reverses, 0) + entry.amount + eaten
            self.debt -= entry.amount + eaten

    def _reverse(self, entry: Any) -> None:
        size = abs(entry.amount)
        self.reversed[entry.reverses] = self.reversed.get(entry.reverses, 0) + size
        if entry.target_kind == "REFUND" and entry.target_reverses is not None:
            root = entry.target_reverses
            self.reversed[root] = self.reversed.get(root, 0) - size
