"""An index of the payments of debt among the uses, for the audit."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

_BOOKED = sa.text("booked_seq IS NOT NULL")


def upgrade() -> None:
    op.create_index(
        "ix_uses_booked", "uses", ["account_id", "booked_seq"], sqlite_where=_BOOKED, postgresql_where=_BOOKED
    )


def downgrade() -> None:
    op.drop_index("ix_uses_booked", "uses")
