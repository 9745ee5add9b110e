"""Entries and their uses are append-only: the database itself refuses UPDATE and DELETE (R2).

Blanking an entry's free text (description, reference, details) is allowed: erasure of personal data.
"""

from __future__ import annotations

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

FACTS = (
    *("account_id", "seq", "kind", "reason", "amount", "balance_after", "at"),
    *("action", "scope", "source", "reverses", "hold", "actor", "hash"),
)
FREE_TEXT = ("description", "reference", "details")

POSTGRESQL = f"""
CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
END $$;

CREATE FUNCTION allow_blanking() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF ROW({", ".join(f"NEW.{c}" for c in FACTS)}) IS DISTINCT FROM ROW({", ".join(f"OLD.{c}" for c in FACTS)})
     OR {" OR ".join(f"(NEW.{c} IS NOT NULL AND NEW.{c} IS DISTINCT FROM OLD.{c})" for c in FREE_TEXT)} THEN
    RAISE EXCEPTION 'entries is append-only' USING ERRCODE = 'restrict_violation';
  END IF;
  RETURN NEW;
END $$;

CREATE TRIGGER entries_no_update BEFORE UPDATE ON entries FOR EACH ROW EXECUTE FUNCTION allow_blanking();
CREATE TRIGGER entries_no_delete BEFORE DELETE ON entries FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER entries_no_truncate BEFORE TRUNCATE ON entries FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER uses_no_change BEFORE UPDATE OR DELETE ON uses FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER uses_no_truncate BEFORE TRUNCATE ON uses FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER audit_log_no_change BEFORE UPDATE OR DELETE ON audit_log FOR EACH ROW EXECUTE FUNCTION refuse_change();
"""

POSTGRESQL_DOWN = """
DROP TRIGGER entries_no_update ON entries;
DROP TRIGGER entries_no_delete ON entries;
DROP TRIGGER entries_no_truncate ON entries;
DROP TRIGGER uses_no_change ON uses;
DROP TRIGGER uses_no_truncate ON uses;
DROP TRIGGER audit_log_no_change ON audit_log;
DROP FUNCTION allow_blanking;
DROP FUNCTION refuse_change;
"""

SQLITE = {
    "entries_no_update": f"""
        BEFORE UPDATE ON entries
        WHEN {" OR ".join(f"NEW.{c} IS NOT OLD.{c}" for c in FACTS)}
          OR {" OR ".join(f"(NEW.{c} IS NOT NULL AND NEW.{c} IS NOT OLD.{c})" for c in FREE_TEXT)}
        BEGIN SELECT RAISE(ABORT, 'entries is append-only'); END""",
    "entries_no_delete": "BEFORE DELETE ON entries BEGIN SELECT RAISE(ABORT, 'entries is append-only'); END",
    "uses_no_update": "BEFORE UPDATE ON uses BEGIN SELECT RAISE(ABORT, 'uses is append-only'); END",
    "uses_no_delete": "BEFORE DELETE ON uses BEGIN SELECT RAISE(ABORT, 'uses is append-only'); END",
    "audit_log_no_update": "BEFORE UPDATE ON audit_log BEGIN SELECT RAISE(ABORT, 'audit_log is append-only'); END",
    "audit_log_no_delete": "BEFORE DELETE ON audit_log BEGIN SELECT RAISE(ABORT, 'audit_log is append-only'); END",
}


def upgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.execute(POSTGRESQL)
    else:
        for name, rule in SQLITE.items():
            op.execute(f"CREATE TRIGGER {name} {rule}")


def downgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.execute(POSTGRESQL_DOWN)
    else:
        for name in SQLITE:
            op.execute(f"DROP TRIGGER {name}")
