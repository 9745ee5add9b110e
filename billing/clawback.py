"""Credits follow money (R7): what is taken when money goes back, and what is put back when that falls away.

The arithmetic has its one home here. It is a function of the payment's refunds and disputes alone, so any order of
Stripe's events ends in the same credits taken.
"""

from __future__ import annotations

import json
from dataclasses import dataclass

from sqlalchemy import select

from billing import months
from billing.claims import (
    ENDED,
    SPENT,
    lots_of,
    read_claims,
    read_standing,
    target_of,
    used_by,
    waived_of,
)
from billing.db import db
from billing.freezing import freeze_claimed, refresh_freezes
from billing.ledger.book import Book
from billing.ledger.posting import Note
from billing.ledger.states import EntryRow, GrantState
from billing.ledger.taking_back import net_taken, put_back, take_back
from billing.models import CreditNote, Dispute, Payment, PaymentLot, Refund
from billing.paid_periods import LOST_STATUSES, refresh_paid_until


@dataclass(frozen=True, slots=True)
class Cause:
    """The refund or dispute that changed: its id marks what it took, its reasons go on the entries."""

    id: str
    take_reason: str  # payment_refunded | dispute_lost
    undo_reason: str  # refund_failed | dispute_reversed
    actor: str


def follow_money(book: Book, payment_id: str, cause: Cause) -> list[EntryRow]:
    """Bring the credits of a payment in line with its money, after a refund or dispute has changed.

    Writes only the difference to before, one REFUND per grant when money went back, and undoes earlier ones when
    it came back; then freezes what open disputes and pending refunds still threaten, and lets access and unlimited
    plans follow (R13).
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
    if payment.subscription_id is not None:
        refresh_paid_until(payment.subscription_id)
    return entries


def catch_up(book: Book, payment_id: str) -> None:
    """Credits were granted, or months changed, for a payment after its money went back: bring them in line."""
    db.session.flush()
    claims = read_claims(db.session.get_one(Payment, payment_id))
    cause = _newest_cause(payment_id) if claims.settled else None
    if cause is None:
        freeze_claimed(book, payment_id, claims)
        return
    waived = waived_of(payment_id)
    for lot in lots_of(payment_id):
        standing = read_standing(book, lot)
        share = target_of(claims, lot, claims.settled, waived)
        # What the lot stood at before, told by what has gone of it: the rest is the difference to write.
        lot.target = max(min(share, standing.gone), standing.taken + standing.cancelled)
    follow_money(book, payment_id, cause)


def _newest_cause(payment_id: str) -> Cause | None:
    """The refund, credit note or dispute that last took credits of the payment."""
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
    note = db.session.scalar(
        select(CreditNote)
        .where(CreditNote.payment_id == payment_id, CreditNote.status == "issued", CreditNote.amount_minor > 0)
        .order_by(CreditNote.updated_at.desc())
        .limit(1)
    )
    if note is not None and (refund is None or (refund.settled_at or note.updated_at) < note.updated_at):
        return Cause(note.stripe_id, "payment_refunded", "refund_failed", "stripe")
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
