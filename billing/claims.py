"""How a payment stands: what of its money went back, and what became of the credits it granted (R7)."""

from __future__ import annotations

import json
from dataclasses import dataclass

from sqlalchemy import BindParameter, bindparam, func, select

from billing import months
from billing.db import connection, db
from billing.ledger.book import Book
from billing.ledger.states import GrantState
from billing.ledger.taking_back import net_taken
from billing.models import CreditNote, Debt, Dispute, Entry, Grant, Payment, PaymentLot, Refund, Use
from billing.money import MICRO
from billing.paid_periods import LOST_STATUSES, OPEN_STATUSES
from billing.statements import Statement, read, read_together


@dataclass(frozen=True, slots=True)
class Claims:
    """What of a payment's money is given back and what may yet be, in minor units."""

    amount_minor: int
    kept: int
    settled: int  # refunds succeeded, credit notes, disputes lost
    open: int  # those, plus refunds that may yet go and disputes open

    def share_of(self, granted: int, given: int) -> int:
        """Micro-credits of ``granted`` that must be gone when ``given`` money is: whole credits, rounded up."""
        if self.amount_minor == 0:
            return 0
        given = max(0, min(self.amount_minor - self.kept, given))
        return min(granted, -(-granted * given // (self.amount_minor * MICRO)) * MICRO)


MAY_YET_GO = ("needs_approval", "pending", "requires_action")
"""Refunds whose end is not known, be it that Stripe or that a second person has yet to say."""


_OF_PAYMENT: BindParameter[str] = bindparam("payment_id")
_REFUNDS = Statement(
    select(Refund.status, Refund.credits_mode, Refund.amount_minor).where(Refund.payment_id == _OF_PAYMENT)
)
_DISPUTES = Statement(select(Dispute.status, Dispute.amount_minor).where(Dispute.payment_id == _OF_PAYMENT))
_CREDIT_NOTES = Statement(
    select(CreditNote.amount_minor).where(CreditNote.payment_id == _OF_PAYMENT, CreditNote.status == "issued")
)


def read_claims(payment: Payment) -> Claims:
    """Add up the payment's refunds and disputes as they stand."""
    db.session.flush()  # what the session has yet to write counts, too
    asked = {"payment_id": payment.id}
    refunds, disputes, notes = read_together(
        connection(), [(_REFUNDS, asked), (_DISPUTES, asked), (_CREDIT_NOTES, asked)]
    )
    kept = pending = 0
    settled = sum(note["amount_minor"] for note in notes)
    for refund in refunds:
        if refund["credits_mode"] == "keep":
            kept += refund["amount_minor"] if refund["status"] == "succeeded" else 0
        elif refund["status"] == "succeeded":
            settled += refund["amount_minor"]
        elif refund["status"] in MAY_YET_GO:
            pending += refund["amount_minor"]
    for dispute in disputes:
        settled += dispute["amount_minor"] if dispute["status"] in LOST_STATUSES else 0
        pending += dispute["amount_minor"] if dispute["status"] in OPEN_STATUSES else 0
    return Claims(payment.amount_minor, kept, settled, settled + pending)


def credited_minor(payment_id: str) -> int:
    """Minor units of a payment that credit notes gave back, other than by a refund."""
    return sum(note["amount_minor"] for note in read(connection(), _CREDIT_NOTES, payment_id=payment_id))


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


def target_of(claims: Claims, lot: PaymentLot, given: int, waived: dict[str, int]) -> int:
    """Micro-credits of a lot that must be gone when ``given`` money is, less what was let go (R7)."""
    return max(0, claims.share_of(lot.granted, given) - waived.get(lot.lot, 0))


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
