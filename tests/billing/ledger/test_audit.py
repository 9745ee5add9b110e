"""`ledger audit`: clean on clean books, and blind to nothing that it claims to see."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select, text

from billing import audit, clock, self_test, spending
from billing.db import connection, transaction, using
from billing.errors import NotFound
from billing.models import Account
from billing.money import MICRO
from billing.self_test.copying import copied
from billing.self_test.corruptions import CORRUPTIONS
from billing.self_test.history import tell_history
from billing.self_test.planting import Planting
from tests.billing.ledger.acts import hold
from tests.factories import buy_pack, make_customer, make_grant, tell_dispute, tell_refund


def test_audit_of_busy_books_is_clean(account: int) -> None:
    make_grant(account, 100, expires_at=clock.now() + timedelta(days=1))
    bought = buy_pack(account, 50)
    spent = spending.debit(account, spending.Order(amount=120 * MICRO), actor="app:test")
    spending.place_hold(account, spending.Order(amount=5 * MICRO), actor="app:test")
    tell_refund(bought, 500)
    spending.refund_debit(spent.entry.id, 10 * MICRO, actor="app:test")
    tell_dispute(buy_pack(account, 80), "needs_response")
    assert list(audit.audit()) == []
    assert list(audit.audit("ana")) == []


ON_POSTGRESQL_BY_FORCE = ["sqlite", pytest.param("postgresql", marks=pytest.mark.force)]
"""A copy is in SQLite, whatever the original."""


@pytest.mark.parametrize("engine", ON_POSTGRESQL_BY_FORCE, indirect=True)
def test_self_test_finds_every_planted_corruption_and_leaves_the_database_alone(account: int) -> None:
    buy_pack(account, 50)

    def rows() -> list[tuple[str, int]]:
        tables = ("customers", "entries", "grants", "uses", "payments", "refunds", "stripe_events", "prices")
        return [(table, connection().scalar(text(f"SELECT count(*) FROM {table}")) or 0) for table in tables]

    before = rows()
    report = self_test.run()
    assert report.missed == []
    assert len(report.found) == len(CORRUPTIONS)
    assert rows() == before


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)  # a copy is in SQLite, whatever the original
def test_audit_since_the_last_writing_finds_every_corruption_of_it(account: int) -> None:
    with copied() as engine:
        with using(engine):
            history = tell_history()
        with engine.connect() as reader:
            for corruption in CORRUPTIONS:
                with reader.begin() as planted:
                    since = reader.scalar(select(Account.last_at).where(Account.account_id == history.account_id))
                    corruption.plant(Planting(reader, history))
                    rows_only = corruption.invariant != "I37"
                    found = list(audit.audit_connection(reader, since=since, rows_only=rows_only))
                    planted.rollback()
                assert corruption.invariant in {each.invariant for each in found}, corruption.name


def test_audit_names_place_and_customer_in_one_line(account: int) -> None:
    seq = make_grant(account, 100)
    make_customer("ben")
    with transaction() as write:
        write.execute(text("UPDATE grants SET remaining = remaining - 1 WHERE account_id = :id"), {"id": account})
    lines = [violation.line for violation in audit.audit()]
    expected = f"I36 user=ana grant={seq} expected=remaining 100000000, held 0 found=remaining 99999999, held 0"
    assert lines == [f"{expected} since_seq={seq}"]
    assert list(audit.audit("ben")) == []


def test_audit_of_an_unknown_customer_is_refused(account: int) -> None:
    with pytest.raises(NotFound):
        list(audit.audit("nobody"))


def test_audit_reads_one_snapshot(account: int) -> None:
    """What is written while it runs is not half seen: it speaks of the books as they were when it began."""
    seq = make_grant(account, 100)
    ben = make_customer("ben")
    with transaction() as write:
        write.execute(text("UPDATE accounts SET held = 1"))
    running = audit.audit()
    first = next(running)
    with transaction() as write:
        write.execute(text("UPDATE accounts SET held = 0"))
    assert [first.customer, *(violation.customer for violation in running)] == ["ana", "ben"]
    assert list(audit.audit()) == []
    assert (seq, ben) == (1, account + 1)


def test_audit_does_not_guess_what_came_first_at_one_moment(account: int) -> None:
    """Two holds and the voiding of the first, all at the same microsecond: no row says in which order."""
    make_grant(account, 10)
    first = hold(account, 8)
    make_grant(account, 50)
    hold(account, 4)
    spending.void_hold(first)
    assert list(audit.audit()) == []
