"""When subscription credits really end (R10): at their date, or up to seven days on while a renewal may still come."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import select

from billing.db import db
from billing.ledger.book import Book, GrantState
from billing.models import Grant, ScheduledGrant, Subscription
from billing.months import reschedule

GRACE = timedelta(days=7)


def end_of(book: Book, chain: str, expires_at: datetime, *, subscription_id: str) -> datetime:
    """When a grant of this chain that expires at ``expires_at`` will end as things stand."""
    newer = book.grants_where(Grant.chain == chain, Grant.expires_at > expires_at)
    return expires_at if newer or _is_ending(subscription_id) else expires_at + GRACE


def close_older_cycles(book: Book, chain: str, expires_at: datetime) -> None:
    """A cycle that expires at ``expires_at`` has been granted: older ones of the chain end at their date."""
    for grant in book.grants_where(Grant.chain == chain, Grant.expires_at < expires_at, Grant.remaining > 0):
        _drop_grace(grant)


def follow_subscription(book: Book, subscription: Subscription) -> None:
    """The subscription was cancelled, resumed or has ended: let its credits and months to come follow."""
    db.session.flush()
    chain = subscription.stripe_item_id
    grants = book.grants_where(Grant.chain == chain, Grant.remaining > 0)
    newest = max((grant.expires_at for grant in grants if grant.expires_at), default=None)
    for grant in grants:
        if _is_ending(subscription.stripe_id) or grant.expires_at != newest:
            _drop_grace(grant)
        elif grant.ends_at == grant.expires_at and grant.expires_at is not None:
            grant.ends_at = grant.expires_at + GRACE
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
    for grant in book.grants_where(
        Grant.chain == subscription.stripe_item_id, Grant.lot.like("%:rollover"), Grant.remaining > 0
    ):
        if grant.ends_at is not None:
            grant.ends_at = min(grant.ends_at, ended_at)


def _drop_grace(grant: GrantState) -> None:
    """Let the grant end at its date; seven days that R8 gave it are no grace and stay."""
    ends_at, expires_at = grant.ends_at, grant.expires_at
    if ends_at is not None and expires_at is not None and expires_at < ends_at <= expires_at + GRACE:
        grant.ends_at = expires_at


def _is_ending(subscription_id: str) -> bool:
    """Whether the subscription has ended or will at its period's end."""
    row = db.session.scalar(select(Subscription).where(Subscription.stripe_id == subscription_id))
    return row is not None and (row.ended_at is not None or row.cancel_at is not None)
