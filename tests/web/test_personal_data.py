"""`/settings/export` and `/settings/delete`."""

from __future__ import annotations

import json
from decimal import Decimal

import pytest
from flask import Flask

from billing import accounts, customers, spending
from billing.db import db
from billing.money import MICRO
from billing.spending import Order
from tests.mailbox import deliver, last_link, received
from tests.web.conftest import PASSWORD, Visitor, text_of


def delete(visitor: Visitor, password: str = PASSWORD, **more: str):  # type: ignore[no-untyped-def]
    return visitor.send("/settings/delete", password=password, **{"meant": "y", **more})


def test_export_is_all_that_is_known_and_exact(ana: Visitor, another: Visitor) -> None:
    order = Order(amount=MICRO // 1000, thread="thread-1", description="=1+1", metadata={"tags": ["a"]})
    spending.debit(ana.account_id, order, actor="app:test")
    customers.register("eva@example.com", PASSWORD, "Eva")
    answer = ana.see("/settings/export")
    assert answer.headers["Content-Disposition"].startswith('attachment; filename="saldo-data-')
    data = json.loads(answer.text, parse_float=Decimal)
    assert data["customer"]["email"] == "ana@example.com"
    assert data["balance"]["balance"] == Decimal("59.999")
    assert [entry["amount"] for entry in data["entries"]] == [Decimal("-0.001"), 60]
    assert data["entries"][0]["metadata"] == {"tags": ["a"]}
    assert [row["thread"] for row in data["usage"]] == ["thread-1"]
    assert data["subscriptions"] == data["payments"] == []
    assert "eva@example.com" not in answer.text
    assert "Eva" not in json.dumps(data["customer"])
    assert another.see("/settings/export").location == "/login?next=/settings/export"


def test_export_has_every_entry_of_long_books(ana: Visitor) -> None:
    for _ in range(120):
        spending.debit(ana.account_id, Order(amount=MICRO // 10), actor="app:test")
    data = json.loads(ana.see("/settings/export").text)
    assert len(data["entries"]) == 121
    assert sum(entry["amount"] for entry in data["entries"]) == pytest.approx(data["balance"]["balance"]) == 48


def test_delete_erases_signs_out_everywhere_and_frees_the_address(app: Flask, ana: Visitor, another: Visitor) -> None:
    another.sign_in("ana@example.com")
    public_id = customers.get(ana.account_id).public_id
    page = ana.see("/settings/delete")
    assert "cannot be undone" in text_of(page)
    answer = delete(ana)
    assert (answer.status_code, answer.location) == (303, "/plans")
    assert "Your account is deleted." in text_of(ana.see("/plans"))
    assert ana.see("/balance").status_code == another.see("/balance").status_code == 303
    assert another.sign_in("ana@example.com").status_code == 401
    gone = customers.find_customer(public_id)
    assert (gone.email, gone.name, gone.login_email, gone.password_hash) == (None, None, None, None)
    assert accounts.read_balance(gone.account_id).balance == 60 * MICRO, "the books stay"
    deliver(app)
    assert received(app) == [], "a mail that was waiting is not sent any more"
    fresh = another.send("/register", email="ana@example.com", password=PASSWORD, locale="en")
    assert fresh.status_code == 303


def test_delete_wants_the_password_and_the_box(ana: Visitor) -> None:
    assert "not your current password" in text_of(delete(ana, "wrong guess"))
    unmeant = ana.send("/settings/delete", password=PASSWORD)
    assert unmeant.status_code == 422
    assert "Tick the box" in text_of(unmeant)
    for _ in range(10):
        delete(ana, "wrong guess")
    assert "too many attempts" in text_of(delete(ana))
    assert ana.see("/balance").status_code == 200


def test_links_sent_before_are_over_with_the_account(app: Flask, ana: Visitor, another: Visitor) -> None:
    another.send("/forgot-password", email="ana@example.com")
    link = last_link(app, "/reset-password/")
    delete(ana)
    assert another.see(link).status_code == 404
    db.session.rollback()
    assert customers.get(ana.account_id).password_hash is None
