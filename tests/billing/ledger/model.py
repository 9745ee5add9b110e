"""A small second ledger, written from CONTRACT.md (R3–R8) alone: whole credits, plain lists, nothing stored twice.

What is frozen, available or owed is worked out anew at every look. One payment grants one lot.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

WEEK = timedelta(days=7)
OPEN = ("needs_response", "under_review")


@dataclass(eq=False)
class Lot:
    """A grant."""

    number: int
    granted: int
    purchased: bool
    scope: str | None
    priority: int
    expires: datetime | None
    left: int = 0
    held: int = 0
    expired: int = 0
    ends: datetime | None = None
    deal: Deal | None = None
    was_frozen: int = 0

    def ended(self, at: datetime) -> bool:
        return self.ends is not None and at >= self.ends


@dataclass(eq=False)
class Lack:
    """Debt: what taking back from a lot did not find, and who paid how much of it, in turn."""

    lot: Lot
    open: int
    paid: list[tuple[Lot, int]] = field(default_factory=list)

    def payers(self) -> list[tuple[Lot, int]]:
        """Other lots that are out of pocket, the last payer first."""
        order = [lot for lot, amount in self.paid if amount > 0]
        out = {lot: sum(n for payer, n in self.paid if payer is lot) for lot in order if lot is not self.lot}
        return sorted(((lot, n) for lot, n in out.items() if n > 0), key=lambda p: -_last(order, p[0]))


@dataclass(eq=False)
class Taking:
    """One REFUND −, and what of it has not been undone."""

    cause: str
    net: int
    lack: Lack | None


@dataclass(eq=False)
class Deal:
    """A payment and what became of its money."""

    price: int
    lot: Lot
    refunds: dict[str, tuple[int, str]] = field(default_factory=dict)
    disputes: dict[str, tuple[int, str]] = field(default_factory=dict)
    target: int = 0
    takings: list[Taking] = field(default_factory=list)

    def share(self, with_open: bool) -> int:
        """R7: ceil(G × f), of what is given back for good, or of that and what is under way."""
        given = sum(
            n for n, status in self.refunds.values() if status == "succeeded" or (with_open and status == "pending")
        )
        given += sum(n for n, status in self.disputes.values() if status == "lost" or (with_open and status in OPEN))
        return -(-self.lot.granted * min(self.price, given) // self.price)

    def gone(self) -> int:
        return sum(taking.net for taking in self.takings) + self.lot.expired


@dataclass(eq=False)
class Job:
    """A hold, or a debit: which lots, how much of each, in the order of eating."""

    parts: list[tuple[Lot, int]]
    until: datetime | None = None


class Model:
    def __init__(self) -> None:
        self.lots: list[Lot] = []
        self.lacks: list[Lack] = []
        self.holds: list[Job] = []

    # what can be read (R4)

    @property
    def debt(self) -> int:
        return sum(lack.open for lack in self.lacks)

    @property
    def balance(self) -> int:
        return sum(lot.left for lot in self.lots) - self.debt

    def frozen(self, lot: Lot) -> int:
        """R8: as much of the unspent, unheld credits as losing all that is open would take."""
        if lot.deal is None or lot.deal.share(True) == lot.deal.share(False):
            return 0
        return min(lot.left - lot.held, max(0, lot.deal.share(True) - lot.deal.gone()))

    def free(self, lot: Lot) -> int:
        return lot.left - lot.held - self.frozen(lot)

    def available(self, scope: str | None, now: datetime) -> int:
        live = [lot for lot in self.lots if not lot.ended(now)]
        usable = sum(self.free(lot) for lot in live if lot.scope in (None, scope))
        return max(0, min(usable, sum(map(self.free, live)) - self.debt))

    # what is done

    def grant(self, lot: Lot) -> None:
        lot.left, lot.ends = lot.granted, lot.expires
        self.lots.append(lot)
        self._pay_debts(lot)

    def pick(self, amount: int, scope: str | None, now: datetime) -> list[tuple[Lot, int]]:
        """R3's burn order."""
        never = datetime.max.replace(tzinfo=now.tzinfo)
        parts = []
        for lot in sorted(
            (lot for lot in self.lots if not lot.ended(now) and lot.scope in (None, scope)),
            key=lambda lot: (lot.scope is None, lot.priority, lot.expires or never, lot.purchased, lot.number),
        ):
            part = min(amount, self.free(lot))
            if part:
                parts.append((lot, part))
                amount -= part
        return parts

    def debit(self, parts: list[tuple[Lot, int]]) -> Job:
        for lot, part in parts:
            lot.left -= part
        return Job(parts)

    def give_back(self, debit: Job, amount: int, now: datetime) -> None:
        """Last eaten first."""
        back = []
        for place, (lot, part) in reversed(list(enumerate(debit.parts))):
            returned = min(amount, part)
            debit.parts[place] = (lot, part - returned)
            amount -= returned
            lot.left += returned
            back.append((lot, returned))
        for lot, returned in back:
            if returned:
                self._came_free(lot, returned, now, pays=True)
        self._thaw(now)

    def hold(self, parts: list[tuple[Lot, int]], until: datetime) -> Job:
        for lot, part in parts:
            lot.held += part
        self.holds.append(Job(parts, until))
        return self.holds[-1]

    def resolve(self, hold: Job, captured: int, at: datetime) -> Job:
        """Capture, void (nothing) or end a hold; what it leaves is free."""
        self.holds.remove(hold)
        eaten, freed = [], []
        for lot, part in hold.parts:
            used = min(captured, part)
            captured -= used
            lot.held -= part
            lot.left -= used
            eaten.append((lot, used))
            freed.append((lot, part - used))
        for lot, rest in freed:
            if rest:
                self._came_free(lot, rest, at, pays=False)
        self._thaw(at)
        return Job(eaten)

    def follow(self, deal: Deal, cause: str, now: datetime) -> None:
        """R7: bring credits in line with money: only the difference to before."""
        before, deal.target = deal.target, deal.share(False)
        amount = deal.target - deal.gone()
        if deal.target > before and amount > 0:
            found = min(amount, deal.lot.left - deal.lot.held)
            deal.lot.left -= found
            lack = Lack(deal.lot, amount - found) if amount > found else None
            self.lacks += [lack] if lack else []
            deal.takings.append(Taking(cause, amount, lack))
        if deal.target < before:
            # What the fallen one took itself; of others only what stands above the target now.
            own = sum(taking.net for taking in deal.takings if taking.cause == cause)
            taken = sum(taking.net for taking in deal.takings)
            undo = max(min(own, before - deal.target), taken - deal.target)
            order = sorted(enumerate(deal.takings), key=lambda each: (each[1].cause == cause, each[0]), reverse=True)
            for _, taking in order:
                part = max(0, min(undo, taking.net))
                undo -= part
                if part:
                    self._put_back(deal.lot, taking, part, now)
        self._thaw(now)

    def book_due(self, now: datetime) -> None:
        """R5: ends of holds and of lots, one by one in the order of their time."""
        while True:
            ends = [(hold.until, 0, n) for n, hold in enumerate(self.holds) if hold.until]
            ends += [(lot.ends, 1, n) for n, lot in enumerate(self.lots) if lot.ends and self.free(lot)]
            if not ends or min(ends)[0] > now:
                return
            at, kind, n = min(ends)
            if kind == 0:
                self.resolve(self.holds[n], 0, at)
            else:
                self._expire(self.lots[n])
                self._thaw(at)

    # where credits go

    def _pay_debts(self, lot: Lot) -> None:
        for lack in sorted(self.lacks, key=lambda lack: lack.lot is not lot):
            paid = min(self.free(lot), lack.open)
            lot.left -= paid
            lack.open -= paid
            lack.paid.append((lot, paid))

    def _came_free(self, lot: Lot, amount: int, at: datetime, *, pays: bool) -> None:
        """First to the debt that taking this lot back left, or to who paid it; then, if its time is over, gone."""
        for lack in [lack for lack in self.lacks if lack.lot is lot]:
            paid = min(amount, lack.open, lot.left - lot.held)
            lack.open -= paid
            lot.left -= paid
            lack.paid.append((lot, paid))
            amount -= paid
            for payer, out in lack.payers():
                back = min(amount, out, lot.left - lot.held)
                if back:
                    amount -= back
                    lot.left -= back
                    payer.left += back
                    lack.paid += [(lot, back), (payer, -back)]
                    self._came_free(payer, back, at, pays=True)
        if pays:
            self._pay_debts(lot)
        if lot.ended(at):
            self._expire(lot)

    def _put_back(self, own: Lot, taking: Taking, amount: int, now: datetime) -> None:
        """Cancel its open debt, then repay who paid it, then the lot itself; what has ended lives a week."""
        taking.net -= amount
        if taking.lack is not None:
            payers = taking.lack.payers()
            cancelled = min(amount, taking.lack.open)
            taking.lack.open -= cancelled
            amount -= cancelled
            for payer, out in payers:
                back = min(amount, out)
                if back:
                    amount -= back
                    taking.lack.paid.append((payer, -back))
                    self._return(payer, back, now)
        if amount:
            self._return(own, amount, now)

    def _return(self, lot: Lot, amount: int, now: datetime) -> None:
        lot.left += amount
        if lot.ended(now):
            lot.ends = now + WEEK
        self._came_free(lot, amount, now, pays=True)

    def _expire(self, lot: Lot) -> None:
        self._pay_debts(lot)
        rest, lot.was_frozen = self.free(lot), self.frozen(lot)
        lot.left -= rest
        lot.expired += rest

    def _thaw(self, at: datetime) -> None:
        """What is unfrozen in a lot that has ended lives a week."""
        for lot in self.lots:
            frozen = self.frozen(lot)
            if frozen < min(lot.was_frozen, lot.left - lot.held) and lot.ended(at):
                lot.ends = at + WEEK
            lot.was_frozen = frozen


def _last(items: list[Lot], item: Lot) -> int:
    return max(n for n, each in enumerate(items) if each is item)
