"""Checks that what was granted for money has its evidence and its size (I16, I18)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import Any

from sqlalchemy import and_, exists, select
from sqlalchemy.engine import Connection

from billing.ledger.invariants.finding import Finding
from billing.ledger.invariants.streams import narrowed
from billing.models import Account, Grant, Payment, ScheduledGrant
from billing.money import MICRO
from billing.money_invariants.reading import AccountMoney

PAID_REASONS = ("pack", "topup", "cycle", "upgrade", "trial")
"""Grants that stand for a payment."""


def without_payment(connection: Connection, account_id: int | None) -> Iterator[Finding]:
    """I16: Every PURCHASE and cycle CREDIT has a payment, of the same customer."""
    paid = exists().where(and_(Payment.id == Grant.payment_id, Payment.account_id == Grant.account_id))
    query = select(Grant.account_id, Grant.seq, Grant.payment_id).where(Grant.reason.in_(PAID_REASONS), ~paid)
    for row in connection.execute(narrowed(query, Grant.account_id, account_id)):
        yield Finding("I16", row.account_id, f"grant={row.seq}", "a payment of this customer", row.payment_id, row.seq)


def evidence(money: AccountMoney) -> Iterator[Finding]:
    """I16: A pack has its paid Checkout Session of the same customer, a cycle its paid invoice line."""
    for grant in money.grants:
        payment = money.payments.get(grant.payment_id)
        kind, _, rest = (grant.source or "").partition(":")
        where = f"grant={grant.seq}"
        if kind == "checkout":
            checkout = money.checkouts.get(rest)
            status = checkout.payment_status if checkout is not None else "none"
            if status not in ("paid", "no_payment_required") or payment is None or payment.session_id != rest:
                yield money.found("I16", where, f"session {rest} paid", status, grant.seq)
        elif kind == "line":
            line = money.lines.get(rest.split(":")[0])
            if line is None or payment is None or line.invoice_id != payment.invoice_id:
                yield money.found("I16", where, f"a paid line of {grant.payment_id}", grant.source, grant.seq)
        elif grant.reason in PAID_REASONS and grant.reason != "topup":
            yield money.found("I16", where, "a session or an invoice line as source", grant.source, grant.seq)


def pack_size(money: AccountMoney) -> Iterator[Finding]:
    """I18: A pack grants the credits stored with its checkout × quantity."""
    for grant in money.grants:
        checkout = money.checkouts.get((grant.source or "").removeprefix("checkout:"))
        if checkout is not None and grant.granted != checkout.credits * checkout.quantity:
            yield money.found(
                "I18", f"grant={grant.seq}", checkout.credits * checkout.quantity, grant.granted, grant.seq
            )


def line_worth(money: AccountMoney) -> Iterator[Finding]:
    """I18: A full line is worth the credits stored with its price × units, a trial's its trial credits."""
    for line in money.lines.values():
        price = money.prices.get(line.price_id)
        if price is None or line.kind == "proration":
            continue
        expected = price.trial_credits
        if line.kind == "full":
            units = line.quantity if price.per_seat else min(line.quantity, 1)
            by_month = price.interval == "year" and price.yearly_grant == "monthly"
            expected = 0 if by_month else price.credits * units
        if line.worth != expected:
            yield money.found("I18", f"line={line.line_id}", f"worth {expected}", line.worth)


def cycle_sum(money: AccountMoney) -> Iterator[Finding]:
    """I18: A cycle has granted what R9's running sum says, in the order of the lines' start, and no more."""
    cycles: dict[tuple[str, Any], list[Any]] = defaultdict(list)
    for line in money.lines.values():
        cycles[line.stripe_item_id, line.ends_at].append(line)
    for (item, ends_at), lines in cycles.items():
        months = [row for row in money.months if (row.chain, row.ends_at) == (item, ends_at)]
        base = max((row.credits for row in months), default=0)
        total = highest = base
        for line in sorted(lines, key=lambda row: (row.starts_at, row.worth, row.line_id)):
            total += line.worth
            highest = max(highest, total)
        expected = _whole(highest) - _whole(base)
        found = sum(line.granted for line in lines)
        if found != expected:
            yield money.found("I18", f"item={item} ends_at={ends_at.isoformat()}", expected, found)
    granted: dict[str, int] = defaultdict(int)
    months_of = {row.entry_seq for row in money.months}
    for grant in money.grants:
        if (grant.source or "").startswith("line:") and grant.seq not in months_of:
            granted[grant.source.split(":")[1]] += grant.granted
    for line_id, line in money.lines.items():
        if granted[line_id] != line.granted:
            yield money.found("I18", f"line={line_id}", f"{line.granted} granted", granted[line_id])


def month_size(money: AccountMoney) -> Iterator[Finding]:
    """I18: A month of a yearly plan grants its credits, less what money given back had taken of it before."""
    grants = {grant.seq: grant for grant in money.grants}
    for month in money.months:
        grant = grants.get(month.entry_seq)
        where = f"month={month.lot}:{month.n}"
        if (month.status == "granted") != (grant is not None):
            yield money.found("I18", where, "a grant if, and only if, it has come", month.status, month.entry_seq)
        elif grant is not None and grant.granted != month.credits - month.cancelled:
            yield money.found("I18", where, month.credits - month.cancelled, grant.granted, grant.seq)


def lot_size(money: AccountMoney) -> Iterator[Finding]:
    """I18: R7's G of a lot is what its grants, and its months yet to come, add up to."""
    for lot in money.lots:
        months = [row for row in money.months if (row.payment_id, row.lot) == (lot.payment_id, lot.lot)]
        of_months = {row.entry_seq for row in months}
        expected = sum(row.credits for row in months)
        expected += sum(grant.granted for grant in money.grants_of(lot) if grant.seq not in of_months)
        if lot.granted != expected:
            yield money.found("I18", f"payment={lot.payment_id} lot={lot.lot}", expected, lot.granted)


def next_month(connection: Connection, account_id: int | None) -> Iterator[Finding]:
    """I05: The time noted on an account for its next month is that of its first waiting month."""
    first = (
        select(ScheduledGrant.due_at)
        .where(ScheduledGrant.account_id == Account.account_id, ScheduledGrant.status == "waiting")
        .order_by(ScheduledGrant.due_at)
        .limit(1)
        .scalar_subquery()
    )
    query = select(Account.account_id, Account.next_scheduled_at, first.label("first"), Account.last_seq).where(
        Account.next_scheduled_at.is_distinct_from(first)
    )
    for row in connection.execute(narrowed(query, Account.account_id, account_id)):
        yield Finding("I05", row.account_id, "account=next_scheduled_at", row.first, row.next_scheduled_at)


def _whole(amount: int) -> int:
    """Rounded half up to whole credits (R9)."""
    return (2 * amount + MICRO) // (2 * MICRO) * MICRO
