"""Saldo's answers as frozen objects: credits are Decimals, times are aware. Fields not known here are skipped."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from saldo.exact import credits, moment


@dataclass(frozen=True, slots=True)
class Quote:
    """What an action would cost. Passed as `quote=quote.id`, that price holds until `expires_at`."""

    id: str
    amount: Decimal
    available: Decimal
    affordable: bool
    shortfall: Decimal
    blocked_by: str | None
    """None, or the first thing that would stop it: `subscription`, `quota` or `credits`."""
    expires_at: datetime | None

    @classmethod
    def read(cls, body: Mapping[str, Any]) -> Quote:
        return cls(
            id=body["id"],
            amount=credits(body["amount"]),
            available=credits(body["available"]),
            affordable=body["affordable"],
            shortfall=credits(body["shortfall"]),
            blocked_by=body["blocked_by"],
            expires_at=moment(body["expires_at"]),
        )


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of a customer's history; `amount` is negative where credits went."""

    id: str
    seq: int
    kind: str
    reason: str
    amount: Decimal
    balance_after: Decimal
    action: str | None
    description: str | None
    reference: str | None
    reverses: str | None
    grants: tuple[tuple[str, Decimal], ...]
    metadata: Mapping[str, Any]
    created_at: datetime | None

    @classmethod
    def read(cls, body: Mapping[str, Any]) -> Entry:
        return cls(
            id=body["id"],
            seq=body["seq"],
            kind=body["kind"],
            reason=body["reason"],
            amount=credits(body["amount"]),
            balance_after=credits(body["balance_after"]),
            action=body["action"],
            description=body["description"],
            reference=body["reference"],
            reverses=body["reverses"],
            grants=tuple((use["grant"], credits(use["amount"])) for use in body["grants"]),
            metadata=body["metadata"] or {},
            created_at=moment(body["created_at"]),
        )


@dataclass(frozen=True, slots=True)
class BriefBalance:
    """What is there after a charge."""

    balance: Decimal
    held: Decimal
    available: Decimal

    @classmethod
    def read(cls, body: Mapping[str, Any]) -> BriefBalance:
        return cls(credits(body["balance"]), credits(body["held"]), credits(body["available"]))


@dataclass(frozen=True, slots=True)
class Quota:
    """A limit and how much of it is used; `period` is `month` or `lifetime`."""

    resource: str
    limit: Decimal
    used: Decimal
    remaining: Decimal
    period: str
    resets_at: datetime | None

    @classmethod
    def read(cls, body: Mapping[str, Any]) -> Quota:
        return cls(
            resource=body["resource"],
            limit=credits(body["limit"]),
            used=credits(body["used"]),
            remaining=credits(body["remaining"]),
            period=body["period"],
            resets_at=moment(body["resets_at"]),
        )


@dataclass(frozen=True, slots=True)
class Charge:
    """What came of a debit or a capture.

    `debit` is None when nothing was charged: the action is free, the plan unlimited, or Saldo only observes.
    `kept` means that Saldo could not be reached and the charge waits on disk; then there are no figures.
    """

    amount: Decimal | None
    debit: Entry | None = None
    would_refuse: str | None = None
    balance: BriefBalance | None = None
    quotas: tuple[Quota, ...] = ()
    kept: bool = False

    @classmethod
    def read(cls, body: Mapping[str, Any]) -> Charge:
        debit = None if body.get("debit") is None else Entry.read(body["debit"])
        balance = body.get("balance")
        return cls(
            amount=credits(body["hold"]["captured"] if "hold" in body else body["amount"]),
            debit=debit,
            would_refuse=body.get("would_refuse"),
            balance=None if balance is None else BriefBalance.read(balance),
            quotas=tuple(map(Quota.read, body.get("quotas") or ())),
        )


@dataclass(frozen=True, slots=True)
class Grant:
    """One lot of credits."""

    id: str
    source: str
    granted: Decimal
    remaining: Decimal
    held: Decimal
    frozen: Decimal
    expires_at: datetime | None
    scope: str | None

    @classmethod
    def read(cls, body: Mapping[str, Any]) -> Grant:
        return cls(
            id=body["id"],
            source=body["source"],
            granted=credits(body["granted"]),
            remaining=credits(body["remaining"]),
            held=credits(body["held"]),
            frozen=credits(body["frozen"]),
            expires_at=moment(body["expires_at"]),
            scope=body["scope"],
        )


@dataclass(frozen=True, slots=True)
class Balance:
    """What a customer has; `available` is what can be spent now, `scoped` for one influencer only."""

    customer: str
    plan: str
    unlimited: bool
    balance: Decimal
    held: Decimal
    frozen: Decimal
    debt: Decimal
    available: Decimal
    scoped: Mapping[str, Decimal]
    month_spent: Decimal
    month_limit: Decimal | None
    grants: tuple[Grant, ...]

    @classmethod
    def read(cls, body: Mapping[str, Any]) -> Balance:
        month = body["month"]
        return cls(
            customer=body["customer"],
            plan=body["plan"],
            unlimited=body["unlimited"],
            balance=credits(body["balance"]),
            held=credits(body["held"]),
            frozen=credits(body["frozen"]),
            debt=credits(body["debt"]),
            available=credits(body["available"]),
            scoped={scope: credits(amount) for scope, amount in body["scoped"].items()},
            month_spent=credits(month["spent"]),
            month_limit=None if month["limit"] is None else credits(month["limit"]),
            grants=tuple(map(Grant.read, body["grants"])),
        )


@dataclass(frozen=True, slots=True)
class Access:
    """Whether a customer may see what an influencer shares with subscribers, by which tier and until when."""

    access: bool
    tier: str | None
    until: datetime | None

    @classmethod
    def read(cls, body: Mapping[str, Any]) -> Access:
        return cls(body["access"], body["tier"], moment(body["until"]))


@dataclass(frozen=True, slots=True)
class EventResult:
    """What became of one event of a batch: `recorded`, `duplicate` or `rejected` (`code` says why)."""

    id: str
    status: str
    amount: Decimal | None
    code: str | None

    @classmethod
    def read(cls, body: Mapping[str, Any]) -> EventResult:
        amount = body.get("amount")
        return cls(body["id"], body["status"], None if amount is None else credits(amount), body.get("code"))


@dataclass(frozen=True, slots=True)
class CheckoutSession:
    """Where to send the customer to pay."""

    id: str
    url: str
    expires_at: datetime | None

    @classmethod
    def read(cls, body: Mapping[str, Any]) -> CheckoutSession:
        return cls(body["id"], body["url"], moment(body.get("expires_at")))


@dataclass(frozen=True, slots=True)
class Page:
    """One page of history, newest first; pass `next_cursor` on for the next."""

    entries: tuple[Entry, ...]
    next_cursor: str | None

    @classmethod
    def read(cls, body: Mapping[str, Any]) -> Page:
        return cls(tuple(map(Entry.read, body["data"])), body["next_cursor"])
