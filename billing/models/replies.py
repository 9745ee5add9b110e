"""What was answered to a request that carried an Idempotency-Key, so that sent again it is answered again."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import CheckConstraint, Index, LargeBinary, SmallInteger, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from billing.db import Base, UtcDateTime


class Reply(Base):
    """One request of an app: which call, under which key, and the answer once there is one.

    ``status`` is NULL while a request that calls Stripe is under way; ``leased_until`` is when it counts as lost.
    ``kept_until`` NULL is for ever.
    """

    __tablename__ = "replies"

    app: Mapped[str] = mapped_column(String(64), primary_key=True)
    call: Mapped[str] = mapped_column(String(200), primary_key=True)  # method and path
    key: Mapped[str] = mapped_column(String(255), primary_key=True)
    request_hash: Mapped[bytes] = mapped_column(LargeBinary(32))
    status: Mapped[int | None] = mapped_column(SmallInteger)
    body: Mapped[str | None] = mapped_column(Text)
    leased_until: Mapped[datetime | None] = mapped_column(UtcDateTime)
    kept_until: Mapped[datetime | None] = mapped_column(UtcDateTime)

    __table_args__ = (
        Index(
            "ix_replies_kept_until",
            "kept_until",
            sqlite_where=text("kept_until IS NOT NULL"),
            postgresql_where=text("kept_until IS NOT NULL"),
        ),
        # I32: what may go differently the next time is never remembered.
        CheckConstraint("status BETWEEN 200 AND 299 OR status IN (404, 422)", name="status"),
        CheckConstraint("(status IS NULL) = (body IS NULL)", name="answered"),
    )
