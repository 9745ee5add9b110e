"""Reading an account's balance (R4). What is due must have been booked: doors go through ``accounts``."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from billing.ids import ledger_id
from billing.ledger.book import Book
from billing.ledger.grants import burn_key, spendable
from billing.ledger.states import GrantState


@dataclass(frozen=True, slots=True)
class GrantView:
    """One grant with something left, in micro-credits. ``expires_at`` is when what is left really ends."""

    id: str
    seq: int
    source: str
    label: str | None
    granted: int
    remaining: int
    held: int
    frozen: int
    priority: int
    effective_at: datetime
    expires_at: datetime | None
    scope: str | None
    payment_id: str | None


@dataclass(frozen=True, slots=True)
class Totals:
    """Sums of all entries by kind, in micro-credits; debited and refunded as signed sums, debited shown positive."""

    purchased: int
    credited: int
    debited: int
    refunded: int


@dataclass(frozen=True, slots=True)
class BalanceView:
    """What an account has (R4), in micro-credits; ``available`` is what a debit without a scope can take."""

    balance: int
    held: int
    frozen: int
    debt: int
    available: int
    scoped: dict[str, int]
    totals: Totals
    next_expiry: tuple[int, datetime] | None
    grants: list[GrantView]
    entry_count: int
    month_spent: int
    monthly_limit: int | None


def view_of(book: Book) -> BalanceView:
    """The balance of an open book as of its moment."""
    grants = sorted(book.grants.values(), key=burn_key)
    scopes = sorted({grant.scope for grant in grants if grant.scope is not None})
    open_grants = [grant for grant in grants if grant.remaining]
    return BalanceView(
        balance=book.balance,
        held=book.held,
        frozen=sum(grant.frozen for grant in open_grants),
        debt=book.debt,
        available=spendable(book, None, book.now),
        scoped={scope: spendable(book, scope, book.now) for scope in scopes},
        totals=Totals(
            purchased=book.totals["PURCHASE"],
            credited=book.totals["CREDIT"],
            debited=-book.totals["DEBIT"],
            refunded=book.totals["REFUND"],
        ),
        next_expiry=_next_expiry(open_grants),
        grants=[_grant_view(grant) for grant in open_grants],
        entry_count=book.last_seq,
        month_spent=book.spent_this_month(),
        monthly_limit=book.monthly_limit,
    )


def _next_expiry(grants: list[GrantState]) -> tuple[int, datetime] | None:
    ends = [(end, grant.free) for grant in grants if grant.free and (end := shown_expiry(grant))]
    if not ends:
        return None
    first = min(end for end, _ in ends)
    return sum(free for end, free in ends if end == first), first


def shown_expiry(grant: GrantState) -> datetime | None:
    """The date to show: the grant's own, without R10's grace; a later one that R8 gave it when it has passed."""
    if grant.expires_at is None or grant.ends_at is None:
        return grant.ends_at
    revived = grant.ends_at > grant.expires_at + timedelta(days=7)
    return grant.ends_at if revived else grant.expires_at


def _grant_view(grant: GrantState) -> GrantView:
    return GrantView(
        id=ledger_id("gr", grant.account_id, grant.seq),
        seq=grant.seq,
        source=grant.reason,
        label=grant.label,
        granted=grant.granted,
        remaining=grant.remaining,
        held=grant.held,
        frozen=grant.frozen,
        priority=grant.priority,
        effective_at=grant.effective_at,
        expires_at=shown_expiry(grant),
        scope=grant.scope,
        payment_id=grant.payment_id,
    )
