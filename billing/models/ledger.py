"""The books. Every primary key begins with ``account_id``, so the tables can be split by account one day.

Amounts are integer micro-credits. Entries and uses are append-only: triggers in the migration refuse UPDATE and
DELETE on both engines, except blanking an entry's free text (erasure of personal data).
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    SmallInteger,
    String,
    Text,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from billing.db import Base, UtcDateTime


class Account(Base):
    """One row per customer: what their entries add up to, and the lock that orders everything in their books."""

    __tablename__ = "accounts"

    account_id: Mapped[int] = mapped_column(ForeignKey("customers.account_id"), primary_key=True)
    balance: Mapped[int] = mapped_column(BigInteger, default=0)
    debt: Mapped[int] = mapped_column(BigInteger, default=0)
    held: Mapped[int] = mapped_column(BigInteger, default=0)
    last_seq: Mapped[int] = mapped_column(BigInteger, default=0)
    last_hold: Mapped[int] = mapped_column(BigInteger, default=0)
    last_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    last_hash: Mapped[bytes] = mapped_column(LargeBinary(32), default=b"")
    purchased_total: Mapped[int] = mapped_column(BigInteger, default=0)
    credited_total: Mapped[int] = mapped_column(BigInteger, default=0)
    debited_total: Mapped[int] = mapped_column(BigInteger, default=0)
    refunded_total: Mapped[int] = mapped_column(BigInteger, default=0)
    # When the next month of a yearly plan comes, the next free refill, and when anything at all is due (R5).
    next_scheduled_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    next_refill_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    next_due_at: Mapped[datetime | None] = mapped_column(UtcDateTime, index=True)
    # What was spent in the calendar month that began at ``month_at``, and the most that may be.
    month_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    month_spent: Mapped[int] = mapped_column(BigInteger, default=0, server_default="0")
    monthly_limit: Mapped[int | None] = mapped_column(BigInteger)
    last_usage: Mapped[int] = mapped_column(BigInteger, default=0, server_default="0")

    __table_args__ = (
        CheckConstraint("debt >= 0", name="debt"),
        CheckConstraint("held >= 0", name="held"),
        CheckConstraint("balance <= 1000000000000000000", name="balance"),
    )


class Entry(Base):
    """One immutable movement of credits. ``seq`` counts 1, 2, 3 … per account without a gap."""

    __tablename__ = "entries"

    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.account_id"), primary_key=True)
    seq: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    kind: Mapped[str] = mapped_column(String(8))
    reason: Mapped[str] = mapped_column(String(20))
    amount: Mapped[int] = mapped_column(BigInteger)
    balance_after: Mapped[int] = mapped_column(BigInteger)
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    action: Mapped[str | None] = mapped_column(String(64))
    # The influencer that a debit was for, or that alone a grant pays for; what a scoped grant may have paid.
    scope: Mapped[str | None] = mapped_column(String(64))
    source: Mapped[str | None] = mapped_column(String(300))
    reverses: Mapped[int | None] = mapped_column(BigInteger)
    hold: Mapped[int | None] = mapped_column(BigInteger)
    actor: Mapped[str | None] = mapped_column(String(80))
    hash: Mapped[bytes] = mapped_column(LargeBinary(32))
    # Free text: the only columns that may change, and only to NULL.
    description: Mapped[str | None] = mapped_column(Text)
    reference: Mapped[str | None] = mapped_column(String(255))
    details: Mapped[str | None] = mapped_column(Text)

    __table_args__ = (
        # R6: exactly once by business key, whatever brings it.
        Index(
            "uq_entries_source",
            "source",
            unique=True,
            sqlite_where=text("source IS NOT NULL"),
            postgresql_where=text("source IS NOT NULL"),
        ),
        Index(
            "ix_entries_reverses",
            "account_id",
            "reverses",
            sqlite_where=text("reverses IS NOT NULL"),
            postgresql_where=text("reverses IS NOT NULL"),
        ),
        Index(
            "ix_entries_reference",
            "account_id",
            "reference",
            sqlite_where=text("reference IS NOT NULL"),
            postgresql_where=text("reference IS NOT NULL"),
        ),
        CheckConstraint("kind IN ('PURCHASE', 'CREDIT', 'DEBIT', 'REFUND')", name="kind"),
        CheckConstraint(
            "(kind IN ('PURCHASE', 'CREDIT') AND amount > 0) OR (kind = 'DEBIT' AND amount < 0)"
            " OR (kind = 'REFUND' AND amount <> 0 AND reverses IS NOT NULL)",
            name="sign",
        ),
        CheckConstraint("amount BETWEEN -1000000000000000 AND 1000000000000000", name="size"),
        CheckConstraint("seq > 0", name="seq"),
        CheckConstraint("reverses IS NULL OR reverses < seq", name="reverses"),
        ForeignKeyConstraint(["account_id", "reverses"], ["entries.account_id", "entries.seq"]),
    )


class Grant(Base):
    """A lot of credits that one PURCHASE or CREDIT opened (``seq`` is that entry's), spent in burn order (R3).

    ``remaining = granted − Σ uses``; ``held`` of it is reserved by holds; ``freeze_target`` is how much of the
    unheld rest a dispute or pending refund freezes. ``expires_at`` is the date shown; ``ends_at`` the moment the
    rest is booked as expired, later than the former by R10's grace or by R8's seven days.
    """

    __tablename__ = "grants"

    account_id: Mapped[int] = mapped_column(primary_key=True)
    seq: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    granted: Mapped[int] = mapped_column(BigInteger)
    remaining: Mapped[int] = mapped_column(BigInteger)
    held: Mapped[int] = mapped_column(BigInteger, default=0)
    freeze_target: Mapped[int] = mapped_column(BigInteger, default=0)
    purchased: Mapped[bool] = mapped_column()
    reason: Mapped[str] = mapped_column(String(20))
    scope: Mapped[str | None] = mapped_column(String(64))
    priority: Mapped[int] = mapped_column(SmallInteger)
    effective_at: Mapped[datetime] = mapped_column(UtcDateTime)
    expires_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    ends_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    # Where it came from: the payment that shares it when money goes back, and the chain of cycles it belongs to.
    payment_id: Mapped[str | None] = mapped_column(String(40), index=True)
    lot: Mapped[str | None] = mapped_column(String(255))
    chain: Mapped[str | None] = mapped_column(String(255))
    label: Mapped[str | None] = mapped_column(String(200))

    __table_args__ = (
        ForeignKeyConstraint(["account_id", "seq"], ["entries.account_id", "entries.seq"]),
        Index(
            "ix_grants_open",
            "account_id",
            sqlite_where=text("remaining > 0"),
            postgresql_where=text("remaining > 0"),
        ),
        CheckConstraint("granted > 0", name="granted"),
        CheckConstraint("remaining BETWEEN 0 AND granted", name="remaining"),
        CheckConstraint("held BETWEEN 0 AND remaining", name="held"),
        CheckConstraint("freeze_target >= 0", name="freeze_target"),
    )


class Use(Base):
    """How much of a grant an entry ate (positive) or brought back (negative); also who paid a debt, and when.

    A payment of debt is a use of the REFUND entry that left it, on the grant that paid; ``booked_seq`` is then the
    last entry before it, so that the books can be replayed. Every other use happens with its own entry.
    """

    __tablename__ = "uses"

    account_id: Mapped[int] = mapped_column(primary_key=True)
    entry_seq: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    n: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    grant_seq: Mapped[int] = mapped_column(BigInteger)
    amount: Mapped[int] = mapped_column(BigInteger)
    booked_seq: Mapped[int | None] = mapped_column(BigInteger)

    __table_args__ = (
        ForeignKeyConstraint(["account_id", "entry_seq"], ["entries.account_id", "entries.seq"]),
        ForeignKeyConstraint(["account_id", "grant_seq"], ["grants.account_id", "grants.seq"]),
        Index("ix_uses_grant", "account_id", "grant_seq"),
        # Payments of debt are few, and a replay has to find them.
        Index(
            "ix_uses_booked",
            "account_id",
            "booked_seq",
            sqlite_where=text("booked_seq IS NOT NULL"),
            postgresql_where=text("booked_seq IS NOT NULL"),
        ),
        CheckConstraint("amount <> 0", name="amount"),
    )


class Debt(Base):
    """What a taking back could not find (R4): opened by one REFUND entry, paid by later grants, or cancelled."""

    __tablename__ = "debts"

    account_id: Mapped[int] = mapped_column(primary_key=True)
    entry_seq: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    grant_seq: Mapped[int] = mapped_column(BigInteger)
    amount: Mapped[int] = mapped_column(BigInteger)
    open: Mapped[int] = mapped_column(BigInteger)
    cancelled: Mapped[int] = mapped_column(BigInteger, default=0)

    __table_args__ = (
        ForeignKeyConstraint(["account_id", "entry_seq"], ["entries.account_id", "entries.seq"]),
        Index("ix_debts_grant", "account_id", "grant_seq"),
        CheckConstraint("amount > 0", name="amount"),
        CheckConstraint("open BETWEEN 0 AND amount", name="open"),
        CheckConstraint("cancelled BETWEEN 0 AND amount", name="cancelled"),
    )


class Hold(Base):
    """Credits reserved for a job: active → captured | voided | expired, each of which is final (I13).

    ``placed_seq`` and ``resolved_seq`` are the last entries before it was placed and before it was over (captured: the
    entry before its DEBIT), so that the books can be replayed.
    """

    __tablename__ = "holds"

    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.account_id"), primary_key=True)
    number: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    amount: Mapped[int] = mapped_column(BigInteger)
    captured: Mapped[int] = mapped_column(BigInteger, default=0)
    status: Mapped[str] = mapped_column(String(8))
    scope: Mapped[str | None] = mapped_column(String(64))
    action: Mapped[str | None] = mapped_column(String(64))
    source: Mapped[str | None] = mapped_column(String(300), unique=True)
    actor: Mapped[str | None] = mapped_column(String(80))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    placed_seq: Mapped[int] = mapped_column(BigInteger)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime)
    resolved_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    resolved_seq: Mapped[int | None] = mapped_column(BigInteger)
    debit_seq: Mapped[int | None] = mapped_column(BigInteger)
    description: Mapped[str | None] = mapped_column(Text)
    reference: Mapped[str | None] = mapped_column(String(255))
    details: Mapped[str | None] = mapped_column(Text)

    __table_args__ = (
        Index(
            "ix_holds_active",
            "account_id",
            sqlite_where=text("status = 'active'"),
            postgresql_where=text("status = 'active'"),
        ),
        CheckConstraint("status IN ('active', 'captured', 'voided', 'expired')", name="status"),
        CheckConstraint("amount > 0", name="amount"),
        CheckConstraint("captured BETWEEN 0 AND amount", name="captured"),
        CheckConstraint("(status = 'captured') = (debit_seq IS NOT NULL)", name="debit"),
        CheckConstraint("(status = 'active') = (resolved_seq IS NULL)", name="resolved"),
    )


class HoldUse(Base):
    """Which grants a hold reserves, in the order they will be eaten."""

    __tablename__ = "hold_uses"

    account_id: Mapped[int] = mapped_column(primary_key=True)
    hold: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    n: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    grant_seq: Mapped[int] = mapped_column(BigInteger)
    amount: Mapped[int] = mapped_column(BigInteger)

    __table_args__ = (
        ForeignKeyConstraint(["account_id", "hold"], ["holds.account_id", "holds.number"]),
        ForeignKeyConstraint(["account_id", "grant_seq"], ["grants.account_id", "grants.seq"]),
        CheckConstraint("amount > 0", name="amount"),
    )
