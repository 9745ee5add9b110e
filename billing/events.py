"""Reading the inbox: which events of Stripe came, what became of them, and which are worth another try."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import and_, or_, select

from billing.db import connection
from billing.errors import InvalidCursor, NotFound
from billing.models import StripeEvent

STATUSES = ("received", "failed", "done", "ignored", "parked")

FIRST_RETRY_AFTER = timedelta(minutes=1)
"""Doubled with each attempt: 1, 2, 4, 8 … minutes after the event came."""

RETRIES = 14
"""The last one comes after 68 hours; Stripe gives up after three days, too. Afterwards staff or `replay` decide."""


@dataclass(frozen=True, slots=True)
class EventRecord:
    """An event in the inbox; `payload` is the JSON that Stripe sent."""

    id: str
    type: str
    object_id: str | None
    account_id: int | None
    status: str
    note: str | None
    attempts: int
    payload: str
    created_at: datetime
    received_at: datetime
    handled_at: datetime | None


@dataclass(frozen=True, slots=True)
class EventPage:
    """Events, newest first, and the id to pass as `before` for older ones, if there are any."""

    events: list[EventRecord]
    older: str | None


def list_events(*, status: str | None = None, before: str | None = None, limit: int = 50) -> EventPage:
    """One page of the inbox, of one status or of all. Raises `InvalidCursor` for an unknown `before`."""
    query = select(StripeEvent.__table__)
    if status is not None:
        query = query.where(StripeEvent.status == status)
    if before is not None:
        try:
            last = read_event(before)
        except NotFound:
            raise InvalidCursor() from None
        query = query.where(
            or_(
                StripeEvent.received_at < last.received_at,
                and_(StripeEvent.received_at == last.received_at, StripeEvent.id < last.id),
            )
        )
    query = query.order_by(StripeEvent.received_at.desc(), StripeEvent.id.desc()).limit(limit + 1)
    found = [_record(row) for row in connection().execute(query)]
    return EventPage(found[:limit], found[limit - 1].id if len(found) > limit else None)


def read_event(event_id: str) -> EventRecord:
    """One event of the inbox; raises `NotFound`."""
    if "\x00" in event_id:
        raise NotFound()
    row = connection().execute(select(StripeEvent.__table__).where(StripeEvent.id == event_id)).first()
    if row is None:
        raise NotFound()
    return _record(row)


def events_to_retry(now: datetime, limit: int = 100) -> list[str]:
    """Ids of events that failed, were parked, or were never begun, and whose next attempt is due; oldest first."""
    query = (
        select(StripeEvent.id, StripeEvent.attempts, StripeEvent.received_at)
        .where(StripeEvent.status.in_(("received", "failed", "parked")), StripeEvent.attempts < RETRIES)
        .order_by(StripeEvent.received_at, StripeEvent.id)
    )
    due = (
        row.id
        for row in connection().execute(query)
        if row.received_at + FIRST_RETRY_AFTER * 2 ** max(0, row.attempts - 1) <= now
    )
    return [event_id for event_id, _ in zip(due, range(limit), strict=False)]


def _record(row: Any) -> EventRecord:
    return EventRecord(**row._mapping)
