"""`/staff/customers/<id>/limits`: a limit set back by managers only, with a reason, once, written down."""

from __future__ import annotations

import pytest
from flask import Flask

from billing import catalog, customers, monthly_use, quotas, spending
from billing.errors import QuotaExceeded
from billing.money import MICRO
from billing.spending import Order
from config import ROOT
from tests.staff.conftest import Desk, audit_rows, hire, text_of

LIMITS = "/staff/customers/ada/limits"
ASKED = {"resource": "images", "reason": "Our fault: they came out black", "form_token": "t" * 32}
IMAGE = Order(action="create-image")


@pytest.fixture
def manager(app: Flask) -> Desk:
    catalog.configure(catalog.load_catalog(ROOT / "examples/catalogs/influencers.toml"))
    return hire(app, "kim@example.com", "manager")


@pytest.fixture
def ada(manager: Desk) -> int:
    """A customer who has used all 5 images that the free plan has for a lifetime."""
    account_id = customers.ensure_customer("ada")[0].account_id
    for _ in range(5):
        spending.debit(account_id, IMAGE, actor="app:studio")
    with pytest.raises(QuotaExceeded):
        spending.debit(account_id, IMAGE, actor="app:studio")
    return account_id


def used(account_id: int, resource: str = "images") -> int:
    return next(each.used for each in quotas.list_quotas(account_id) if each.resource == resource)


def test_manager_sets_a_lifetime_limit_back_with_a_reason(manager: Desk, ada: int) -> None:
    assert f'href="{LIMITS}"' in manager.see("/staff/customers/ada").text
    page = manager.see(LIMITS)
    assert "Images 5 of 5 0 never by itself" in text_of(page)
    assert manager.send(LIMITS, **ASKED).status_code == 303
    assert used(ada) == 0
    assert used(ada, "content") == 5, "a limit of its own"
    spending.debit(ada, IMAGE, actor="app:studio")
    text = text_of(manager.see(LIMITS))
    assert "Set back: Images." in text
    assert "Images 5 kim@example.com Our fault: they came out black" in text
    assert audit_rows() == [(manager.staff.actor, "quota_reset", True)]
    assert "Staff: Limit set back" in text_of(manager.see("/staff/customers/ada"))


def test_form_that_is_sent_twice_sets_back_once(manager: Desk, ada: int) -> None:
    manager.send(LIMITS, **ASKED)
    spending.debit(ada, IMAGE, actor="app:studio")
    assert manager.send(LIMITS, **ASKED).status_code == 303
    assert used(ada) == 1
    assert len(quotas.list_resets(ada)) == 1
    assert manager.send(LIMITS, **{**ASKED, "form_token": "u" * 32}).status_code == 303
    assert used(ada) == 0


@pytest.mark.parametrize(
    "wrong",
    [
        {"reason": ""},
        {"reason": "  \n"},
        {"reason": "x" * 501},
        {"resource": "nothing"},
        {"form_token": "short"},
    ],
    ids=str,
)
def test_wrong_form_changes_nothing(manager: Desk, ada: int, wrong: dict[str, str]) -> None:
    answer = manager.send(LIMITS, **{**ASKED, **wrong})
    assert answer.status_code == 422
    assert used(ada) == 5
    assert audit_rows() == []


def test_reason_may_have_any_letters(manager: Desk, ada: int) -> None:
    assert manager.send(LIMITS, **{**ASKED, "reason": "a\r\nb <b> 🎬"}).status_code == 303
    assert used(ada) == 0
    assert "&lt;b&gt; 🎬" in manager.see(LIMITS).text


def test_support_looks_and_may_not_set_back(app: Flask, manager: Desk, ada: int) -> None:
    desk = hire(app, "sam@example.com", "support")
    page = desk.see(LIMITS)
    assert page.status_code == 200
    assert "Set a limit back" not in text_of(page)
    assert desk.send(LIMITS, **ASKED).status_code == 403
    assert used(ada) == 5
    assert audit_rows() == [(desk.staff.actor, "quota_reset", False)]


def test_customers_own_spending_limit_is_shown_and_not_set_back(manager: Desk, ada: int) -> None:
    monthly_use.set_monthly_limit(ada, 20 * MICRO)
    page = manager.see(LIMITS)
    assert "Credits a month 0 of 20 20" in text_of(page)
    assert 'value="spending"' not in page.text
    assert manager.send(LIMITS, **{**ASKED, "resource": "spending"}).status_code == 422


def test_customer_without_limits_has_none_to_set_back(app: Flask, desk: Desk) -> None:
    customers.ensure_customer("bob")
    assert "/limits" not in desk.see("/staff/customers/bob").text
    assert "Nothing but credits limits" in text_of(desk.see("/staff/customers/bob/limits"))


def test_limits_of_nobody_are_not_there(manager: Desk) -> None:
    assert manager.see("/staff/customers/nobody/limits").status_code == 404
