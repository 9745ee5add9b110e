"""What the checks of money read: one account's payments with all that hangs on them, account by account."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from sqlalchemy import and_, func, or_, select
from sqlalchemy.engine import Connection
from sqlalchemy.orm import aliased

from billing.ledger.invariants.finding import Finding
from billing.ledger.invariants.streams import narrowed, stream
from billing.models import (
    Checkout,
    CreditNote,
    Dispute,
    Entry,
    Grant,
    InvoiceLine,
    Payment,
    PaymentLot,
    Price,
    Refund,
    ScheduledGrant,
    Use,
)

ENDED_REASONS = ("expired", "staff")
"""Debits after which credits count as gone when money goes back (R7)."""


@dataclass(slots=True)
class AccountMoney:
    """One account's payments and all rows that belong to them; money in minor units, credits in micro-credits."""

    account_id: int
    payments: dict[str, Any]
    lots: list[Any]
    refunds: list[Any]
    disputes: list[Any]
    credit_notes: list[Any]
    checkouts: dict[str, Any]  # by session
    lines: dict[str, Any]
    months: list[Any]
    grants: list[Any]  # those of payments, each with its entry's source
    takings: list[Any]  # REFUND entries
    taken: dict[int, int]  # by grant: what refunds and disputes took and did not put back
    ended: dict[int, int]  # by grant: what expired or was taken by staff, net
    prices: dict[str, Any]

    def found(
        self, invariant: str, where: str, expected: object, found: object, since_seq: int | None = None
    ) -> Finding:
        """A finding in this account."""
        return Finding(invariant, self.account_id, where, expected, found, since_seq)

    def refunds_of(self, payment_id: str, *statuses: str) -> list[Any]:
        """The payment's refunds in one of these states."""
        return [row for row in self.refunds if row.payment_id == payment_id and row.status in statuses]

    def disputes_of(self, payment_id: str, *statuses: str) -> list[Any]:
        """The payment's disputes in one of these states."""
        return [row for row in self.disputes if row.payment_id == payment_id and row.status in statuses]

    def grants_of(self, lot: Any) -> list[Any]:
        """The grants that share one lot of a payment."""
        return [row for row in self.grants if (row.payment_id, row.lot) == (lot.payment_id, lot.lot)]


def read_money(connection: Connection, account_id: int | None) -> Iterator[AccountMoney]:
    """The money of one account, or of every account that has ever paid."""
    prices = {row.stripe_id: row for row in connection.execute(select(Price.__table__))}

    def rows(query: Any, owner: Any, *order: Any) -> Any:
        return stream(connection, query.order_by(owner, *order), ("account_id",), owner, account_id)

    paying = select(Payment.account_id)
    streams = {
        "lots": rows(select(PaymentLot.__table__), PaymentLot.account_id, PaymentLot.payment_id, PaymentLot.lot),
        "refunds": rows(select(Refund.__table__), Refund.account_id, Refund.created_at),
        "disputes": rows(select(Dispute.__table__), Dispute.account_id, Dispute.opened_at),
        "credit_notes": rows(select(CreditNote.__table__), CreditNote.account_id, CreditNote.created_at),
        "checkouts": rows(select(Checkout.__table__).where(Checkout.session_id.is_not(None)), Checkout.account_id),
        "lines": rows(select(InvoiceLine.__table__), InvoiceLine.account_id, InvoiceLine.line_id),
        "months": rows(select(ScheduledGrant.__table__), ScheduledGrant.account_id, ScheduledGrant.lot),
        "grants": rows(_paid_grants(), Grant.account_id, Grant.seq),
        "takings": rows(_refund_entries().where(Entry.account_id.in_(paying)), Entry.account_id, Entry.seq),
        "ended": rows(_ended().where(Use.account_id.in_(paying)), Use.account_id, Use.grant_seq),
    }
    paid_in = select(Payment.__table__).order_by(Payment.account_id, Payment.paid_at)
    payments = connection.execute(narrowed(paid_in, Payment.account_id, account_id).execution_options(yield_per=1000))
    for owner, paid in groupby(payments, key=lambda row: int(row.account_id)):
        rows_of = {}
        for name, each in streams.items():
            each.skip_to((owner,))
            rows_of[name] = list(each.take((owner,)))
        yield AccountMoney(
            account_id=owner,
            payments={row.id: row for row in paid},
            lots=rows_of["lots"],
            refunds=rows_of["refunds"],
            disputes=rows_of["disputes"],
            credit_notes=rows_of["credit_notes"],
            checkouts={row.session_id: row for row in rows_of["checkouts"]},
            lines={row.line_id: row for row in rows_of["lines"]},
            months=rows_of["months"],
            grants=rows_of["grants"],
            takings=rows_of["takings"],
            taken=_net_taken(rows_of["takings"]),
            ended={row.grant_seq: int(row.amount) for row in rows_of["ended"]},
            prices=prices,
        )


def _net_taken(entries: list[Any]) -> dict[int, int]:
    """By grant, the takings back of it less what was put back."""
    taken: dict[int, int] = {}
    grant_of = {row.seq: row.reverses for row in entries if row.amount < 0}
    for row in entries:
        grant = row.reverses if row.amount < 0 else grant_of.get(row.reverses)
        if grant is not None:
            taken[grant] = taken.get(grant, 0) - row.amount
    return taken


def unsteady_payments(connection: Connection, account_id: int | None) -> Iterator[tuple[int, str]]:
    """Account and id of every payment that a refund, credit note or dispute has touched, by account."""
    touched = (Dispute, CreditNote)
    union = (
        select(Refund.account_id, Refund.payment_id)
        .union(*(select(model.account_id, model.payment_id) for model in touched))
        .subquery()
    )
    query = select(union.c.account_id, union.c.payment_id).order_by(union.c.account_id)
    for row in connection.execute(narrowed(query, union.c.account_id, account_id).execution_options(yield_per=1000)):
        yield row.account_id, row.payment_id


def _paid_grants() -> Any:
    of_entry = and_(Entry.account_id == Grant.account_id, Entry.seq == Grant.seq)
    return select(Grant.__table__, Entry.source).join(Entry, of_entry).where(Grant.payment_id.is_not(None))


def _refund_entries() -> Any:
    return select(Entry.account_id, Entry.seq, Entry.reverses, Entry.amount, Entry.reason, Entry.source).where(
        Entry.kind == "REFUND"
    )


def _ended() -> Any:
    target = aliased(Entry)
    is_ending = and_(Entry.kind == "DEBIT", Entry.reason.in_(ENDED_REASONS))
    undoes_one = and_(Entry.kind == "REFUND", target.kind == "DEBIT", target.reason.in_(ENDED_REASONS))
    return (
        select(Use.account_id, Use.grant_seq, func.sum(Use.amount).label("amount"))
        .join(Entry, and_(Entry.account_id == Use.account_id, Entry.seq == Use.entry_seq))
        .outerjoin(target, and_(target.account_id == Entry.account_id, target.seq == Entry.reverses))
        .where(or_(is_ending, undoes_one))
        .group_by(Use.account_id, Use.grant_seq)
    )
