"""A job as the rules see it: one row of usage."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(slots=True)
class Job:
    """One row of usage; see ``models.Usage``."""

    account_id: int
    number: int
    state: str
    source: str | None
    recorded_at: datetime
    occurred_at: datetime
    expires_at: datetime | None
    action: str | None
    quantity: int
    units: int | None
    model: str | None
    input_tokens: int | None
    output_tokens: int | None
    influencer: str | None
    agent: str | None
    thread: str | None
    execution: str | None
    reference: str | None
    amount: int
    charged: int
    given_back: int
    cost_nano_usd: int | None
    price_version: str | None
    quote_id: str | None
    unlimited: bool
    would_refuse: str | None
    quotas: str | None
    counts: bool
    failure: str | None
    hold: int | None
    entry_seq: int | None
    actor: str | None
    description: str | None
    details: str | None

    def has_expired(self, now: datetime) -> bool:
        """Whether it is a hold's whose time is over; nobody needs to note that for it to be so (R5)."""
        is_over = self.state == "held" and self.expires_at is not None and self.expires_at <= now
        return is_over or self.state == "expired"
