"""Checks of the refund desk: the second person, the sums of a day, and what must never be kept (I32, I33, I38)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Any

from sqlalchemy import Text, cast, func, or_, select
from sqlalchemy.engine import Connection

from billing.ledger.invariants.finding import Finding
from billing.ledger.invariants.streams import narrowed
from billing.models import ApiKey, AuditRecord, Customer, DailyTotal, Refund, Reply, Staff, StripeEvent

REMEMBERED_ERRORS = (404, 422)
SECRETS = ("whsec_", "sk_live_", "sk_test_", "rk_live_", "rk_test_")
FREE_TEXT = (AuditRecord.detail, StripeEvent.note, Refund.note, Refund.failure_reason)


def second_person(connection: Connection, account_id: int | None) -> Iterator[Finding]:
    """I33: Who approves a refund never asked for it, and every decision has its record in the audit log."""
    recorded = select(AuditRecord.id).where(
        AuditRecord.subject == Refund.id, AuditRecord.actor == Refund.decided_by, AuditRecord.allowed
    )
    own = (Refund.decided_by == Refund.actor) & (Refund.status != "rejected")
    query = select(Refund.account_id, Refund.id, Refund.decided_by).where(
        Refund.decided_by.is_not(None), or_(own, ~recorded.exists())
    )
    for row in connection.execute(narrowed(query, Refund.account_id, account_id)):
        yield Finding("I33", row.account_id, f"refund={row.id}", "a second person and an audit record", row.decided_by)


def counted_days(connection: Connection, _account_id: int | None) -> Iterator[Finding]:
    """I33: What one actor gave back alone in a day is what their limit was counted by, to the last unit.

    Before the first day that was counted nothing is known, and of that day only a part.
    """
    counted = {
        (row.actor, row.day, row.unit): (row.times, row.amount)
        for row in connection.execute(select(DailyTotal.__table__).where(func.length(DailyTotal.unit) == 3))
    }
    first_day = min((day for _, day, _ in counted), default=date.max)
    given: dict[tuple[str, date, str], tuple[int, int]] = {}
    alone = select(Refund.actor, Refund.created_at, Refund.currency, Refund.amount_minor).where(
        Refund.origin == "staff", Refund.decided_by.is_(None), Refund.status != "needs_approval"
    )
    for row in connection.execute(alone.execution_options(yield_per=1000)):
        key = (row.actor, row.created_at.date(), row.currency)
        times, amount = given.get(key, (0, 0))
        given[key] = (times + 1, amount + row.amount_minor)
    for key in sorted(counted.keys() | given.keys()):
        actor, day, unit = key
        expected, found = given.get(key, (0, 0)), counted.get(key, (0, 0))
        if expected == found or day < first_day or (day == first_day and expected > found):
            continue
        where = f"actor={actor} day={day.isoformat()} currency={unit}"
        yield Finding(
            "I33", None, where, f"{expected[0]} refunds of {expected[1]}", f"{found[0]} of {found[1]} counted"
        )


def nothing_forgetful(connection: Connection, _account_id: int | None) -> Iterator[Finding]:
    """I32: No answer is remembered that may be another the next time: of errors 404 and 422 only."""
    lasting = Reply.status.between(200, 299) | Reply.status.in_(REMEMBERED_ERRORS)
    query = select(Reply.app, Reply.call, Reply.key, Reply.status).where(Reply.status.is_not(None), ~lasting)
    for row in connection.execute(query):
        yield Finding("I32", None, f"app={row.app} call={row.call} key={row.key}", "a lasting answer", row.status)


def no_secrets(connection: Connection, account_id: int | None) -> Iterator[Finding]:
    """I38: Keys and passwords stand here as hashes only, and no free text of the server's holds a secret."""
    for column in FREE_TEXT:
        model: Any = column.class_
        holds = or_(*(column.contains(secret, autoescape=True) for secret in SECRETS))
        query = select(model.id, model.account_id).where(holds)
        for row in connection.execute(narrowed(query, model.account_id, account_id)):
            where = f"{model.__tablename__}={row.id} column={column.key}"
            yield Finding("I38", row.account_id, where, "no secret", "one")
    for hashed, name, is_hash in (
        (ApiKey.key_hash, ApiKey.id, func.length(ApiKey.key_hash) == 64),
        (Staff.password_hash, Staff.id, Staff.password_hash.startswith("$argon2")),
        (Customer.password_hash, Customer.public_id, Customer.password_hash.startswith("$argon2")),
    ):
        rows = connection.execute(select(cast(name, Text).label("name")).where(hashed.is_not(None), ~is_hash))
        for row in rows:
            yield Finding("I38", None, f"{hashed.class_.__tablename__}={row.name}", "a hash", "something else")
