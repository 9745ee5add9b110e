"""Money that came in and went back, in integer minor units, and how the credits it granted follow it (R7, R8)."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, Integer, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from billing.db import Base, UtcDateTime


class Payment(Base):
    """One paid Checkout Session, invoice or top-up. ``amount_minor`` is R7's P: the total charged."""

    __tablename__ = "payments"

    id: Mapped[str] = mapped_column(String(40), primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("customers.account_id"), index=True)
    kind: Mapped[str] = mapped_column(String(12))
    description: Mapped[str] = mapped_column(String(200))
    item: Mapped[str] = mapped_column(String(64))
    tier: Mapped[str | None] = mapped_column(String(64))
    amount_minor: Mapped[int] = mapped_column(BigInteger)
    currency: Mapped[str] = mapped_column(String(3))
    session_id: Mapped[str | None] = mapped_column(String(255), unique=True)
    invoice_id: Mapped[str | None] = mapped_column(String(255), unique=True)
    subscription_id: Mapped[str | None] = mapped_column(String(255), index=True)
    paid_at: Mapped[datetime] = mapped_column(UtcDateTime)

    __table_args__ = (
        CheckConstraint("kind IN ('plan', 'pack', 'topup', 'influencer')", name="kind"),
        CheckConstraint("amount_minor >= 0", name="amount"),
    )


class PaymentIntentLink(Base):
    """PaymentIntent (and charge) → payment; an invoice may be paid by several."""

    __tablename__ = "payment_intents"

    payment_intent_id: Mapped[str] = mapped_column(String(255), primary_key=True)
    payment_id: Mapped[str] = mapped_column(ForeignKey("payments.id"), index=True)
    charge_id: Mapped[str | None] = mapped_column(String(255), index=True)
    amount_minor: Mapped[int] = mapped_column(BigInteger)


class PaymentLot(Base):
    """What one payment granted by one line: R7's G of it, and how much of that must be gone by now.

    The months of one year are one lot of twelve. ``target`` is the part of ``granted`` that the money given back so
    far stands for, whole credits rounded up, less what ``unspent`` refunds waived.
    """

    __tablename__ = "payment_lots"

    account_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    payment_id: Mapped[str] = mapped_column(ForeignKey("payments.id"), primary_key=True)
    lot: Mapped[str] = mapped_column(String(255), primary_key=True)
    granted: Mapped[int] = mapped_column(BigInteger)
    target: Mapped[int] = mapped_column(BigInteger, default=0)

    __table_args__ = (
        CheckConstraint("granted > 0", name="granted"),
        CheckConstraint("target BETWEEN 0 AND granted", name="target"),
    )


class ScheduledGrant(Base):
    """A month of a yearly plan that is still to come, or has come (``entry_seq``).

    ``cancelled`` of its credits are taken by money given back before it came, the last month first.
    """

    __tablename__ = "scheduled_grants"

    account_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    lot: Mapped[str] = mapped_column(String(255), primary_key=True)
    n: Mapped[int] = mapped_column(Integer, primary_key=True)
    payment_id: Mapped[str] = mapped_column(ForeignKey("payments.id"), index=True)
    subscription_id: Mapped[str] = mapped_column(String(255), index=True)
    chain: Mapped[str] = mapped_column(String(255))
    due_at: Mapped[datetime] = mapped_column(UtcDateTime)
    ends_at: Mapped[datetime] = mapped_column(UtcDateTime)
    credits: Mapped[int] = mapped_column(BigInteger)
    cancelled: Mapped[int] = mapped_column(BigInteger, default=0)
    priority: Mapped[int] = mapped_column(Integer)
    label: Mapped[str | None] = mapped_column(String(200))
    # waiting → granted; or skipped (nothing left of it), or stopped (the subscription ended before)
    status: Mapped[str] = mapped_column(String(8))
    entry_seq: Mapped[int | None] = mapped_column(BigInteger)

    __table_args__ = (
        Index("ix_scheduled_grants_due", "account_id", "status", "due_at"),
        CheckConstraint("status IN ('waiting', 'granted', 'skipped', 'stopped')", name="status"),
        CheckConstraint("cancelled BETWEEN 0 AND credits", name="cancelled"),
    )


class InvoiceLine(Base):
    """A paid invoice line of ours: what it is worth (R9), kept so that the running sum is the same in any order."""

    __tablename__ = "invoice_lines"

    account_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    line_id: Mapped[str] = mapped_column(String(255), primary_key=True)
    invoice_id: Mapped[str] = mapped_column(String(255), index=True)
    payment_id: Mapped[str] = mapped_column(ForeignKey("payments.id"))
    subscription_id: Mapped[str] = mapped_column(String(255))
    stripe_item_id: Mapped[str] = mapped_column(String(255))
    price_id: Mapped[str] = mapped_column(ForeignKey("prices.stripe_id"))
    kind: Mapped[str] = mapped_column(String(9))
    quantity: Mapped[int] = mapped_column(Integer)
    starts_at: Mapped[datetime] = mapped_column(UtcDateTime)
    ends_at: Mapped[datetime] = mapped_column(UtcDateTime)
    worth: Mapped[int] = mapped_column(BigInteger)  # micro-credits, negative for a proration that gives back
    granted: Mapped[int] = mapped_column(BigInteger)  # micro-credits this line added to its cycle's highest sum

    __table_args__ = (
        Index("ix_invoice_lines_cycle", "account_id", "stripe_item_id", "ends_at"),
        CheckConstraint("kind IN ('full', 'trial', 'proration')", name="kind"),
    )


class Refund(Base):
    """Money going back: asked for by staff here (``origin = staff``) or seen at Stripe (``stripe``)."""

    __tablename__ = "refunds"

    id: Mapped[str] = mapped_column(String(40), primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("customers.account_id"), index=True)
    payment_id: Mapped[str] = mapped_column(ForeignKey("payments.id"), index=True)
    stripe_id: Mapped[str | None] = mapped_column(String(255), unique=True)
    payment_intent_id: Mapped[str | None] = mapped_column(String(255))
    origin: Mapped[str] = mapped_column(String(6))
    amount_minor: Mapped[int] = mapped_column(BigInteger)
    currency: Mapped[str] = mapped_column(String(3))
    credits_mode: Mapped[str] = mapped_column(String(12))
    # JSON {lot: micro-credits} that an ``unspent`` refund let go (R7).
    waived: Mapped[str | None] = mapped_column(Text)
    reason: Mapped[str | None] = mapped_column(String(40))
    note: Mapped[str | None] = mapped_column(Text)
    status: Mapped[str] = mapped_column(String(16))
    failure_reason: Mapped[str | None] = mapped_column(String(80))
    actor: Mapped[str] = mapped_column(String(80))
    form_token: Mapped[str | None] = mapped_column(String(64), unique=True)
    # Above a limit: who of the staff decided, and when. Who asked may take it back, but not approve it.
    decided_by: Mapped[str | None] = mapped_column(String(80))
    decided_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    called_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    settled_at: Mapped[datetime | None] = mapped_column(UtcDateTime)

    __table_args__ = (
        CheckConstraint("origin IN ('staff', 'stripe')", name="origin"),
        CheckConstraint("credits_mode IN ('proportional', 'unspent', 'keep')", name="credits_mode"),
        CheckConstraint(
            "status IN ('needs_approval', 'rejected', 'pending', 'requires_action', 'succeeded', 'failed', 'canceled')",
            name="status",
        ),
        CheckConstraint("decided_by <> actor OR status = 'rejected'", name="second_person"),
        CheckConstraint("amount_minor > 0", name="amount"),
    )


class Dispute(Base):
    """A cardholder's complaint at their bank; ``status`` is Stripe's and alone decides (R8)."""

    __tablename__ = "disputes"

    stripe_id: Mapped[str] = mapped_column(String(255), primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("customers.account_id"), index=True)
    payment_id: Mapped[str] = mapped_column(ForeignKey("payments.id"), index=True)
    amount_minor: Mapped[int] = mapped_column(BigInteger)
    currency: Mapped[str] = mapped_column(String(3))
    status: Mapped[str] = mapped_column(String(24))
    reason: Mapped[str | None] = mapped_column(String(40))
    due_by: Mapped[datetime | None] = mapped_column(UtcDateTime)
    opened_at: Mapped[datetime] = mapped_column(UtcDateTime)
    updated_at: Mapped[datetime] = mapped_column(UtcDateTime)
