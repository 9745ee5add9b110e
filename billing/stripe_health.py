"""How well we hear Stripe: what came and when, what is stuck, and what waits for people."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, select

from billing.db import connection
from billing.models import Refund, StripeEvent

LOOKED_AT = 200
"""Over how many of the newest events the delay is told."""


@dataclass(frozen=True, slots=True)
class Health:
    """Counts of what is unfinished, and how late the newest events came."""

    last_received_at: datetime | None
    longest_delay: timedelta | None
    events: dict[str, int]
    """Events that are not done, by status: `received`, `failed`, `parked`."""
    refunds: dict[str, int]
    """Refunds without an end, by status."""


def read_health() -> Health:
    """How things stand now; reads our own tables only."""
    newest = (
        connection()
        .execute(
            select(StripeEvent.created_at, StripeEvent.received_at)
            .order_by(StripeEvent.received_at.desc())
            .limit(LOOKED_AT)
        )
        .all()
    )
    unfinished = select(StripeEvent.status, func.count()).where(
        StripeEvent.status.in_(("received", "failed", "parked"))
    )
    waiting = select(Refund.status, func.count()).where(
        Refund.status.in_(("pending", "requires_action", "needs_approval"))
    )
    return Health(
        last_received_at=newest[0].received_at if newest else None,
        longest_delay=max((each.received_at - each.created_at for each in newest), default=None),
        events={status: count for status, count in connection().execute(unfinished.group_by(StripeEvent.status))},
        refunds={status: count for status, count in connection().execute(waiting.group_by(Refund.status))},
    )
