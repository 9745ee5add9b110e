"""One door to every invariant: read-only, in one snapshot, account by account, safe on a live server."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Select, or_, select, union
from sqlalchemy.engine import Connection

from billing import clock
from billing.db import snapshot
from billing.errors import NotFound
from billing.ledger.invariants import Chosen, Finding, check_books, check_database, check_schema
from billing.models import Account, CreditNote, Customer, Dispute, Hold, Refund, StripeEvent
from billing.money_invariants import check_money, unsteady_payments


@dataclass(frozen=True, slots=True)
class Violation:
    """A breach of an invariant of FAULTS.md; amounts in micro-credits. ``customer`` is None for the database's own."""

    invariant: str
    customer: str | None
    where: str
    expected: str
    found: str
    since_seq: int | None

    @property
    def line(self) -> str:
        """The one line that `ledger audit` prints: `I13 user=… hold=… expected=… found=… since_seq=…`."""
        since = "-" if self.since_seq is None else self.since_seq
        return (
            f"{self.invariant} user={self.customer or '-'} {self.where}"
            f" expected={self.expected} found={self.found} since_seq={since}"
        )


def audit(customer: str | None = None, since: datetime | None = None) -> Iterator[Violation]:
    """Every breach of every invariant that can be decided offline, of one customer or of all.

    With ``since``, when all was right, only the books that have moved since then are read entry by entry; what takes
    less is checked of everybody, as always. Writes nothing and repairs nothing. Raises ``NotFound`` for a customer
    that does not exist.
    """
    with snapshot() as connection:
        yield from audit_connection(connection, customer, since=since)


UNDER_WAY = timedelta(hours=1)
"""What was begun before an audit may be committed after it: so much earlier the next one begins."""


def moved_since(since: datetime) -> Select[Any]:
    """The accounts in whose books anything was written since then, by business time."""
    since -= UNDER_WAY
    held = select(Hold.account_id).where(or_(Hold.created_at >= since, Hold.resolved_at >= since))
    refunded = select(Refund.account_id).where(
        or_(Refund.created_at >= since, Refund.decided_at >= since, Refund.settled_at >= since)
    )
    disputed = select(Dispute.account_id).where(Dispute.updated_at >= since)
    credited = select(CreditNote.account_id).where(CreditNote.updated_at >= since)
    others = union(held, refunded, disputed, credited).subquery()
    return select(Account.account_id).where(
        or_(Account.last_at >= since, Account.account_id.in_(select(others.c.account_id)))
    )


LONG = timedelta(hours=24)
"""After so long, what waits for Stripe or for people needs somebody to look."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """What is not wrong, but waits too long: a ``refund`` without an end, or an ``event`` that is parked (I21, I23)."""

    kind: str
    id: str
    status: str
    since: datetime
    customer: str | None

    @property
    def warning(self) -> Violation:
        """As `ledger audit` tells of it."""
        invariant, expected = _IN_TIME[self.kind]
        found = f"{self.status} since {clock.to_rfc3339(self.since)}"
        return Violation(invariant, self.customer, f"{self.kind}={self.id}", expected, found, None)


_IN_TIME = {"refund": ("I21", "an end within 24 h"), "event": ("I23", "looked at within 24 h")}


def list_waiting() -> Iterator[Waiting]:
    """All that has waited for longer than ``LONG``: refunds, then events, the oldest of each first."""
    unfinished = ("pending", "requires_action", "needs_approval")
    refunds = select(Refund.account_id, Refund.id, Refund.status, Refund.created_at.label("since")).where(
        Refund.status.in_(unfinished), Refund.created_at < clock.now() - LONG
    )
    events = select(
        StripeEvent.account_id, StripeEvent.id, StripeEvent.status, StripeEvent.received_at.label("since")
    ).where(StripeEvent.status == "parked", StripeEvent.received_at < clock.wall_now() - LONG)
    with snapshot() as connection:
        for kind, query in (("refund", refunds), ("event", events)):
            for row in connection.execute(query.order_by("since")):
                yield Waiting(kind, row.id, row.status, row.since, _name_of(connection, row.account_id))


def audit_connection(
    connection: Connection, customer: str | None = None, *, since: datetime | None = None, rows_only: bool = False
) -> Iterator[Violation]:
    """As ``audit``, on a connection: that of a copy, say. What it sees must not change meanwhile.

    ``rows_only`` leaves out what the database enforces, which is the same for every customer.
    """
    account_id = None
    if customer is not None:
        account_id = connection.scalar(select(Customer.account_id).where(Customer.public_id == customer))
        if account_id is None:
            raise NotFound()
    if not rows_only:
        yield from _named(connection, check_schema(connection))
    yield from _named(connection, _of_rows(connection, account_id, since))


def _named(connection: Connection, findings: Iterator[Finding]) -> Iterator[Violation]:
    for finding in findings:
        yield Violation(
            invariant=finding.invariant,
            customer=_name_of(connection, finding.account_id),
            where=finding.where,
            expected=str(finding.expected),
            found=str(finding.found),
            since_seq=finding.since_seq,
        )


def _of_rows(connection: Connection, account_id: int | None, since: datetime | None) -> Iterator[Finding]:
    chosen = account_id if since is None else _moved(connection, since)
    yield from check_database(connection, chosen)
    yield from check_books(connection, chosen, unsteady_payments(connection, account_id))
    yield from check_money(connection, account_id, chosen)


def _moved(connection: Connection, since: datetime) -> Chosen:
    """PostgreSQL plans by how many they are, so it is told; SQLite takes no list."""
    query = moved_since(since)
    return list(connection.scalars(query)) if connection.dialect.name == "postgresql" else query


def _name_of(connection: Connection, account_id: int | None) -> str | None:
    if account_id is None:
        return None
    name = connection.scalar(select(Customer.public_id).where(Customer.account_id == account_id))
    return name or f"account {account_id}"
