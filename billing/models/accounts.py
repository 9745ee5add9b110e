"""What signing in stands on besides the customer: links for one use, mails to send, attempts to slow down."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Integer, String
from sqlalchemy.orm import Mapped, mapped_column

from billing.db import Base, BigId, UtcDateTime


class Link(Base):
    """A link that does one thing for one customer, once, until it expires; only the hash of its token is kept."""

    __tablename__ = "links"

    token_hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    purpose: Mapped[str] = mapped_column(String(16))
    account_id: Mapped[int] = mapped_column(ForeignKey("customers.account_id"), index=True)
    return_path: Mapped[str | None] = mapped_column(String(500))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)
    used_at: Mapped[datetime | None] = mapped_column(UtcDateTime)

    __table_args__ = (
        CheckConstraint("purpose IN ('confirm_email', 'change_email', 'reset_password', 'sign_in')", name="purpose"),
    )


class Mail(Base):
    """A mail that a customer is to get. It is written only when it is sent, so no address and no token lie here.

    ``next_try_at`` is empty once it was sent (``sent_at``) or given up.
    """

    __tablename__ = "mails"

    id: Mapped[int] = mapped_column(BigId, primary_key=True, autoincrement=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("customers.account_id"), index=True)
    kind: Mapped[str] = mapped_column(String(32))
    attempts: Mapped[int] = mapped_column(Integer, default=0)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    next_try_at: Mapped[datetime | None] = mapped_column(UtcDateTime, index=True)
    sent_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class Attempts(Base):
    """How often something was tried within a window of time; ``name`` is a keyed hash and holds no address."""

    __tablename__ = "attempts"

    name: Mapped[str] = mapped_column(String(120), primary_key=True)
    tries: Mapped[int] = mapped_column(Integer)
    ends_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)
