"""What waits to be done, in figures for whoever watches: each should be small, and none should grow old."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import InstrumentedAttribute

from billing.db import connection
from billing.models import Mail, Refund, StripeEvent

WAITING = ("received", "failed", "parked")
"""States of an event whose effect is still to come."""

UNDECIDED = ("needs_approval", "pending", "requires_action")
"""States of a refund that is neither done nor over."""


@dataclass(frozen=True, slots=True)
class Backlog:
    """What is counted; `oldest_event_at` is of those events that will be tried again."""

    events: dict[str, int]
    oldest_event_at: datetime | None
    refunds: dict[str, int]
    mails: int


def read_backlog() -> Backlog:
    """The figures as they are now: events by state, refunds without an end yet by state, and mails to be sent."""
    retried = StripeEvent.status.in_(("received", "failed"))
    oldest = select(func.min(StripeEvent.received_at)).where(retried)
    mails = select(func.count()).select_from(Mail).where(Mail.next_try_at.is_not(None))
    return Backlog(
        events=_by_state(StripeEvent.status, WAITING),
        oldest_event_at=connection().execute(oldest).scalar(),
        refunds=_by_state(Refund.status, UNDECIDED),
        mails=connection().execute(mails).scalar_one(),
    )


def _by_state(status: InstrumentedAttribute[str], states: tuple[str, ...]) -> dict[str, int]:
    query = select(status, func.count()).where(status.in_(states)).group_by(status)
    counted = {state: number for state, number in connection().execute(query)}
    return {state: counted.get(state, 0) for state in states}
