"""Credits follow money (R7, R8): how much of what a payment granted must be gone, and how much is frozen.

The arithmetic has its one home here. It is a function of the payment's refunds and disputes alone, so any order of
Stripe's events ends in the same credits taken.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select

from billing import months
from billing.db import connection, db
from billing.ledger.book import Book, EntryRow, GrantState
from billing.ledger.grants import freeze
from billing.ledger.posting import Note
from billing.ledger.taking_back import net_taken, put_back, take_back
from billing.models import Debt, Dispute, Entry, Grant, Payment, PaymentLot, Refund, Use
from billing.money import MICRO
from billing.paid_periods import LOST_STATUSES, OPEN_STATUSES


@dataclass(frozen=True, slots=True)
class Cause:
    """The refund or dispute that changed: its id marks what it took, its reasons go on the entries."""

    id: str
    take_reason: str  # payment_refunded | dispute_lost
    undo_reason: str  # refund_failed | dispute_reversed
    actor: str


@dataclass(frozen=True, slots=True)
class Claims:
    """What of a payment's money is given back and what may yet be, in minor units."""

    amount_minor: int
    kept: int
    settled: int  # refunds succeeded, disputes lost
    open: int  # those, plus refunds pending and disputes open

    def share_of(self, granted: int, given: int) -> int:
        """Micro-credits of ``granted`` that must be gone when ``given`` money is: whole credits, rounded up."""
        if self.amount_minor == 0:
            return 0
        given = max(0, min(self.amount_minor - self.kept, given))
        return min(granted, -(-granted * given // (self.amount_minor * MICRO)) * MICRO)


def read_claims(payment: Payment) -> Claims:
    """Add up the payment's refunds and disputes as they stand."""
    kept = settled = pending = 0
    for refund in db.session.scalars(select(Refund).where(Refund.payment_id == payment.id)):
        if refund.status not in ("succeeded", "pending", "requires_action"):
            continue
        if refund.credits_mode == "keep":
            kept += refund.amount_minor if refund.status == "succeeded" else 0
        elif refund.status == "succeeded":
            settled += refund.amount_minor
        else:
            pending += refund.amount_minor
    for dispute in db.session.scalars(select(Dispute).where(Dispute.payment_id == payment.id)):
        settled += dispute.amount_minor if dispute.status in LOST_STATUSES else 0
        pending += dispute.amount_minor if dispute.status in OPEN_STATUSES else 0
    return Claims(payment.amount_minor, kept, settled, settled + pending)


@dataclass(slots=True)
class Standing:
    """One lot's credits: what is gone already and why, in micro-credits."""

    grants: list[GrantState]
    taken: int
    ended: int  # expired unspent, taken by staff, or months that a subscription's end stopped
    cancelled: int  # months to come that money given back has taken
    to_come: int  # months still to come

    @property
    def gone(self) -> int:
        """What need not be taken any more."""
        return self.taken + self.ended + self.cancelled

    def months_of(self, target: int) -> int:
        """How much of ``target`` months that have not come account for: as much as they can, before all else (R7)."""
        return min(target, self.cancelled + self.to_come)

    def lack_of(self, target: int) -> int:
        """What of ``target`` must still be taken from grants."""
        return max(0, target - max(self.months_of(target), self.cancelled) - self.ended - self.taken)

    @property
    def unspent(self) -> int:
        """What is left in its grants, holds apart."""
        return sum(grant.unheld for grant in self.grants)

    @property
    def held(self) -> int:
        """What holds reserve of it."""
        return sum(grant.held for grant in self.grants)


def read_standing(book: Book, lot: PaymentLot) -> Standing:
    """Where the credits of a lot are now."""
    grants = book.grants_where(Grant.payment_id == lot.payment_id, Grant.lot == lot.lot)
    taken = sum(net for grant in grants for _, net in net_taken(book, grant))
    plan = months.read_months(book.account_id, lot.lot)
    return Standing(
        grants=grants,
        taken=taken,
        ended=used_by(book.account_id, [grant.seq for grant in grants], ENDED) + plan.stopped,
        cancelled=plan.cancelled,
        to_come=plan.to_come,
    )


SPENT = ("action", "amount")
ENDED = ("expired", "staff")


def used_by(account_id: int, grant_seqs: list[int], reasons: tuple[str, ...]) -> int:
    """Micro-credits that DEBITs of these reasons ate of the grants and have not given back."""
    if not grant_seqs:
        return 0
    debits = select(Entry.seq).where(Entry.account_id == account_id, Entry.kind == "DEBIT", Entry.reason.in_(reasons))
    undone = select(Entry.seq).where(Entry.account_id == account_id, Entry.kind == "REFUND", Entry.reverses.in_(debits))
    used = connection().scalar(
        select(func.sum(Use.amount)).where(
            Use.account_id == account_id,
            Use.grant_seq.in_(grant_seqs),
            Use.entry_seq.in_(debits) | Use.entry_seq.in_(undone),
        )
    )
    return int(used or 0)


def lots_of(payment_id: str) -> list[PaymentLot]:
    """The payment's lots in a fixed order."""
    return list(
        db.session.scalars(select(PaymentLot).where(PaymentLot.payment_id == payment_id).order_by(PaymentLot.lot))
    )


def waived_of(payment_id: str) -> dict[str, int]:
    """Per lot, what ``unspent`` refunds of the payment that stand have let go."""
    waived: dict[str, int] = {}
    rows = connection().scalars(
        select(Refund.waived).where(
            Refund.payment_id == payment_id, Refund.status == "succeeded", Refund.waived.is_not(None)
        )
    )
    for row in rows.all():
        for lot, amount in json.loads(row or "{}").items():
            waived[lot] = waived.get(lot, 0) + amount
    return waived


def follow_money(book: Book, payment_id: str, cause: Cause) -> list[EntryRow]:
    """Bring the credits of a payment in line with its money, after a refund or dispute has changed.

    Writes only the difference to before, one REFUND per grant when money went back, and undoes earlier ones when
    it came back; then freezes what open disputes and pending refunds still threaten.
    """
    db.session.flush()
    payment = db.session.get_one(Payment, payment_id)
    claims = read_claims(payment)
    waived = waived_of(payment_id)
    entries: list[EntryRow] = []
    for lot in lots_of(payment_id):
        target = target_of(claims, lot, claims.settled, waived)
        before, lot.target = lot.target, target
        if target > before:
            entries += _take(book, lot, target, cause)
        elif target < before:
            entries += _undo(book, lot, before, target, cause)
    db.session.flush()
    refresh_freezes(book, payment_id)
    return entries


def catch_up(book: Book, payment_id: str) -> None:
    """Credits were granted, or months changed, for a payment after its money went back: bring them in line."""
    db.session.flush()
    claims = read_claims(db.session.get_one(Payment, payment_id))
    cause = _newest_cause(payment_id) if claims.settled else None
    if cause is None:
        refresh_freezes(book, payment_id)
        return
    waived = waived_of(payment_id)
    for lot in lots_of(payment_id):
        standing = read_standing(book, lot)
        share = target_of(claims, lot, claims.settled, waived)
        # What the lot stood at before, told by what has gone of it: the rest is the difference to write.
        lot.target = max(min(share, standing.gone), standing.taken + standing.cancelled)
    follow_money(book, payment_id, cause)


def _newest_cause(payment_id: str) -> Cause | None:
    """The refund or dispute that last took credits of the payment."""
    lost = db.session.scalar(
        select(Dispute)
        .where(Dispute.payment_id == payment_id, Dispute.status.in_(LOST_STATUSES))
        .order_by(Dispute.updated_at.desc())
        .limit(1)
    )
    if lost is not None:
        return Cause(lost.stripe_id, "dispute_lost", "dispute_reversed", "stripe")
    refund = db.session.scalar(
        select(Refund)
        .where(Refund.payment_id == payment_id, Refund.status == "succeeded", Refund.credits_mode != "keep")
        .order_by(Refund.settled_at.desc())
        .limit(1)
    )
    return Cause(refund.id, "payment_refunded", "refund_failed", refund.actor) if refund is not None else None


@dataclass(frozen=True, slots=True)
class Foreseen:
    """What giving back more money would do to a payment's credits, in micro-credits."""

    taken: int
    debt: int
    months_cancelled: int
    granted: int
    spent: int
    unspent: int
    held: int


def foresee(book: Book, payment: Payment, amount_minor: int, mode: str) -> Foreseen:
    """What ``follow_money`` would take if ``amount_minor`` more were given back; changes nothing."""
    claims = read_claims(payment)
    waived = waived_of(payment.id)
    taken = debt = cancelled = granted = unspent = held = spent = 0
    for lot in lots_of(payment.id):
        standing = read_standing(book, lot)
        more = amount_minor if mode != "keep" else 0
        target = target_of(claims, lot, claims.settled + more, waived)
        lack = standing.lack_of(target)
        found = min(lack, standing.unspent)
        short = lack - found if mode == "proportional" else 0
        taken += found + short
        debt += short
        cancelled += max(0, standing.months_of(target) - standing.cancelled)
        granted += sum(grant.granted for grant in standing.grants)
        unspent += standing.unspent
        held += standing.held
        spent += used_by(book.account_id, [grant.seq for grant in standing.grants], SPENT)
    return Foreseen(
        taken=taken,
        debt=debt,
        months_cancelled=cancelled,
        granted=granted,
        spent=spent,
        unspent=unspent,
        held=held,
    )


def target_of(claims: Claims, lot: PaymentLot, given: int, waived: dict[str, int]) -> int:
    """Micro-credits of a lot that must be gone when ``given`` money is, less what was let go (R7)."""
    return max(0, claims.share_of(lot.granted, given) - waived.get(lot.lot, 0))


def waive_spent(book: Book, payment: Payment, refund: Refund) -> None:
    """Note on an ``unspent`` refund that has just succeeded what of its share is spent and so let go (R7)."""
    claims = read_claims(payment)
    waived_before = waived_of(payment.id)
    waived = {}
    for lot in lots_of(payment.id):
        standing = read_standing(book, lot)
        lack = standing.lack_of(target_of(claims, lot, claims.settled, waived_before))
        short = lack - standing.unspent
        if short > 0:
            waived[lot.lot] = short
    refund.waived = json.dumps(waived) if waived else None


def _take(book: Book, lot: PaymentLot, target: int, cause: Cause) -> list[EntryRow]:
    standing = read_standing(book, lot)
    months.cancel_months(book, lot.lot, max(0, standing.months_of(target) - standing.cancelled))
    shares = share_out(book, standing.grants, standing.lack_of(target))
    return [
        take_back(
            book,
            grant,
            amount,
            cause.take_reason,
            note=Note(actor=cause.actor),
            source=f"take:{cause.id}:{book.last_seq + 1}",
        )
        for grant, amount in shares
    ]


def share_out(book: Book, grants: list[GrantState], amount: int) -> list[tuple[GrantState, int]]:
    """Which of a lot's grants give ``amount`` back: what is unspent first, then, where it was spent, as debt.

    The newest first. What has expired of a grant is gone already and leaves no debt there.
    """
    room = {
        g.seq: g.granted - sum(net for _, net in net_taken(book, g)) - used_by(book.account_id, [g.seq], ENDED)
        for g in grants
    }
    shares = dict.fromkeys(room, 0)
    newest_first = sorted(grants, key=lambda g: g.seq, reverse=True)
    for as_debt in (False, True):
        for grant in newest_first:
            limit = grant.granted if as_debt else grant.unheld
            part = max(0, min(amount, limit, room[grant.seq]))
            shares[grant.seq] += part
            room[grant.seq] -= part
            amount -= part
    return [(grant, shares[grant.seq]) for grant in newest_first if shares[grant.seq]]


def _undo(book: Book, lot: PaymentLot, before: int, target: int, cause: Cause) -> list[EntryRow]:
    """Put back what lies between ``before`` and ``target``: months that others do not need, then credits.

    Of these first what the fallen one itself took, never more; of others, the newest first, only what stands above
    the target now: rounding, and what they took for want of months.
    """
    standing = read_standing(book, lot)
    restored = max(0, standing.cancelled - standing.months_of(target))
    months.restore_months(book, lot.lot, restored)
    mark = f"take:{cause.id}:"
    takings = [pair for grant in standing.grants for pair in net_taken(book, grant) if pair[1]]
    takings.sort(key=lambda pair: ((pair[0].source or "").startswith(mark), pair[0].seq), reverse=True)
    own = sum(net for taken, net in takings if (taken.source or "").startswith(mark))
    own = min(own, max(0, before - target - restored))
    amount = max(own, standing.taken - (target - standing.months_of(target)))
    entries = []
    for taken, net in takings:
        back = min(amount, net)
        if back:
            amount -= back
            entries.append(
                put_back(
                    book,
                    taken,
                    back,
                    cause.undo_reason,
                    at=book.now,
                    note=Note(actor=cause.actor),
                    source=f"undo:{cause.id}:{book.last_seq + 1}",
                )
            )
    return entries


def refresh_freezes(book: Book, payment_id: str | None, at: datetime | None = None) -> None:
    """Freeze of a payment's unspent, unheld credits exactly what losing all that is open would take (R8).

    ``at`` is when that has changed, by default now: what thaws in a grant that has ended lives seven days from then.
    """
    if payment_id is None:
        return
    claims = read_claims(db.session.get_one(Payment, payment_id))
    frozen_before = book.grants_where(Grant.payment_id == payment_id, Grant.freeze_target > 0)
    if claims.open == claims.settled and not frozen_before:
        return
    waived = waived_of(payment_id)
    for lot in lots_of(payment_id):
        standing = read_standing(book, lot)
        targets = _freeze_targets(standing, threatened(claims, lot, standing, waived))
        for grant in standing.grants:
            if grant.freeze_target != targets[grant.seq]:
                freeze(book, grant, targets[grant.seq], at or book.now)


def refresh_threatened(book: Book, at: datetime | None = None) -> None:
    """Something has moved in an account: work out anew what is frozen of each payment under threat."""
    for payment_id in {grant.payment_id for grant in book.grants.values() if grant.freeze_target}:
        refresh_freezes(book, payment_id, at)


def _freeze_targets(standing: Standing, need: int) -> dict[int, int]:
    """How much of each grant to freeze for ``need``: what is free, then what holds may leave, the newest first.

    What is spent already cannot be frozen, but may be given back: it will be frozen then, in whichever grant.
    """
    targets = dict.fromkeys((grant.seq for grant in standing.grants), 0)
    newest_first = sorted(standing.grants, key=lambda g: g.seq, reverse=True)
    for of_held in (False, True):
        for grant in newest_first:
            part = min(need, grant.held if of_held else grant.unheld)
            targets[grant.seq] += part
            need -= part
    return {grant.seq: min(grant.granted, targets[grant.seq] + need) for grant in newest_first}


def threatened(claims: Claims, lot: PaymentLot, standing: Standing, waived: dict[str, int]) -> int:
    """Micro-credits of a lot's grants that losing every open dispute and pending refund would take."""
    if claims.open == claims.settled:
        return 0
    return max(0, target_of(claims, lot, claims.open, waived) - standing.gone - standing.to_come)


def arrives_frozen(book: Book, payment_id: str, lot_name: str, amount: int) -> int:
    """How much of ``amount`` micro-credits about to be granted for a lot must arrive frozen (R8)."""
    payment = db.session.get_one(Payment, payment_id)
    claims = read_claims(payment)
    if claims.open == claims.settled:
        return 0
    lot = db.session.get_one(PaymentLot, (book.account_id, payment_id, lot_name))
    standing = read_standing(book, lot)
    need = threatened(claims, lot, standing, waived_of(payment_id))
    return min(amount, max(0, need - sum(grant.frozen for grant in standing.grants)))


def taken_back_of(account_id: int, grant_seqs: list[int]) -> int:
    """Micro-credits taken back from these grants and not put back since, debt included; for reading."""
    if not grant_seqs:
        return 0
    of_account = Entry.account_id == account_id
    takings = select(Entry.seq).where(
        of_account, Entry.kind == "REFUND", Entry.amount < 0, Entry.reverses.in_(grant_seqs)
    )
    total = connection().scalar(
        select(func.sum(Entry.amount)).where(
            of_account, Entry.seq.in_(takings) | ((Entry.kind == "REFUND") & Entry.reverses.in_(takings))
        )
    )
    return -int(total or 0)


def taken_by(account_id: int, cause_id: str) -> tuple[int, int]:
    """What a refund or dispute took and has not been put back, and the debt it left; micro-credits."""
    mark = f"take:{cause_id}:"
    takings = (
        connection()
        .scalars(
            select(Entry.seq).where(
                Entry.account_id == account_id, Entry.source >= mark, Entry.source < mark[:-1] + ";"
            )
        )
        .all()
    )
    if not takings:
        return 0, 0
    of_account = Entry.account_id == account_id
    total = connection().scalar(
        select(func.sum(Entry.amount)).where(
            of_account,
            Entry.seq.in_(takings) | ((Entry.kind == "REFUND") & Entry.reverses.in_(takings)),
        )
    )
    debt = connection().scalar(
        select(func.sum(Debt.amount - Debt.cancelled)).where(Debt.account_id == account_id, Debt.entry_seq.in_(takings))
    )
    return -int(total or 0), int(debt or 0)
