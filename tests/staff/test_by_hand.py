"""Credits taken by hand, and debts forgiven: by managers only, with a reason, within limits, once, written down."""

from __future__ import annotations

import threading

import pytest
from flask import Flask

from billing import accounts, adjustments, audit, checkout, limits, payments, refunds
from billing.db import db, transaction
from billing.errors import Conflict, Invalid, NotPermitted
from billing.ledger import history
from billing.ledger.grants import burn_down
from billing.money import MICRO
from tests.staff.conftest import Desk, audit_rows, hire, text_of
from tests.stripe_world import Shop

ASKED = {"amount": "100", "description": "Credited twice by mistake", "form_token": "t" * 32}
TAKE = "/staff/customers/ada/take"
FORGIVE = "/staff/customers/ada/forgive"


@pytest.fixture
def manager(app: Flask) -> Desk:
    return hire(app, "kim@example.com", "manager")


@pytest.fixture
def ada(shop: Shop) -> int:
    account_id = shop.customer()
    adjustments.grant_credits(account_id, 300 * MICRO, "To begin with", "operator")
    return account_id


@pytest.fixture
def indebted(shop: Shop) -> int:
    """A customer whose pack of 100 credits went back after 80 were spent: 80 of debt."""
    account_id = shop.customer()
    shop.sandbox.pay(checkout.start_pack_checkout(account_id, "small").id)
    db.session.rollback()
    (payment,) = payments.list_payments(account_id)
    with transaction(), accounts.open_account(account_id) as book:
        burn_down(book, 80 * MICRO, "amount", scope=None, note=None, source=None)
    refunds.request_refund(
        payment.id, amount_minor=None, credits="proportional", reason="duplicate", note=None, actor="app:shop"
    )
    assert shop.balance(account_id) == -80
    return account_id


def test_takes_with_actor_and_reason(manager: Desk, shop: Shop, ada: int) -> None:
    assert "Up to 300 credits" in text_of(manager.see(TAKE))
    for _ in range(2):
        assert manager.send(TAKE, **ASKED).status_code == 303
    entry = history.list_entries(ada).entries[0]
    assert (entry.kind, entry.reason, entry.amount) == ("DEBIT", "staff", -100 * MICRO)
    assert (entry.actor, entry.description) == (manager.staff.actor, "Credited twice by mistake")
    assert audit_rows() == [(manager.staff.actor, "take", True)]
    assert list(audit.audit()) == []


def test_takes_no_more_than_can_be_spent(manager: Desk, shop: Shop, ada: int) -> None:
    answer = manager.send(TAKE, **{**ASKED, "amount": "300.5"})
    assert answer.status_code == 409
    assert "Only 300 credits can be taken" in text_of(answer)
    assert shop.balance(ada) == 300
    assert audit_rows() == [(manager.staff.actor, "take", False)]


def test_needs_a_manager(desk: Desk, shop: Shop, ada: int) -> None:
    for path in (TAKE, FORGIVE):
        assert desk.see(path).status_code == 403
        assert desk.send(path, **ASKED).status_code == 403
    assert shop.entries(ada) == [300]
    assert {row[2] for row in audit_rows()} == {False}
    assert "Take credits" not in text_of(desk.see("/staff/customers/ada"))


def test_needs_a_reason_and_an_amount(manager: Desk, shop: Shop, ada: int) -> None:
    for wrong in ({"description": " "}, {"amount": "0"}, {"amount": "-5"}, {"amount": "x"}, {"form_token": ""}):
        assert manager.send(TAKE, **{**ASKED, **wrong}).status_code == 422
    assert manager.send(TAKE, **{**ASKED, "amount": "10,000.1"}).status_code == 403
    assert shop.entries(ada) == [300]


def test_forgives_a_debt(manager: Desk, shop: Shop, indebted: int) -> None:
    page = manager.see(FORGIVE)
    assert 'value="80"' in page.text
    assert "Forgive the debt" in text_of(manager.see("/staff/customers/ada"))
    assert manager.send(FORGIVE, **{**ASKED, "amount": "80.5"}).status_code == 422
    for _ in range(2):
        assert manager.send(FORGIVE, **{**ASKED, "amount": "80"}).status_code == 303
    balance = accounts.read_balance(indebted)
    assert (balance.debt, balance.balance, balance.available) == (0, 0, 0)
    entry = history.list_entries(indebted).entries[0]
    assert (entry.kind, entry.reason, entry.actor) == ("CREDIT", "debt_forgiven", manager.staff.actor)
    assert (manager.staff.actor, "forgive", True) in audit_rows()
    assert manager.send(FORGIVE, **{**ASKED, "amount": "1", "form_token": "u" * 32}).status_code == 409
    assert list(audit.audit()) == []


def test_forgiveness_falls_with_the_refund_that_made_the_debt(manager: Desk, shop: Shop, indebted: int) -> None:
    manager.send(FORGIVE, **{**ASKED, "amount": "80"})
    (refund,) = payments.list_payments(indebted)[0].refunds
    shop.sandbox.control(f"refunds/{refund.stripe_id}/fail", {})
    assert shop.balance(indebted) == 20
    assert accounts.read_balance(indebted).debt == 0
    assert list(audit.audit()) == []


def test_adds_up_a_day_also_when_many_move_at_once(app: Flask, shop: Shop, ada: int) -> None:
    """Ten grants of 20 at once, by one person who may give 100 in a day: five."""
    refused: list[int] = []

    def give(number: int) -> None:
        with app.app_context():
            try:
                adjustments.grant_credits(ada, 20 * MICRO, "Sorry", "staff:sam", day_limit=100 * MICRO)
            except NotPermitted:
                refused.append(number)

    threads = [threading.Thread(target=give, args=(number,)) for number in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(refused) == 5
    assert shop.entries(ada) == [300] + [20] * 5
    db.session.rollback()
    assert limits.counted("staff:sam", "granted") == (5, 100 * MICRO)


def test_ends_the_day_of_a_role_at_ten_times_its_limit(desk: Desk, shop: Shop, ada: int) -> None:
    for number in range(11):
        token = f"{number:032}"
        answer = desk.send("/staff/customers/ada/grant", amount="1000", description="Sorry", form_token=token)
        assert answer.status_code == (303 if number < 10 else 403)
    assert "up to 10,000 credits in one day" in text_of(answer)
    assert audit_rows()[-1] == (desk.staff.actor, "grant", False)


def test_debt_that_is_not_there_is_not_forgiven(shop: Shop, ada: int) -> None:
    with pytest.raises(Conflict):
        adjustments.forgive_debt(ada, "Kindness", "operator")
    with pytest.raises(Invalid):
        adjustments.forgive_debt(ada, " ", "operator")
