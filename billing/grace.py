"""When subscription credits really end (R10): at their date, or up to seven days on while a renewal may still come."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import select

from billing.db import db
from billing.ledger.book import Book
from billing.ledger.states import GrantState
from billing.models import Grant, ScheduledGrant, Subscription
from billing.months import ROLLED_OVER, reschedule

GRACE = timedelta(days=7)

_ROLLED_OVER = Grant.lot.endswith(ROLLED_OVER, autoescape=True)


def end_of(book: Book, chain: str, expires_at: datetime, *, subscription_id: str) -> datetime:
    """When a grant of this chain that expires at ``expires_at`` will end as things stand.

    That is its date when a newer cycle has been granted; else up to seven days on, or when the subscription ends.
    """
    if book.grants_where(Grant.chain == chain, Grant.expires_at > expires_at, ~_ROLLED_OVER):
        return expires_at
    over_at = _over_at(subscription_id)
    latest = expires_at + GRACE
    return latest if over_at is None else min(latest, max(expires_at, over_at))


def close_older_cycles(book: Book, chain: str, expires_at: datetime) -> None:
    """A cycle that expires at ``expires_at`` has been granted: older ones of the chain end at their date."""
    for grant in book.grants_where(
        Grant.chain == chain, Grant.expires_at < expires_at, Grant.remaining > 0, ~_ROLLED_OVER
    ):
        if not _is_revived(grant):
            grant.ends_at = grant.expires_at


def follow_subscription(book: Book, subscription: Subscription) -> None:
    """The subscription was cancelled, resumed or has ended: let its credits and months to come follow."""
    db.session.flush()
    chain = subscription.stripe_item_id
    for grant in book.grants_where(Grant.chain == chain, Grant.remaining > 0, ~_ROLLED_OVER):
        if grant.expires_at is not None and not _is_revived(grant):
            grant.ends_at = end_of(book, chain, grant.expires_at, subscription_id=subscription.stripe_id)
    if subscription.ended_at is not None:
        _stop(book, subscription, subscription.ended_at)


def _stop(book: Book, subscription: Subscription, ended_at: datetime) -> None:
    """No month comes after the end, and what was rolled over is lost."""
    for month in db.session.scalars(
        select(ScheduledGrant).where(
            ScheduledGrant.account_id == book.account_id,
            ScheduledGrant.subscription_id == subscription.stripe_id,
            ScheduledGrant.status == "waiting",
            ScheduledGrant.due_at >= ended_at,
        )
    ):
        month.status = "stopped"
    reschedule(book)
    for grant in book.grants_where(Grant.chain == subscription.stripe_item_id, _ROLLED_OVER, Grant.remaining > 0):
        if grant.ends_at is not None:
            grant.ends_at = min(grant.ends_at, ended_at)


def _is_revived(grant: GrantState) -> bool:
    """Whether R8 has given the grant seven days after its end; those are no grace and stay."""
    return grant.ends_at is not None and grant.expires_at is not None and grant.ends_at > grant.expires_at + GRACE


def _over_at(subscription_id: str) -> datetime | None:
    """When the subscription has ended, or will as things stand."""
    row = db.session.scalar(select(Subscription).where(Subscription.stripe_id == subscription_id))
    return None if row is None else row.ended_at or row.cancel_at
