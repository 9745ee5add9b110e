"""What stands in an account's books, row by row, as the rules see it; ``book`` reads and writes them."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime


@dataclass(slots=True)
class GrantState:
    """A grant as the rules see it; amounts in micro-credits."""

    account_id: int
    seq: int
    granted: int
    remaining: int
    held: int
    freeze_target: int
    purchased: bool
    reason: str
    scope: str | None
    priority: int
    effective_at: datetime
    expires_at: datetime | None
    ends_at: datetime | None
    payment_id: str | None
    lot: str | None
    chain: str | None
    label: str | None

    @property
    def unheld(self) -> int:
        """What no hold reserves."""
        return self.remaining - self.held

    @property
    def frozen(self) -> int:
        """What a dispute or pending refund keeps from being spent (R8): never what a hold reserves."""
        return min(self.freeze_target, self.unheld)

    @property
    def free(self) -> int:
        """What may be spent, taken or expire: neither held nor frozen."""
        return max(0, self.unheld - self.freeze_target)

    def has_ended(self, at: datetime) -> bool:
        """Whether its time is over; R5: spendable iff now < end."""
        return self.ends_at is not None and at >= self.ends_at


@dataclass(slots=True)
class EntryRow:
    """A new entry on its way into the table; see ``models.Entry``."""

    account_id: int
    seq: int
    kind: str
    reason: str
    amount: int
    balance_after: int
    at: datetime
    action: str | None
    scope: str | None
    source: str | None
    reverses: int | None
    hold: int | None
    actor: str | None
    hash: bytes
    description: str | None
    reference: str | None
    details: str | None


@dataclass(slots=True)
class DebtState:
    """Debt that one REFUND entry left on ``grant_seq``."""

    account_id: int
    entry_seq: int
    grant_seq: int
    amount: int
    open: int
    cancelled: int


@dataclass(slots=True)
class HoldPart:
    """So much of one grant, reserved by a hold."""

    grant_seq: int
    amount: int


@dataclass(slots=True)
class HoldState:
    """A hold as the rules see it."""

    account_id: int
    number: int
    amount: int
    captured: int
    status: str
    scope: str | None
    action: str | None
    source: str | None
    actor: str | None
    created_at: datetime
    placed_seq: int
    expires_at: datetime
    resolved_at: datetime | None
    resolved_seq: int | None
    debit_seq: int | None
    description: str | None
    reference: str | None
    details: str | None
    parts: list[HoldPart] = field(default_factory=list)


@dataclass(slots=True)
class UseRow:
    """How much of a grant an entry ate (positive) or brought back (negative)."""

    account_id: int
    entry_seq: int
    n: int
    grant_seq: int
    amount: int
    booked_seq: int | None
