"""Refunds as they stand."""

from __future__ import annotations

from sqlalchemy import select

from billing.db import db
from billing.errors import NotFound
from billing.models import Refund
from billing.payments import RefundView, view_refund


def read_refund(refund_id: str) -> RefundView:
    """A refund by our id; raises ``NotFound``."""
    refund = db.session.get(Refund, refund_id)
    if refund is None:
        raise NotFound()
    return view_refund(refund)


def pending_refunds() -> list[str]:
    """Ids of refunds whose end is not known yet, the oldest first; for the worker."""
    return list(
        db.session.scalars(
            select(Refund.id).where(Refund.status.in_(("pending", "requires_action"))).order_by(Refund.created_at)
        )
    )
