"""R2: entries and their uses are append-only, by the database itself, on both engines (F059)."""

from __future__ import annotations

import pytest
from sqlalchemy import text

from billing import audit, spending
from billing.db import transaction
from billing.ledger.history import list_entries
from billing.ledger.posting import REASONS
from billing.money import MICRO
from tests.billing.ledger.acts import ACTOR
from tests.factories import make_grant


@pytest.fixture
def spent(account: int) -> int:
    """An account with two entries, the newest of which says a lot."""
    make_grant(account, 100)
    order = spending.Order(amount=10 * MICRO, description="a portrait", reference="job-1", metadata={"prompt": "me"})
    spending.debit(account, order, actor=ACTOR)
    return account


def change(statement: str) -> int:
    with transaction() as connection:
        return connection.execute(text(statement)).rowcount


FACTS = (
    *("account_id", "seq", "kind", "reason", "amount", "balance_after", "at"),
    *("action", "scope", "source", "reverses", "hold", "actor", "hash"),
)


def test_update_of_any_fact_of_an_entry_is_refused(spent: int) -> None:
    """F059."""
    texts = {"kind": "REFUND", "reason": "topup", "hash": "x", "actor": "eve", "at": "2020-01-01T00:00:00Z"}
    for column in FACTS:
        value = texts.get(column) or ("eve" if column in ("action", "scope", "source") else None)
        with pytest.raises(Exception, match="entries is append-only"):
            change(f"UPDATE entries SET {column} = {repr(value) if value else 1000} WHERE seq = 2")
    assert list(audit.audit()) == []


def test_delete_and_rewriting_are_refused(spent: int) -> None:
    """F059."""
    for statement in (
        "DELETE FROM entries WHERE seq = 2",
        "DELETE FROM uses",
        "UPDATE uses SET amount = 1",
        "UPDATE entries SET description = 'something else'",
        "UPDATE entries SET reference = NULL, amount = 1 WHERE seq = 2",
    ):
        with pytest.raises(Exception, match="append-only"):
            change(statement)
    assert list(audit.audit()) == []


def test_blanking_free_text_is_allowed_and_breaks_no_chain(spent: int) -> None:
    assert change("UPDATE entries SET description = NULL, reference = NULL, details = NULL WHERE seq = 2") == 1
    newest = list_entries(spent).entries[0]
    assert (newest.description, newest.reference, newest.metadata) == (None, None, {})
    assert newest.amount == -10 * MICRO
    assert list(audit.audit()) == []


def test_kinds_and_reasons_are_those_of_the_contract() -> None:
    assert {
        "PURCHASE": {"pack", "topup"},
        "CREDIT": {
            *("signup", "cycle", "upgrade", "refill", "trial", "promo"),
            *("referral", "staff", "import", "debt_forgiven", "moved"),
        },
        "DEBIT": {"action", "amount", "expired", "staff"},
        "REFUND": {
            *("debit_refunded", "payment_refunded", "dispute_lost"),
            *("refund_failed", "dispute_reversed", "moved"),
        },
    } == REASONS
