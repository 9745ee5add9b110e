"""Erasing a person: nothing says any more who it was, and the books are as right as before."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from sqlalchemy import Text, inspect, text

from billing import (
    accounts,
    adjustments,
    audit,
    checkout,
    customers,
    erasure,
    payments,
    portal_sessions,
    refunds,
    spending,
)
from billing.db import Base, connection, db
from billing.errors import NotFound
from billing.models import Entry, StripeEvent
from billing.money import MICRO
from billing.spending import Order
from tests.conftest import Clock
from tests.stripe_world import Shop, environ, sandbox, shop, stored
from worker.loop import Worker
from worker.tasks import TASKS

__all__ = ["environ", "sandbox", "shop"]

WORDS = ("zoe@example.com", "Zoë Zebra", "Zebra", "her dog is called Rex", "thread-of-zoe", "order-of-zoe")


def everything() -> str:
    """All rows of all tables as text."""
    db.session.rollback()
    rows = [
        str(row)
        for table in inspect(db.engine).get_table_names()
        for row in connection().execute(text(f'SELECT * FROM "{table}"'))
    ]
    return "\n".join(rows)


def violations() -> list[object]:
    db.session.rollback()
    return list(audit.audit())


@pytest.fixture
def zoe(shop: Shop) -> int:
    """Somebody with a pack, a subscription, grants and debits by hand, and words about them in every table."""
    account_id = customers.ensure_customer("zoe", "zoe@example.com", "Zoë Zebra", "es")[0].account_id
    shop.sandbox.pay(checkout.start_pack_checkout(account_id, "small").id)
    shop.sandbox.pay(checkout.start_plan_checkout(account_id, "basic", "month").id)
    adjustments.grant_credits(account_id, 5 * MICRO, "For Zoë Zebra: her dog is called Rex", "operator")
    order = Order(
        amount=3 * MICRO,
        reference="order-of-zoe",
        description="her dog is called Rex",
        metadata={"to": "zoe@example.com"},
        thread="thread-of-zoe",
    )
    spending.debit(account_id, order, actor="app:test")
    spending.place_hold(account_id, order, actor="app:test")
    (pack,) = [each for each in payments.list_payments(account_id) if each.kind == "pack"]
    refunds.request_refund(
        pack.id, amount_minor=100, credits="proportional", reason="other", note="Zebra asked", actor="staff:sam"
    )
    portal_sessions.create_portal_session(account_id)
    shop.sandbox.flush()
    return account_id


def test_erasing_leaves_no_word_about_them_and_right_books(shop: Shop, zoe: int) -> None:
    before, facts = everything(), shop.entries(zoe)
    assert all(word in before for word in WORDS)
    balance = accounts.read_balance(zoe).balance
    assert erasure.erase_customer(zoe, "operator") is True
    after = everything()
    assert [word for word in WORDS if word in after] == []
    assert accounts.read_balance(zoe).balance == balance
    assert shop.entries(zoe)[: len(facts)] == facts
    assert violations() == []


def test_erasing_deletes_the_customer_at_stripe_and_ends_subscriptions(shop: Shop, zoe: int) -> None:
    erasure.erase_customer(zoe, "operator")
    shop.sandbox.flush()
    assert {view.status for view in shop.subscriptions(zoe).values()} == {"canceled"}
    assert len(shop.sandbox.calls("DELETE", "/v1/customers")) == 1
    late = [event for event in shop.events("customer.deleted", "customer.subscription.deleted")]
    assert len(late) == 2
    erasure.erase_late_events()
    assert [word for word in WORDS if word in everything()] == []
    assert violations() == []


def test_money_that_goes_back_later_still_takes_its_credits(shop: Shop, zoe: int) -> None:
    erasure.erase_customer(zoe, "operator")
    (pack,) = [each for each in payments.list_payments(zoe) if each.kind == "pack"]
    refunds.request_refund(
        pack.id, amount_minor=None, credits="proportional", reason="duplicate", note=None, actor="staff:sam"
    )
    assert sum(shop.entries(zoe, "payment_refunded")) == -100
    assert violations() == []


def test_stripe_that_is_away_is_asked_again_by_the_worker(shop: Shop, zoe: int) -> None:
    shop.sandbox.fault("401", path="/v1/customers")
    assert erasure.erase_customer(zoe, "operator") is False
    assert customers.get(zoe).email is None, "here it is done at once"
    assert erasure.unfinished_erasures() == [zoe]
    shop.sandbox.control("faults", method="DELETE")
    Worker(shop.app, [task for task in TASKS if task.name == "finish erasures"]).run_once()
    db.session.rollback()
    assert erasure.unfinished_erasures() == []


def test_erasing_again_is_as_good_as_once(shop: Shop, zoe: int) -> None:
    erasure.erase_customer(zoe, "operator")
    adjustments.grant_credits(zoe, MICRO, "For Zoë Zebra", "operator")
    assert erasure.erase_customer(zoe, "operator") is True
    assert "Zebra" not in everything()
    with pytest.raises(NotFound):
        erasure.erase_customer(4711, "operator")


def test_events_can_still_be_replayed(shop: Shop, zoe: int) -> None:
    facts = shop.entries(zoe)
    erasure.erase_customer(zoe, "operator")
    for event in shop.events("checkout.session.completed", "invoice.paid", "customer.subscription.updated"):
        assert json.loads(stored(event["id"]).payload)["id"] == event["id"]
        result = shop.app.test_cli_runner().invoke(args=["stripe", "replay", event["id"]])
        assert result.exit_code == 0, result.output
    assert shop.entries(zoe)[: len(facts)] == facts


def test_an_address_that_is_the_customers_id_goes_too(shop: Shop) -> None:
    account_id = customers.ensure_customer("zoe@example.com", None, "Zoë Zebra")[0].account_id
    shop.sandbox.pay(checkout.start_pack_checkout(account_id, "small").id)
    shop.sandbox.flush()
    erasure.erase_customer(account_id, "operator")
    shop.sandbox.flush()
    erasure.erase_late_events()
    assert "zoe@example.com" not in everything()
    with pytest.raises(NotFound):
        customers.find_customer("zoe@example.com")
    assert customers.get(account_id).public_id.startswith("erased_")


def test_nobody_is_refilled_after_it(shop: Shop, zoe: int, clock: Clock) -> None:
    erasure.erase_customer(zoe, "operator")
    clock.advance(timedelta(days=70))
    accounts.ensure_up_to_date(zoe)
    assert shop.entries(zoe, "refill") == []


def test_every_column_for_words_is_erased_or_known_to_hold_none() -> None:
    """A new table with words about customers has to be thought of here."""
    harmless = {"refunds.waived", "usage.quotas", "quotes.terms", "stripe_events.payload"}
    told = {f"{table.__tablename__}.{column}" for table, columns in erasure.FREE_TEXT.items() for column in columns}
    words = {
        f"{table.name}.{column.name}"
        for table in Base.metadata.tables.values()
        if "account_id" in table.columns
        for column in table.columns
        if isinstance(column.type, Text)
    }
    assert words - told - harmless == set()


def test_facts_of_entries_are_what_the_database_keeps(shop: Shop, zoe: int) -> None:
    hashes = [row.hash for row in connection().execute(db.select(Entry.hash).where(Entry.account_id == zoe))]
    erasure.erase_customer(zoe, "operator")
    db.session.rollback()
    kept = [row.hash for row in connection().execute(db.select(Entry.hash).where(Entry.account_id == zoe))]
    assert kept[: len(hashes)] == hashes
    assert connection().scalar(db.select(db.func.count()).select_from(StripeEvent)) > 0
