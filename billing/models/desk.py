"""What the refund desk keeps besides refunds: limits used up, credit notes, warnings of fraud."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import BigInteger, Boolean, CheckConstraint, Date, ForeignKey, Integer, String
from sqlalchemy.orm import Mapped, mapped_column

from billing.db import Base, UtcDateTime


class DailyTotal(Base):
    """What one actor has moved in one day (UTC) with nobody's approval; also the lock that makes the sum exact.

    ``unit`` is what is counted: a currency for money given back (minor units), ``granted``, ``taken`` or
    ``forgiven`` for credits by hand (micro-credits).
    """

    __tablename__ = "daily_totals"

    actor: Mapped[str] = mapped_column(String(80), primary_key=True)
    day: Mapped[date] = mapped_column(Date, primary_key=True)
    unit: Mapped[str] = mapped_column(String(10), primary_key=True)
    times: Mapped[int] = mapped_column(Integer, default=0)
    amount: Mapped[int] = mapped_column(BigInteger, default=0)

    __table_args__ = (CheckConstraint("times >= 0 AND amount >= 0", name="amount"),)


class CreditNote(Base):
    """A credit note on a paid invoice: what of it went to the customer's balance or out of band (R7).

    What it refunded to a card is in ``refunds`` and not counted here. A void one counts nothing.
    """

    __tablename__ = "credit_notes"

    stripe_id: Mapped[str] = mapped_column(String(255), primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("customers.account_id"), index=True)
    payment_id: Mapped[str] = mapped_column(ForeignKey("payments.id"), index=True)
    amount_minor: Mapped[int] = mapped_column(BigInteger)
    currency: Mapped[str] = mapped_column(String(3))
    status: Mapped[str] = mapped_column(String(8))
    reason: Mapped[str | None] = mapped_column(String(40))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    updated_at: Mapped[datetime] = mapped_column(UtcDateTime)

    __table_args__ = (
        CheckConstraint("status IN ('issued', 'void')", name="status"),
        CheckConstraint("amount_minor >= 0", name="amount"),
    )


class FraudWarning(Base):
    """The card's network warns that a payment looks like fraud: a dispute may follow unless it is refunded first."""

    __tablename__ = "fraud_warnings"

    stripe_id: Mapped[str] = mapped_column(String(255), primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("customers.account_id"), index=True)
    payment_id: Mapped[str] = mapped_column(ForeignKey("payments.id"), index=True)
    fraud_type: Mapped[str] = mapped_column(String(60))
    actionable: Mapped[bool] = mapped_column(Boolean)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
