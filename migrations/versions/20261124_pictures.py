"""Pictures of influencers, uploaded by staff."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from billing.db import UtcDateTime

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """One row for each influencer that has a picture."""
    op.create_table(
        "pictures",
        sa.Column("influencer", sa.String(64), nullable=False),
        sa.Column("content_type", sa.String(20), nullable=False),
        sa.Column("width", sa.Integer(), nullable=False),
        sa.Column("height", sa.Integer(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("uploaded_by", sa.String(80), nullable=False),
        sa.Column("uploaded_at", UtcDateTime(), nullable=False),
        sa.CheckConstraint(
            "content_type IN ('image/png', 'image/jpeg', 'image/webp')", name=op.f("ck_pictures_content_type")
        ),
        sa.CheckConstraint("width > 0 AND height > 0", name=op.f("ck_pictures_pixels")),
        sa.PrimaryKeyConstraint("influencer", name=op.f("pk_pictures")),
    )


def downgrade() -> None:
    """The pictures go with their table."""
    op.drop_table("pictures")
