"""Packs: what a paid Checkout Session is worth, once, by our own record of it."""

from __future__ import annotations

import pytest

from billing import purchases, stripe_customers
from billing.db import db, transaction
from billing.models import Checkout
from billing.money import MICRO
from billing.stripe_facts import read_checkout_session
from tests.billing.conftest import Calendar
from tests.billing.shop import Shop


def balance(shop: Shop) -> int:
    """The balance in whole credits."""
    return shop.balance().balance // MICRO


def test_pack_is_granted_once_however_often_it_is_told__F018(shop: Shop) -> None:
    session = shop.buy(shop.price("small", 100, 1000, None))
    assert [shop.tell(session) for _ in range(20)] == ["granted"] + ["duplicate"] * 19
    assert shop.told() == [("PURCHASE", "pack", 100)]


def test_quantity_bonus_and_expiry_are_those_of_the_checkout(shop: Shop) -> None:
    price = shop.price("large", 1000, 3900, None, bonus=150, expires_after_days=365, priority=60)
    shop.tell(shop.buy(price, quantity=2))
    (grant,) = shop.balance().grants
    assert (grant.granted, grant.priority, f"{grant.expires_at:%Y-%m-%d}") == (2300 * MICRO, 60, "2027-01-01")


def test_price_changed_after_the_checkout_changes_nothing(shop: Shop) -> None:
    session = shop.buy(shop.price("small", 100, 1000, None))
    shop.price("small", 50, 1000, None)
    shop.tell(session)
    assert balance(shop) == 100


def test_metadata_does_not_decide_what_it_is_worth(shop: Shop) -> None:
    session = shop.buy(shop.price("small", 100, 1000, None))
    shop.stripe.objects[session]["metadata"] = {"saldo_pack": "large", "saldo_customer": "somebody"}
    shop.tell(session)
    assert [entry.label for entry in shop.entries()] == ["small"]
    assert balance(shop) == 100


def test_discount_of_all_grants_and_leaves_nothing_to_refund(shop: Shop) -> None:
    session = shop.buy(shop.price("small", 100, 1000, None), total=0)
    assert shop.tell(session) == "granted"
    assert (balance(shop), shop.payment(session).amount_minor) == (100, 0)


def test_delayed_payment_grants_when_it_has_come__F105(shop: Shop) -> None:
    session = shop.buy(shop.price("small", 100, 1000, None), paid=False)
    assert shop.tell(session) == "pending"
    assert shop.told() == []
    shop.stripe.objects[session]["payment_status"] = "paid"
    assert [shop.tell(session), shop.tell(session)] == ["granted", "duplicate"]
    assert balance(shop) == 100


@pytest.mark.parametrize("late", [False, True])
def test_delayed_payment_that_fails_grants_nothing__F105(shop: Shop, late: bool) -> None:
    session = shop.buy(shop.price("small", 100, 1000, None), paid=False)
    if not late:
        shop.tell(session)
    facts = read_checkout_session(shop.stripe.objects[session])
    assert purchases.close_checkout(facts, "failed") == "failed"
    assert purchases.fulfil_checkout(facts) == "duplicate"
    assert shop.told() == []
    record = db.session.query(Checkout).one()
    assert record.status == "failed"


def test_session_that_was_paid_is_not_closed_by_a_late_expiry(shop: Shop) -> None:
    session = shop.buy(shop.price("small", 100, 1000, None))
    shop.tell(session)
    facts = read_checkout_session(shop.stripe.objects[session])
    assert purchases.close_checkout(facts, "expired") == "duplicate"
    assert db.session.query(Checkout).one().status == "complete"


@pytest.mark.parametrize("status", ["open", "expired"])
def test_session_that_is_not_complete_is_worth_nothing(shop: Shop, status: str) -> None:
    session = shop.buy(shop.price("small", 100, 1000, None))
    shop.stripe.objects[session]["status"] = status
    assert shop.tell(session) == "foreign"
    assert shop.told() == []


def test_session_we_did_not_make_is_none_of_ours__F015(shop: Shop) -> None:
    session = shop.buy(shop.price("small", 100, 1000, None))
    for foreign in ({"customer": "cus_of_another_shop"}, {"customer": None}, {"id": "cs_of_a_payment_link"}):
        facts = read_checkout_session(shop.stripe.objects[session] | foreign)
        assert purchases.fulfil_checkout(facts) == "foreign"
        assert purchases.close_checkout(facts, "expired") == "foreign"
    assert shop.told() == []


def test_session_whose_making_was_never_answered_is_known_by_our_record(shop: Shop) -> None:
    session = shop.buy(shop.price("small", 100, 1000, None))
    record = db.session.query(Checkout).one()
    named = {"saldo_checkout": record.id}
    db.session.rollback()
    shop.stripe.objects[session]["metadata"] = named
    _forget_session(record.id)
    assert [shop.tell(session), shop.tell(session)] == ["granted", "duplicate"]
    assert balance(shop) == 100


def test_record_of_another_customer_is_not_adopted(shop: Shop) -> None:
    session = shop.buy(shop.price("small", 100, 1000, None))
    record = db.session.query(Checkout).one().id
    db.session.rollback()
    _forget_session(record)
    other = Shop(shop.stripe, "eve")
    facts = shop.stripe.objects[session] | {"customer": other.customer, "metadata": {"saldo_checkout": record}}
    assert purchases.fulfil_checkout(read_checkout_session(facts)) == "foreign"
    assert other.told() == []
    assert db.session.query(Checkout).one().session_id is None


def _forget_session(checkout_id: str) -> None:
    """As if the answer to making it had been lost."""
    with transaction():
        db.session.get_one(Checkout, checkout_id).session_id = None


def test_customer_deleted_at_stripe_still_gets_what_was_paid__F112(shop: Shop) -> None:
    session = shop.buy(shop.price("small", 100, 1000, None))
    assert stripe_customers.mark_deleted(shop.customer)
    assert shop.tell(session) == "granted"
    assert balance(shop) == 100


def test_pack_survives_cancelling_and_a_late_payment(shop: Shop, calendar: Calendar) -> None:
    shop.tell(shop.buy(shop.price("small", 100, 1000, None)))
    invoice = shop.subscribe(shop.price("basic", 500, 1500))
    shop.tell(invoice)
    shop.decide(shop.subscription_of(invoice), "past_due")
    calendar.to("2026-02-09")
    assert balance(shop) == 100
    shop.tell(shop.end(shop.subscription_of(invoice)))
    assert balance(shop) == 100
