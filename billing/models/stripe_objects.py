"""What we know of Stripe's things: prices, checkout sessions, subscriptions, events. Ids are Stripe's own."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, Boolean, CheckConstraint, ForeignKey, Index, Integer, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from billing.db import Base, UtcDateTime


class Price(Base):
    """A Stripe price of ours and what it was worth when it was made; old prices keep their credits (R9)."""

    __tablename__ = "prices"

    stripe_id: Mapped[str] = mapped_column(String(255), primary_key=True)
    lookup_key: Mapped[str] = mapped_column(String(200), index=True)
    product_id: Mapped[str] = mapped_column(String(255))
    kind: Mapped[str] = mapped_column(String(12))
    item: Mapped[str] = mapped_column(String(64))  # plan, pack or influencer id
    tier: Mapped[str | None] = mapped_column(String(64))
    interval: Mapped[str | None] = mapped_column(String(5))
    amount_minor: Mapped[int] = mapped_column(BigInteger)
    currency: Mapped[str] = mapped_column(String(3))
    credits: Mapped[int] = mapped_column(BigInteger)  # micro-credits a cycle, or of the pack, bonus apart
    bonus: Mapped[int] = mapped_column(BigInteger, default=0)
    trial_credits: Mapped[int] = mapped_column(BigInteger, default=0)
    per_seat: Mapped[bool] = mapped_column(Boolean, default=False)
    rollover_percent: Mapped[int] = mapped_column(Integer, default=0)
    yearly_grant: Mapped[str | None] = mapped_column(String(8))
    priority: Mapped[int] = mapped_column(Integer, default=50)
    expires_after_days: Mapped[int | None] = mapped_column(Integer)
    grace_days: Mapped[int] = mapped_column(Integer, default=0)
    active: Mapped[bool] = mapped_column(Boolean)
    synced_at: Mapped[datetime] = mapped_column(UtcDateTime)

    __table_args__ = (
        CheckConstraint("kind IN ('plan', 'pack', 'influencer')", name="kind"),
        Index(
            "uq_prices_active",
            "lookup_key",
            unique=True,
            sqlite_where=text("active"),
            postgresql_where=text("active"),
        ),
    )


class Checkout(Base):
    """Our own record of a Checkout Session, made before Stripe is called; its id is the idempotency key."""

    __tablename__ = "checkouts"

    id: Mapped[str] = mapped_column(String(40), primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("customers.account_id"), index=True)
    session_id: Mapped[str | None] = mapped_column(String(255), unique=True)
    price_id: Mapped[str] = mapped_column(ForeignKey("prices.stripe_id"))
    kind: Mapped[str] = mapped_column(String(12))
    item: Mapped[str] = mapped_column(String(64))
    tier: Mapped[str | None] = mapped_column(String(64))
    interval: Mapped[str | None] = mapped_column(String(5))
    quantity: Mapped[int] = mapped_column(Integer, default=1)
    credits: Mapped[int] = mapped_column(BigInteger)  # micro-credits of one unit at that moment, bonus included
    # new → open (session exists) → complete | expired; ``complete`` and unpaid while a delayed method is pending
    status: Mapped[str] = mapped_column(String(10))
    payment_status: Mapped[str | None] = mapped_column(String(20))
    url: Mapped[str | None] = mapped_column(Text)
    return_path: Mapped[str | None] = mapped_column(String(500))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime)

    __table_args__ = (CheckConstraint("status IN ('new', 'open', 'complete', 'expired', 'failed')", name="status"),)


class Subscription(Base):
    """A plan or influencer subscription as Stripe last told us."""

    __tablename__ = "subscriptions"

    id: Mapped[str] = mapped_column(String(40), primary_key=True)
    stripe_id: Mapped[str] = mapped_column(String(255), unique=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("customers.account_id"), index=True)
    kind: Mapped[str] = mapped_column(String(12))
    item: Mapped[str] = mapped_column(String(64))
    tier: Mapped[str | None] = mapped_column(String(64))
    interval: Mapped[str | None] = mapped_column(String(5))
    price_id: Mapped[str] = mapped_column(ForeignKey("prices.stripe_id"))
    stripe_item_id: Mapped[str] = mapped_column(String(255))
    status: Mapped[str] = mapped_column(String(20))
    quantity: Mapped[int] = mapped_column(Integer, default=1)
    current_period_start: Mapped[datetime] = mapped_column(UtcDateTime)
    current_period_end: Mapped[datetime] = mapped_column(UtcDateTime)
    # The paid period's end, from invoices: access and grants follow it, not ``current_period_end`` (R13).
    paid_until: Mapped[datetime | None] = mapped_column(UtcDateTime)
    # The end of the period that was paid when the subscription was brought along from an earlier system.
    paid_elsewhere_until: Mapped[datetime | None] = mapped_column(UtcDateTime)
    cancel_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    ended_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    pending_change: Mapped[str | None] = mapped_column(String(200))
    # A second live plan of one customer, paid by accident: staff give its money back (F107).
    flagged: Mapped[str | None] = mapped_column(String(40))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)

    __table_args__ = (CheckConstraint("kind IN ('plan', 'influencer')", name="kind"),)


class StripeEvent(Base):
    """The inbox: every event that came in with a good signature, marked done together with its effect."""

    __tablename__ = "stripe_events"

    id: Mapped[str] = mapped_column(String(255), primary_key=True)
    type: Mapped[str] = mapped_column(String(80))
    object_id: Mapped[str | None] = mapped_column(String(255), index=True)
    account_id: Mapped[int | None] = mapped_column(BigInteger, index=True)
    status: Mapped[str] = mapped_column(String(10))
    note: Mapped[str | None] = mapped_column(String(500))
    attempts: Mapped[int] = mapped_column(Integer, default=0)
    payload: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    received_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)
    handled_at: Mapped[datetime | None] = mapped_column(UtcDateTime)

    __table_args__ = (
        CheckConstraint("status IN ('received', 'failed', 'done', 'ignored', 'parked')", name="status"),
        Index("ix_stripe_events_status", "status"),
    )
