"""What was asked for and done: usage rows (jobs), counts against quotas, and quotes that hold a price."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, Boolean, CheckConstraint, ForeignKey, Index, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from billing.db import Base, UtcDateTime


class Usage(Base):
    """One job: what an app asked for, what it cost, and what became of it. ``number`` counts 1, 2, 3 … per account.

    held (a hold's) → done | failed (a part charged) | voided | expired; a debit is done at once. ``amount`` is the
    price, ``charged`` what the ledger took, less than that where the plan is unlimited or nothing was refused though
    credits were short; micro-credits. ``quotas`` names the resources it counts against, ``quantity`` times each, as
    long as it ``counts``.
    """

    __tablename__ = "usage"

    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.account_id"), primary_key=True)
    number: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    state: Mapped[str] = mapped_column(String(8))
    source: Mapped[str | None] = mapped_column(String(300))
    recorded_at: Mapped[datetime] = mapped_column(UtcDateTime)
    occurred_at: Mapped[datetime] = mapped_column(UtcDateTime)
    expires_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    action: Mapped[str | None] = mapped_column(String(64))
    quantity: Mapped[int] = mapped_column(BigInteger)
    units: Mapped[int | None] = mapped_column(BigInteger)
    model: Mapped[str | None] = mapped_column(String(128))
    input_tokens: Mapped[int | None] = mapped_column(BigInteger)
    output_tokens: Mapped[int | None] = mapped_column(BigInteger)
    influencer: Mapped[str | None] = mapped_column(String(64))
    agent: Mapped[str | None] = mapped_column(String(255))
    thread: Mapped[str | None] = mapped_column(String(255))
    execution: Mapped[str | None] = mapped_column(String(255))
    reference: Mapped[str | None] = mapped_column(String(255))
    amount: Mapped[int] = mapped_column(BigInteger)
    charged: Mapped[int] = mapped_column(BigInteger)
    given_back: Mapped[int] = mapped_column(BigInteger)
    # What the model's maker asks, in billionths of a US dollar.
    cost_nano_usd: Mapped[int | None] = mapped_column(BigInteger)
    price_version: Mapped[str | None] = mapped_column(String(12))
    quote_id: Mapped[str | None] = mapped_column(String(40))
    unlimited: Mapped[bool] = mapped_column(Boolean)
    would_refuse: Mapped[str | None] = mapped_column(String(12))
    quotas: Mapped[str | None] = mapped_column(Text)
    counts: Mapped[bool] = mapped_column(Boolean)
    failure: Mapped[str | None] = mapped_column(String(16))
    hold: Mapped[int | None] = mapped_column(BigInteger)
    entry_seq: Mapped[int | None] = mapped_column(BigInteger)
    actor: Mapped[str | None] = mapped_column(String(80))
    # Free text, kept here only where no entry and no hold says it.
    description: Mapped[str | None] = mapped_column(Text)
    details: Mapped[str | None] = mapped_column(Text)

    __table_args__ = (
        Index(
            "uq_usage_source",
            "source",
            unique=True,
            sqlite_where=text("source IS NOT NULL"),
            postgresql_where=text("source IS NOT NULL"),
        ),
        Index("ix_usage_occurred", "account_id", "occurred_at"),
        Index(
            "ix_usage_entry",
            "account_id",
            "entry_seq",
            sqlite_where=text("entry_seq IS NOT NULL"),
            postgresql_where=text("entry_seq IS NOT NULL"),
        ),
        Index(
            "ix_usage_reference",
            "account_id",
            "reference",
            sqlite_where=text("reference IS NOT NULL"),
            postgresql_where=text("reference IS NOT NULL"),
        ),
        Index(
            "ix_usage_held",
            "account_id",
            sqlite_where=text("state = 'held'"),
            postgresql_where=text("state = 'held'"),
        ),
        CheckConstraint("state IN ('held', 'done', 'failed', 'voided', 'expired')", name="state"),
        CheckConstraint("amount >= 0 AND charged BETWEEN 0 AND amount", name="charged"),
        CheckConstraint("given_back BETWEEN 0 AND charged", name="given_back"),
        CheckConstraint("quantity > 0", name="quantity"),
        CheckConstraint("would_refuse IN ('subscription', 'quota', 'credits')", name="would_refuse"),
    )


class QuotaUse(Base):
    """How much of a resource an account has used in one month (``2026-11``), or ever (``lifetime``).

    ``counted_after`` is the last usage row before the last reset: what a reset has forgiven is never given back.
    """

    __tablename__ = "quota_uses"

    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.account_id"), primary_key=True)
    resource: Mapped[str] = mapped_column(String(64), primary_key=True)
    period: Mapped[str] = mapped_column(String(8), primary_key=True)
    used: Mapped[int] = mapped_column(BigInteger)
    counted_after: Mapped[int] = mapped_column(BigInteger)

    __table_args__ = (CheckConstraint("used >= 0", name="used"),)


class QuotaReset(Base):
    """A quota set back to unused: by staff or an app, with a reason, or by a pack that was sold for it."""

    __tablename__ = "quota_resets"

    id: Mapped[str] = mapped_column(String(40), primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.account_id"), index=True)
    resource: Mapped[str] = mapped_column(String(64))
    period: Mapped[str] = mapped_column(String(8))
    used_before: Mapped[int] = mapped_column(BigInteger)
    reason: Mapped[str | None] = mapped_column(Text)
    actor: Mapped[str] = mapped_column(String(80))
    source: Mapped[str | None] = mapped_column(String(300))
    at: Mapped[datetime] = mapped_column(UtcDateTime)

    __table_args__ = (UniqueConstraint("source", "resource"),)


class Quote(Base):
    """A price that holds for a while: for this account and exactly what was asked for (``terms``, JSON)."""

    __tablename__ = "quotes"

    id: Mapped[str] = mapped_column(String(40), primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.account_id"))
    terms: Mapped[str] = mapped_column(Text)
    amount: Mapped[int] = mapped_column(BigInteger)
    cost_nano_usd: Mapped[int | None] = mapped_column(BigInteger)
    price_version: Mapped[str] = mapped_column(String(12))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)

    __table_args__ = (CheckConstraint("amount >= 0", name="amount"),)
