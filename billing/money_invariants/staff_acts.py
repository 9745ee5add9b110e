"""Checks that what staff do can be answered for (I33)."""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import String, and_, cast, or_, select
from sqlalchemy.engine import Connection

from billing.ids import ledger_id
from billing.ledger.invariants.finding import Finding
from billing.ledger.invariants.streams import Chosen, narrowed
from billing.models import AuditRecord, Entry, Refund

STAFF = "staff:"


def staff_entries(connection: Connection, chosen: Chosen) -> Iterator[Finding]:
    """I33: Every staff entry has its actor, and one by a member of staff its record in the audit log."""
    by_hand = Entry.reason.in_(("staff", "import", "debt_forgiven"))
    subject = "en_" + cast(Entry.account_id, String) + "_" + cast(Entry.seq, String)
    recorded = select(AuditRecord.id).where(
        AuditRecord.account_id == Entry.account_id, AuditRecord.subject == subject, AuditRecord.allowed
    )
    query = narrowed(
        select(Entry.account_id, Entry.seq, Entry.actor)
        .where(by_hand, or_(Entry.actor.is_(None), and_(Entry.actor.startswith(STAFF), ~recorded.exists())))
        .order_by(Entry.actor.is_(None).desc(), Entry.account_id, Entry.seq),
        Entry.account_id,
        chosen,
    )
    for row in connection.execute(query):
        if row.actor is None:
            yield Finding("I33", row.account_id, f"entry={row.seq}", "an actor", "none", row.seq)
            continue
        name = ledger_id("en", row.account_id, row.seq)
        yield Finding("I33", row.account_id, f"entry={row.seq}", f"an audit record of {name}", "none", row.seq)


def staff_refunds(connection: Connection, account_id: int | None) -> Iterator[Finding]:
    """I33: A refund asked for here has actor, reason and its record in the audit log."""
    recorded = select(AuditRecord.id).where(
        AuditRecord.account_id == Refund.account_id, AuditRecord.subject == Refund.id, AuditRecord.allowed
    )
    known = Refund.actor.startswith(STAFF) | Refund.actor.startswith("app:")
    unproven = or_(~known, Refund.reason.is_(None), ~recorded.exists())
    query = select(Refund.account_id, Refund.id, Refund.actor).where(and_(Refund.origin == "staff", unproven))
    for row in connection.execute(narrowed(query, Refund.account_id, account_id)):
        expected = "staff or an app, a reason and an audit record"
        yield Finding("I33", row.account_id, f"refund={row.id}", expected, row.actor)
