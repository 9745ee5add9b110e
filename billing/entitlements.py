"""What subscriptions entitle a customer to at this moment: a plan's limits, unlimited use, access (R13)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any

from sqlalchemy import bindparam, select

from billing import catalog, clock
from billing.catalog import FREE_PLAN
from billing.db import connection, db
from billing.models import Dispute, InvoiceLine, Payment, Price, Subscription
from billing.paid_periods import OPEN_STATUSES
from billing.statements import Asked, Row, Statement, read
from billing.stripe_facts import ENDED

_LIVING_PLAN = Statement(
    select(
        Subscription.item,
        Subscription.stripe_id,
        Subscription.status,
        Subscription.paid_until,
        Subscription.current_period_end,
    )
    .where(
        Subscription.account_id == bindparam("account_id"),
        Subscription.kind == "plan",
        *(Subscription.status != status for status in sorted(ENDED | {"incomplete"})),
    )
    .order_by(Subscription.flagged.is_not(None), Subscription.created_at.desc(), Subscription.id)
    .limit(1)
)
"""The subscription whose plan the customer is on; of two by accident the one that is not flagged."""


@dataclass(frozen=True, slots=True)
class Access:
    """Whether a customer may use what an influencer's subscribers may use, by which tier, and until when."""

    access: bool
    tier: str | None
    until: datetime | None


@dataclass(frozen=True, slots=True)
class Entitlement:
    """Whose limits hold, and whether actions cost nothing. A plan that the catalog has lost is the free one."""

    plan: str
    unlimited: bool


def access_to(account_id: int, influencer: str) -> Access:
    """Access lasts to the paid period's end plus the tier's grace, on trial too (R13, I26).

    `paid_until` leaves out what was given back in full or lost in a dispute. Each subscription counts by itself.
    """
    rows = db.session.execute(
        select(Subscription, Price.grace_days)
        .join(Price, Price.stripe_id == Subscription.price_id)
        .where(
            Subscription.account_id == account_id,
            Subscription.kind == "influencer",
            Subscription.item == influencer,
        )
    )
    best: tuple[datetime, str | None] | None = None
    for row, grace_days in rows:
        end = _paid_to(row)
        if end is not None and (best is None or end + timedelta(days=grace_days) > best[0]):
            best = (end + timedelta(days=grace_days), row.tier)
    if best is None or best[0] <= clock.now():
        return Access(False, None, None)
    return Access(True, best[1], best[0])


def plan_asked(account_id: int) -> Asked:
    """What to read for ``entitlement_in`` together with an account's books."""
    return _LIVING_PLAN, {"account_id": account_id}


def plan_of(account_id: int) -> str:
    """The plan the customer is on: the free one without a living subscription."""
    return plan_in(read(connection(), _LIVING_PLAN, account_id=account_id))


def plan_in(rows: Sequence[Row]) -> str:
    """The same out of what ``plan_asked`` has read."""
    return str(rows[0]["item"]) if rows else FREE_PLAN


def entitlement_of(account_id: int, now: datetime) -> Entitlement:
    """The plan whose limits hold for the account, and whether it is unlimited at this moment.

    Unlimited use ends with the paid period and the plan's grace, at once with a full refund or lost dispute, and
    rests while the payment of the period is disputed (R13).
    """
    return entitlement_in(read(connection(), _LIVING_PLAN, account_id=account_id), now)


def entitlement_in(rows: Sequence[Row], now: datetime) -> Entitlement:
    """The same out of what ``plan_asked`` has read."""
    row = SimpleNamespace(**rows[0]) if rows else None
    plan = catalog.current().plans.get(row.item) if row is not None else None
    if row is None or plan is None:
        return Entitlement(FREE_PLAN, unlimited=False)
    end = _paid_to(row)
    is_paid = end is not None and now < end + timedelta(days=plan.grace_days)
    return Entitlement(plan.id, unlimited=plan.unlimited and is_paid and not _is_disputed(row))


def _paid_to(row: Any) -> datetime | None:
    end: datetime | None = row.current_period_end if row.status == "trialing" else row.paid_until
    return end


def _is_disputed(row: Any) -> bool:
    """Whether a payment of the period that is paid now is under dispute."""
    if row.paid_until is None:
        return False
    open_dispute = (
        select(Dispute.stripe_id)
        .join(Payment, Payment.id == Dispute.payment_id)
        .join(InvoiceLine, InvoiceLine.payment_id == Payment.id)
        .where(
            InvoiceLine.subscription_id == row.stripe_id,
            InvoiceLine.ends_at >= row.paid_until,
            Dispute.status.in_(OPEN_STATUSES),
        )
        .limit(1)
    )
    return connection().scalar(open_dispute) is not None
