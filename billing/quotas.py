"""What is limited beside credits, by month or for a lifetime: how it stands, and setting it back to unused.

Limits are the plan's; what is used stays when the plan changes. A customer's own monthly spending limit is one more,
called ``spending``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import insert, select

from billing import accounts, audit_log, catalog, clock
from billing.catalog import Action, Quota
from billing.db import connection, transaction
from billing.entitlements import entitlement_of
from billing.errors import Invalid, NotFound, QuotaExceeded
from billing.ids import new_id
from billing.ledger.book import Book
from billing.models import QuotaReset
from billing.tally import Tally, keys_of, period_of

SPENDING = "spending"
"""The resource that a customer's own monthly limit counts, in micro-credits."""
MAX_REASON_CHARACTERS = 500


@dataclass(frozen=True, slots=True)
class QuotaView:
    """A limit and how much of it is used, what holds reserve included; ``spending`` in micro-credits."""

    resource: str
    limit: int
    used: int
    remaining: int
    period: str
    resets_at: datetime | None


@dataclass(frozen=True, slots=True)
class ResetView:
    """A limit set back: what was used of it before, by whom and why; a pack that was sold for it says no reason."""

    resource: str
    used_before: int
    reason: str | None
    actor: str
    at: datetime


def exceeded(tally: Tally, action: Action | None, plan: str, quantity: int, now: datetime) -> QuotaExceeded | None:
    """The first of an action's limits that leaves no room for so much more."""
    limits = catalog.current().quotas_of(plan)
    for key in keys_of(action, now):
        limit = limits.get(key[0])
        if limit is not None and tally.used(key) + quantity > limit.limit:
            view = _view(limit, tally.used(key), now)
            return _refusal(view, _explain(view, quantity))
    return None


def spending_exceeded(book: Book, amount: int) -> QuotaExceeded | None:
    """Whether the customer's own monthly limit leaves no room for ``amount`` micro-credits more."""
    view = spending_view(book)
    if view is None or not amount or view.used + amount <= view.limit:
        return None
    return _refusal(view, "The customer's own monthly spending limit leaves no room for this.")


def spending_view(book: Book) -> QuotaView | None:
    """The customer's monthly limit as a quota, what holds reserve included; None without a limit."""
    limit = book.monthly_limit
    if limit is None:
        return None
    used = book.spent_this_month() + book.held
    return QuotaView(SPENDING, limit, used, max(0, limit - used), "month", next_month(book.now))


def views_of(tally: Tally, plan: str, now: datetime, resources: Iterable[str] | None = None) -> list[QuotaView]:
    """The plan's limits, of these resources or of all, in the catalog's order."""
    limits = catalog.current().quotas_of(plan)
    wanted = [limits[name] for name in limits if resources is None or name in resources]
    return [_view(limit, tally.used((limit.resource, period_of(limit.period, now))), now) for limit in wanted]


def list_resets(account_id: int, limit: int = 20) -> list[ResetView]:
    """How often limits of the account were set back, the newest first."""
    rows = connection().execute(
        select(QuotaReset.resource, QuotaReset.used_before, QuotaReset.reason, QuotaReset.actor, QuotaReset.at)
        .where(QuotaReset.account_id == account_id)
        .order_by(QuotaReset.at.desc(), QuotaReset.id.desc())
        .limit(limit)
    )
    return [ResetView(*row) for row in rows]


def list_quotas(account_id: int) -> list[QuotaView]:
    """Every limit that holds for the account now, its own monthly spending limit last; raises ``NotFound``."""
    with _open(account_id) as (book, tally):
        plan = entitlement_of(account_id, book.now).plan
        spending = spending_view(book)
        return [*views_of(tally, plan, book.now), *([spending] if spending else [])]


def reset_quota(account_id: int, resource: str, *, reason: str, actor: str, source: str | None = None) -> QuotaView:
    """Set what is used of a resource in its running period back to nothing; raises ``NotFound``, ``Invalid``.

    What was used before is never given back to the new count. The reason is kept; what staff do goes to the audit log.
    The same ``source`` again sets nothing back (R6).
    """
    rule = catalog.current().quotas.get(resource)
    if rule is None:
        raise NotFound()
    reason = reason.strip()
    if not 0 < len(reason) <= MAX_REASON_CHARACTERS:
        raise Invalid(f"reason: say why, in 1 to {MAX_REASON_CHARACTERS} characters")
    with _open(account_id) as (book, tally):
        if source is None or not is_reset(source):
            used = _reset(book, tally, resource, reason=reason, actor=actor, source=source)
            if actor.startswith("staff:"):
                detail = {"used": used}
                audit_log.record("quota_reset", actor=actor, account_id=account_id, subject=resource, detail=detail)
        plan = entitlement_of(account_id, book.now).plan
        view = next(iter(views_of(tally, plan, book.now, [resource])), None)
        return view or QuotaView(resource, 0, 0, 0, rule.period, _resets_at(rule.period, book.now))


def reset_by_pack(book: Book, resources: Iterable[str], source: str) -> None:
    """Set quotas back because a pack was bought for it; the account is open, ``source`` is the pack's key (R6).

    A resource that the catalog no longer counts is left alone.
    """
    tally = Tally(book.account_id, book.now)
    for resource in resources:
        if resource in catalog.current().quotas:
            _reset(book, tally, resource, reason=None, actor="stripe", source=source)
    tally.save()


def is_reset(source: str) -> bool:
    """Whether the business key has had its reset (R6). Ask under the account's lock."""
    return connection().scalar(select(QuotaReset.id).where(QuotaReset.source == source).limit(1)) is not None


def next_month(now: datetime) -> datetime:
    """When the next calendar month begins, in UTC."""
    return clock.add_months(clock.month_start(now), 1)


@contextmanager
def _open(account_id: int) -> Iterator[tuple[Book, Tally]]:
    with transaction(), accounts.open_account(account_id) as book:
        tally = Tally(account_id, book.now)
        yield book, tally
        tally.save()


def _reset(book: Book, tally: Tally, resource: str, *, reason: str | None, actor: str, source: str | None) -> int:
    key = (resource, period_of(catalog.current().quotas[resource].period, book.now))
    used = tally.reset(key, book.last_usage)
    connection().execute(
        insert(QuotaReset),
        {
            "id": new_id("qr"),
            "account_id": book.account_id,
            "resource": resource,
            "period": key[1],
            "used_before": used,
            "reason": reason,
            "actor": actor,
            "source": source,
            "at": book.now,
        },
    )
    return used


def _view(limit: Quota, used: int, now: datetime) -> QuotaView:
    return QuotaView(
        resource=limit.resource,
        limit=limit.limit,
        used=used,
        remaining=max(0, limit.limit - used),
        period=limit.period,
        resets_at=_resets_at(limit.period, now),
    )


def _refusal(view: QuotaView, message: str) -> QuotaExceeded:
    return QuotaExceeded(
        view.resource, limit=view.limit, used=view.used, period=view.period, resets_at=view.resets_at, message=message
    )


def _explain(view: QuotaView, quantity: int) -> str:
    """A refusal in words that don't promise a next month to a lifetime limit."""
    left = f"{view.used} of {view.limit} used, {view.remaining} left, {quantity} asked for"
    if view.resets_at is None:
        return f"The lifetime limit on {view.resource} leaves no room: {left}. It never resets by itself."
    return f"This month's limit on {view.resource} leaves no room: {left}."


def _resets_at(period: str, now: datetime) -> datetime | None:
    return next_month(now) if period == "month" else None
