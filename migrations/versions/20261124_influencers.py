"""Influencers that are kept at run time beside the catalog's."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from billing.db import UtcDateTime

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "influencers",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=True),
        sa.Column("handle", sa.String(length=64), nullable=True),
        sa.Column("platform", sa.String(length=64), nullable=True),
        sa.Column("niche", sa.String(length=200), nullable=True),
        sa.Column("description", sa.Text(), nullable=True),
        sa.Column("status", sa.String(length=9), nullable=True),
        sa.Column("tiers", sa.Text(), nullable=True),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("changed_at", UtcDateTime(), nullable=False),
        sa.Column("changed_by", sa.String(length=80), nullable=False),
        sa.CheckConstraint("status IN ('active', 'suspended', 'retired')", name=op.f("ck_influencers_status")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_influencers")),
    )


def downgrade() -> None:
    op.drop_table("influencers")
