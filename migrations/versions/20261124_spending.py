"""The spending engine's tables: usage, counts against quotas, quotes; and what an account has spent this month."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from billing import clock
from billing.db import UtcDateTime

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

ACCOUNT_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    with op.batch_alter_table("accounts") as batch_op:
        batch_op.add_column(sa.Column("month_at", UtcDateTime(), nullable=True))
        batch_op.add_column(sa.Column("month_spent", sa.BigInteger(), server_default="0", nullable=False))
        batch_op.add_column(sa.Column("monthly_limit", sa.BigInteger(), nullable=True))
        batch_op.add_column(sa.Column("last_usage", sa.BigInteger(), server_default="0", nullable=False))
    _sum_up_this_month()
    op.create_table(
        "usage",
        sa.Column("account_id", ACCOUNT_ID, nullable=False),
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("state", sa.String(length=8), nullable=False),
        sa.Column("source", sa.String(length=300), nullable=True),
        sa.Column("recorded_at", UtcDateTime(), nullable=False),
        sa.Column("occurred_at", UtcDateTime(), nullable=False),
        sa.Column("expires_at", UtcDateTime(), nullable=True),
        sa.Column("action", sa.String(length=64), nullable=True),
        sa.Column("quantity", sa.BigInteger(), nullable=False),
        sa.Column("units", sa.BigInteger(), nullable=True),
        sa.Column("model", sa.String(length=128), nullable=True),
        sa.Column("input_tokens", sa.BigInteger(), nullable=True),
        sa.Column("output_tokens", sa.BigInteger(), nullable=True),
        sa.Column("influencer", sa.String(length=64), nullable=True),
        sa.Column("agent", sa.String(length=255), nullable=True),
        sa.Column("thread", sa.String(length=255), nullable=True),
        sa.Column("execution", sa.String(length=255), nullable=True),
        sa.Column("reference", sa.String(length=255), nullable=True),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("charged", sa.BigInteger(), nullable=False),
        sa.Column("given_back", sa.BigInteger(), nullable=False),
        sa.Column("cost_nano_usd", sa.BigInteger(), nullable=True),
        sa.Column("price_version", sa.String(length=12), nullable=True),
        sa.Column("quote_id", sa.String(length=40), nullable=True),
        sa.Column("unlimited", sa.Boolean(), nullable=False),
        sa.Column("would_refuse", sa.String(length=12), nullable=True),
        sa.Column("quotas", sa.Text(), nullable=True),
        sa.Column("counts", sa.Boolean(), nullable=False),
        sa.Column("failure", sa.String(length=16), nullable=True),
        sa.Column("hold", sa.BigInteger(), nullable=True),
        sa.Column("entry_seq", sa.BigInteger(), nullable=True),
        sa.Column("actor", sa.String(length=80), nullable=True),
        sa.Column("description", sa.Text(), nullable=True),
        sa.Column("details", sa.Text(), nullable=True),
        sa.CheckConstraint("state IN ('held', 'done', 'failed', 'voided', 'expired')", name=op.f("ck_usage_state")),
        sa.CheckConstraint("amount >= 0 AND charged BETWEEN 0 AND amount", name=op.f("ck_usage_charged")),
        sa.CheckConstraint("given_back BETWEEN 0 AND charged", name=op.f("ck_usage_given_back")),
        sa.CheckConstraint("quantity > 0", name=op.f("ck_usage_quantity")),
        sa.CheckConstraint("would_refuse IN ('subscription', 'quota', 'credits')", name=op.f("ck_usage_would_refuse")),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.account_id"], name=op.f("fk_usage_account_id_accounts")),
        sa.PrimaryKeyConstraint("account_id", "number", name=op.f("pk_usage")),
    )
    with op.batch_alter_table("usage") as batch_op:
        batch_op.create_index("ix_usage_occurred", ["account_id", "occurred_at"], unique=False)
        _create_index(batch_op, "uq_usage_source", ["source"], "source IS NOT NULL", unique=True)
        _create_index(batch_op, "ix_usage_entry", ["account_id", "entry_seq"], "entry_seq IS NOT NULL")
        _create_index(batch_op, "ix_usage_reference", ["account_id", "reference"], "reference IS NOT NULL")
        _create_index(batch_op, "ix_usage_held", ["account_id"], "state = 'held'")
    op.create_table(
        "quota_uses",
        sa.Column("account_id", ACCOUNT_ID, nullable=False),
        sa.Column("resource", sa.String(length=64), nullable=False),
        sa.Column("period", sa.String(length=8), nullable=False),
        sa.Column("used", sa.BigInteger(), nullable=False),
        sa.Column("counted_after", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("used >= 0", name=op.f("ck_quota_uses_used")),
        sa.ForeignKeyConstraint(
            ["account_id"], ["accounts.account_id"], name=op.f("fk_quota_uses_account_id_accounts")
        ),
        sa.PrimaryKeyConstraint("account_id", "resource", "period", name=op.f("pk_quota_uses")),
    )
    op.create_table(
        "quota_resets",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("account_id", ACCOUNT_ID, nullable=False),
        sa.Column("resource", sa.String(length=64), nullable=False),
        sa.Column("period", sa.String(length=8), nullable=False),
        sa.Column("used_before", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("actor", sa.String(length=80), nullable=False),
        sa.Column("source", sa.String(length=300), nullable=True),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"], ["accounts.account_id"], name=op.f("fk_quota_resets_account_id_accounts")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_quota_resets")),
        sa.UniqueConstraint("source", "resource", name=op.f("uq_quota_resets_source_resource")),
    )
    with op.batch_alter_table("quota_resets") as batch_op:
        batch_op.create_index(batch_op.f("ix_quota_resets_account_id"), ["account_id"], unique=False)
    op.create_table(
        "quotes",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("account_id", ACCOUNT_ID, nullable=False),
        sa.Column("terms", sa.Text(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("cost_nano_usd", sa.BigInteger(), nullable=True),
        sa.Column("price_version", sa.String(length=12), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("expires_at", UtcDateTime(), nullable=False),
        sa.CheckConstraint("amount >= 0", name=op.f("ck_quotes_amount")),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.account_id"], name=op.f("fk_quotes_account_id_accounts")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_quotes")),
    )
    with op.batch_alter_table("quotes") as batch_op:
        batch_op.create_index(batch_op.f("ix_quotes_expires_at"), ["expires_at"], unique=False)


def downgrade() -> None:
    for table in ("quotes", "quota_resets", "quota_uses", "usage"):
        op.drop_table(table)
    with op.batch_alter_table("accounts") as batch_op:
        for column in ("last_usage", "monthly_limit", "month_spent", "month_at"):
            batch_op.drop_column(column)


def _create_index(batch_op, name: str, columns: list[str], condition: str, *, unique: bool = False) -> None:  # type: ignore[no-untyped-def]
    batch_op.create_index(
        name, columns, unique=unique, sqlite_where=sa.text(condition), postgresql_where=sa.text(condition)
    )


def _sum_up_this_month() -> None:
    """What each account has spent so far in the running month, less what of that was given back."""
    entries = sa.table(
        "entries",
        *(sa.column(name) for name in ("account_id", "seq", "kind", "reason", "amount", "reverses")),
        sa.column("at", UtcDateTime()),
    )
    debits = entries.alias("debits")
    month_at = clock.month_start(clock.now())
    accounts = sa.table(
        "accounts", *(sa.column(name) for name in ("account_id", "month_spent")), sa.column("month_at", UtcDateTime())
    )
    is_spending = (debits.c.kind == "DEBIT", debits.c.reason.in_(("action", "amount")), debits.c.at >= month_at)
    spent = (
        sa.select(sa.func.coalesce(sa.func.sum(-debits.c.amount), 0))
        .where(debits.c.account_id == accounts.c.account_id, *is_spending)
        .scalar_subquery()
    )
    given_back = (
        sa.select(sa.func.coalesce(sa.func.sum(entries.c.amount), 0))
        .select_from(
            entries.join(debits, (debits.c.account_id == entries.c.account_id) & (debits.c.seq == entries.c.reverses))
        )
        .where(entries.c.account_id == accounts.c.account_id, entries.c.reason == "debit_refunded", *is_spending)
        .scalar_subquery()
    )
    op.execute(sa.update(accounts).values(month_at=month_at, month_spent=spent - given_back))
