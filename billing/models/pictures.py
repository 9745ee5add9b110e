"""Pictures of influencers, kept in the database so that every worker serves them and a backup holds them."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import CheckConstraint, Integer, LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column

from billing.db import Base, UtcDateTime


class Picture(Base):
    """One influencer's picture, as it was uploaded; whoever is gone from the catalog may still have one."""

    __tablename__ = "pictures"

    influencer: Mapped[str] = mapped_column(String(64), primary_key=True)
    content_type: Mapped[str] = mapped_column(String(20))
    width: Mapped[int] = mapped_column(Integer)
    height: Mapped[int] = mapped_column(Integer)
    content: Mapped[bytes] = mapped_column(LargeBinary)
    digest: Mapped[str] = mapped_column(String(64))  # SHA-256 of the content, in hex
    uploaded_by: Mapped[str] = mapped_column(String(80))
    uploaded_at: Mapped[datetime] = mapped_column(UtcDateTime)

    __table_args__ = (
        CheckConstraint("content_type IN ('image/png', 'image/jpeg', 'image/webp')", name="content_type"),
        CheckConstraint("width > 0 AND height > 0", name="pixels"),
    )
