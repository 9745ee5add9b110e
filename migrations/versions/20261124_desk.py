"""Approvals, second factors and limits of the refund desk; credit notes and warnings of fraud."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from billing.db import UtcDateTime

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

OLD_STATES = "status IN ('pending', 'requires_action', 'succeeded', 'failed', 'canceled')"
NEW_STATES = "status IN ('needs_approval', 'rejected', 'pending', 'requires_action', 'succeeded', 'failed', 'canceled')"
SECOND_PERSON = "decided_by <> actor OR status = 'rejected'"


def upgrade() -> None:
    op.add_column("staff", sa.Column("totp_salt", sa.String(length=64), nullable=True))
    op.add_column("staff", sa.Column("totp_step", sa.BigInteger(), nullable=True))
    with op.batch_alter_table("refunds") as refunds:
        refunds.add_column(sa.Column("decided_by", sa.String(length=80), nullable=True))
        refunds.add_column(sa.Column("decided_at", UtcDateTime(), nullable=True))
        refunds.drop_constraint(op.f("ck_refunds_status"), type_="check")
        refunds.create_check_constraint(op.f("ck_refunds_status"), NEW_STATES)
        refunds.create_check_constraint(op.f("ck_refunds_second_person"), SECOND_PERSON)
    op.create_table(
        "daily_totals",
        sa.Column("actor", sa.String(length=80), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("unit", sa.String(length=10), nullable=False),
        sa.Column("times", sa.Integer(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("times >= 0 AND amount >= 0", name=op.f("ck_daily_totals_amount")),
        sa.PrimaryKeyConstraint("actor", "day", "unit", name=op.f("pk_daily_totals")),
    )
    op.create_table(
        "credit_notes",
        *_of_payment("credit_notes"),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("status", sa.String(length=8), nullable=False),
        sa.Column("reason", sa.String(length=40), nullable=True),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("updated_at", UtcDateTime(), nullable=False),
        sa.CheckConstraint("status IN ('issued', 'void')", name=op.f("ck_credit_notes_status")),
        sa.CheckConstraint("amount_minor >= 0", name=op.f("ck_credit_notes_amount")),
    )
    op.create_table(
        "fraud_warnings",
        *_of_payment("fraud_warnings"),
        sa.Column("fraud_type", sa.String(length=60), nullable=False),
        sa.Column("actionable", sa.Boolean(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
    )
    for table in ("credit_notes", "fraud_warnings"):
        op.create_index(op.f(f"ix_{table}_account_id"), table, ["account_id"])
        op.create_index(op.f(f"ix_{table}_payment_id"), table, ["payment_id"])


def downgrade() -> None:
    for table in ("fraud_warnings", "credit_notes", "daily_totals"):
        op.drop_table(table)
    # A refund that waits for a second person, or was turned down, moved no money: the older words for that.
    op.execute("UPDATE refunds SET status = 'canceled' WHERE status IN ('needs_approval', 'rejected')")
    with op.batch_alter_table("refunds") as refunds:
        refunds.drop_constraint(op.f("ck_refunds_second_person"), type_="check")
        refunds.drop_constraint(op.f("ck_refunds_status"), type_="check")
        refunds.create_check_constraint(op.f("ck_refunds_status"), OLD_STATES)
        refunds.drop_column("decided_at")
        refunds.drop_column("decided_by")
    with op.batch_alter_table("staff") as staff:
        staff.drop_column("totp_step")
        staff.drop_column("totp_salt")


def _of_payment(table: str) -> list[sa.schema.SchemaItem]:
    """What every thing of Stripe's has that hangs on a payment."""
    account = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    return [
        sa.Column("stripe_id", sa.String(length=255), nullable=False),
        sa.Column("account_id", account, nullable=False),
        sa.Column("payment_id", sa.String(length=40), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"], ["customers.account_id"], name=op.f(f"fk_{table}_account_id_customers")
        ),
        sa.ForeignKeyConstraint(["payment_id"], ["payments.id"], name=op.f(f"fk_{table}_payment_id_payments")),
        sa.PrimaryKeyConstraint("stripe_id", name=op.f(f"pk_{table}")),
    ]
