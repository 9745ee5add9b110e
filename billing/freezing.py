"""What is frozen of a payment while its money is in doubt (R8): as much as losing it would take, at every moment."""

from __future__ import annotations

from datetime import datetime

from billing.claims import Claims, Standing, lots_of, read_claims, read_standing, target_of, waived_of
from billing.db import db
from billing.ledger.book import Book
from billing.ledger.grants import freeze
from billing.models import Grant, Payment, PaymentLot


def refresh_freezes(book: Book, payment_id: str | None, at: datetime | None = None) -> None:
    """Freeze of a payment's unspent, unheld credits exactly what losing all that is open would take (R8).

    ``at`` is when that has changed, by default now: what thaws in a grant that has ended lives seven days from then.
    """
    if payment_id is not None:
        freeze_claimed(book, payment_id, read_claims(db.session.get_one(Payment, payment_id)), at)


def freeze_claimed(book: Book, payment_id: str, claims: Claims, at: datetime | None = None) -> None:
    """The same, where the payment's claims have just been read."""
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
    """Micro-credits of a lot's grants that losing every open dispute and refund not at its end would take."""
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
