"""Influencers that are kept at run time, beside those of the catalog's file."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import CheckConstraint, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from billing.db import Base, UtcDateTime


class KeptInfluencer(Base):
    """One that an app has added, or what it has changed of one in the file: NULL is as the file says.

    ``tiers`` is JSON, prices in minor units of the catalog's currency and credits in micro-credits.
    """

    __tablename__ = "influencers"

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    name: Mapped[str | None] = mapped_column(String(200))
    handle: Mapped[str | None] = mapped_column(String(64))
    platform: Mapped[str | None] = mapped_column(String(64))
    niche: Mapped[str | None] = mapped_column(String(200))
    description: Mapped[str | None] = mapped_column(Text)
    status: Mapped[str | None] = mapped_column(String(9))
    tiers: Mapped[str | None] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    changed_at: Mapped[datetime] = mapped_column(UtcDateTime)
    changed_by: Mapped[str] = mapped_column(String(80))

    __table_args__ = (CheckConstraint("status IN ('active', 'suspended', 'retired')", name="status"),)
