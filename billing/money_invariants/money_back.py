"""Checks that credits follow money back (I19–I22); the arithmetic is written again from R7 and R8, not borrowed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from billing.ledger.invariants.finding import Finding
from billing.money import MICRO
from billing.money_invariants.reading import AccountMoney
from billing.paid_periods import LOST_STATUSES, OPEN_STATUSES

PENDING = ("pending", "requires_action")
MAY_YET_GO = ("needs_approval", *PENDING)


def taking_back(money: AccountMoney) -> Iterator[Finding]:
    """I19: Taken back + expired + taken by staff + waived + months not granted >= ceil(G × f); taken back <= it."""
    for lot in money.lots:
        payment = money.payments.get(lot.payment_id)
        if payment is None:
            continue
        share = _share(money, payment, lot, _settled(money, payment))
        waived = _waived(money, lot)
        taken, gone = _gone(money, lot)
        where = f"payment={payment.id} lot={lot.lot}"
        since = max((grant.seq for grant in money.grants_of(lot)), default=None)
        if taken > share:
            yield money.found("I19", where, f"at most {share} taken back", taken, since)
        if gone + waived < share:
            yield money.found("I19", where, f"at least {share} gone", gone + waived, since)
        if lot.target != max(0, share - waived):
            yield money.found("I19", where, f"target {max(0, share - waived)}", lot.target, since)


def refund_money(money: AccountMoney) -> Iterator[Finding]:
    """I20: Σ R(succeeded, pending) <= payment amount; same currency; one stripe_id per R."""
    seen: set[str] = set()
    for refund in money.refunds:
        payment = money.payments.get(refund.payment_id)
        if payment is not None and refund.currency != payment.currency:
            yield money.found("I20", f"refund={refund.id}", payment.currency, refund.currency)
        if refund.stripe_id in seen:
            yield money.found("I20", f"refund={refund.id}", "a stripe_id of its own", refund.stripe_id)
        if refund.stripe_id is not None:
            seen.add(refund.stripe_id)
    for payment in money.payments.values():
        refunded = sum(row.amount_minor for row in money.refunds_of(payment.id, "succeeded", *PENDING))
        if refunded > payment.amount_minor:
            yield money.found("I20", f"payment={payment.id}", f"at most {payment.amount_minor} refunded", refunded)


def taking_has_its_cause(money: AccountMoney) -> Iterator[Finding]:
    """I21: Each REFUND of a payment's credits names the refund or dispute of that payment which took them."""
    causes = {row.id: row.payment_id for row in money.refunds}
    causes |= {row.stripe_id: row.payment_id for row in (*money.disputes, *money.credit_notes)}
    payment_of = {grant.seq: grant.payment_id for grant in money.grants}
    for row in money.takings:
        if row.reason not in ("payment_refunded", "dispute_lost"):
            continue
        cause = (row.source or "").removeprefix("take:").rpartition(":")[0]
        payment_id = payment_of.get(row.reverses)
        if payment_id is None or causes.get(cause) != payment_id:
            yield money.found("I21", f"entry={row.seq}", f"a refund or dispute of {payment_id}", row.source, row.seq)


def succeeded_refund_has_settled(money: AccountMoney) -> Iterator[Finding]:
    """I21: A refund that has come to its end says when, and a Stripe refund has succeeded by no other way."""
    for refund in money.refunds:
        is_over = refund.status not in MAY_YET_GO
        if is_over != (refund.settled_at is not None):
            yield money.found("I21", f"refund={refund.id}", f"settled: {is_over}", refund.settled_at)
        if refund.status == "succeeded" and refund.stripe_id is None:
            yield money.found("I21", f"refund={refund.id}", "Stripe's id", "none")


def frozen(money: AccountMoney) -> Iterator[Finding]:
    """I22: Open disputes and refunds not at their end freeze R8's amount; won and closed ones freeze nothing."""
    for lot in money.lots:
        payment = money.payments.get(lot.payment_id)
        if payment is None:
            continue
        settled = _settled(money, payment)
        threat = settled + _open(money, payment)
        need = 0
        if threat > settled:
            _, gone = _gone(money, lot)
            to_come = sum(m.credits - m.cancelled for m in _months(money, lot) if m.status == "waiting")
            need = max(0, _share(money, payment, lot, threat) - _waived(money, lot) - gone - to_come)
        grants = money.grants_of(lot)
        unheld = [(grant, grant.remaining - grant.held) for grant in grants]
        expected = min(need, sum(amount for _, amount in unheld))
        found = sum(min(grant.freeze_target, amount) for grant, amount in unheld)
        if found != expected:
            since = max((grant.seq for grant in grants), default=None)
            yield money.found("I22", f"payment={payment.id} lot={lot.lot}", f"{expected} frozen", found, since)


def _settled(money: AccountMoney, payment: Any) -> int:
    """Money given back for good, what is marked ``keep`` apart."""
    refunds = money.refunds_of(payment.id, "succeeded")
    notes = [row for row in money.credit_notes if row.payment_id == payment.id and row.status == "issued"]
    return _sum_counted(refunds) + _sum(notes) + _sum(money.disputes_of(payment.id, *LOST_STATUSES))


def _open(money: AccountMoney, payment: Any) -> int:
    """Money that may yet go: refunds that wait for Stripe or a second person, and disputes open."""
    refunds = money.refunds_of(payment.id, *MAY_YET_GO)
    return _sum_counted(refunds) + _sum(money.disputes_of(payment.id, *OPEN_STATUSES))


def _sum(rows: list[Any]) -> int:
    return sum(int(row.amount_minor) for row in rows)


def _sum_counted(refunds: list[Any]) -> int:
    return _sum([row for row in refunds if row.credits_mode != "keep"])


def _share(money: AccountMoney, payment: Any, lot: Any, given: int) -> int:
    """ceil(G × f) to a whole credit and at most all, with f = min(P − kept, given) / P."""
    total = payment.amount_minor
    if total <= 0:
        return 0
    succeeded = money.refunds_of(payment.id, "succeeded")
    kept = _sum(succeeded) - _sum_counted(succeeded)
    counted = max(0, min(total - kept, given))
    credits, rest = divmod(lot.granted * counted, total * MICRO)
    return int(min(lot.granted, (credits + (1 if rest else 0)) * MICRO))


def _waived(money: AccountMoney, lot: Any) -> int:
    rows = money.refunds_of(lot.payment_id, "succeeded")
    return sum(int(json.loads(row.waived).get(lot.lot, 0)) for row in rows if row.waived)


def _gone(money: AccountMoney, lot: Any) -> tuple[int, int]:
    """What is taken back of a lot, and what is gone of it in all."""
    grants = money.grants_of(lot)
    taken = sum(money.taken.get(grant.seq, 0) for grant in grants)
    ended = sum(money.ended.get(grant.seq, 0) for grant in grants)
    months = _months(money, lot)
    not_granted = sum(m.cancelled for m in months)
    not_granted += sum(m.credits - m.cancelled for m in months if m.status == "stopped")
    return taken, taken + ended + not_granted


def _months(money: AccountMoney, lot: Any) -> list[Any]:
    return [row for row in money.months if (row.payment_id, row.lot) == (lot.payment_id, lot.lot)]
