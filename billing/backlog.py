"""What waits to be done, in figures for whoever watches: each should be small, and none should grow old."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select

from billing.db import connection
from billing.models import Refund, StripeEvent

WAITING = ("received", "failed", "parked")
"""States of an event whose effect is still to come."""


@dataclass(frozen=True, slots=True)
class Backlog:
    """Events by state, when the oldest of those came that will be tried again, and refunds without an end yet."""

    events: dict[str, int]
    oldest_event_at: datetime | None
    refunds_pending: int


def read_backlog() -> Backlog:
    """The figures as they are now; each by an index on the state."""
    status = StripeEvent.status
    counted = select(status, func.count()).where(status.in_(WAITING)).group_by(status)
    by_state = {state: number for state, number in connection().execute(counted)}
    oldest = select(func.min(StripeEvent.received_at)).where(status.in_(("received", "failed")))
    pending = select(func.count()).select_from(Refund).where(Refund.status.in_(("pending", "requires_action")))
    return Backlog(
        events={state: by_state.get(state, 0) for state in WAITING},
        oldest_event_at=connection().execute(oldest).scalar(),
        refunds_pending=connection().execute(pending).scalar_one(),
    )
