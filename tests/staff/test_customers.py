"""Finding a customer, and reading all about them on one page."""

from __future__ import annotations

import re

import pytest
from werkzeug.test import TestResponse

from billing import accounts, adjustments, audit_log, checkout, customers, payments, spending, subscriptions, timeline
from billing.db import db
from billing.errors import InvalidCursor
from billing.models import StripeCustomer
from billing.money import MICRO
from billing.spending import Order
from tests.staff.conftest import Desk, text_of
from tests.stripe_world import Shop


def links(page: TestResponse) -> list[str]:
    """Customers that a page leads to."""
    return re.findall(r'href="(/staff/customers/[^"#?]+)"', page.text)


@pytest.fixture
def ada(shop: Shop) -> int:
    """A customer with a pack, a plan and some spending behind them."""
    customer, _ = customers.ensure_customer("app:ada", "ada@example.com", "Ada")
    account_id = customer.account_id
    shop.sandbox.pay(checkout.start_pack_checkout(account_id, "small").id)
    shop.sandbox.pay(checkout.start_plan_checkout(account_id, "basic", "month").id)
    db.session.rollback()
    spending.debit(account_id, Order(action="image"), actor="app:test")
    return account_id


def test_finds_by_every_id_and_by_a_part_of_name_or_address(desk: Desk, shop: Shop, ada: int) -> None:
    (pack,) = [payment for payment in payments.list_payments(ada) if payment.kind == "pack"]
    (plan,) = subscriptions.list_subscriptions(ada)
    stripe_customer = db.session.query(StripeCustomer).one().stripe_id
    wanted = ["app:ada", "ADA@EXAMPLE", " ada ", pack.id, plan.stripe_id, stripe_customer, *pack.stripe.values()]
    assert {value[:3] for value in wanted} >= {"pay", "sub", "cus", "cs_", "pi_"}
    for query in wanted:
        assert links(desk.ask("GET", "/staff", query_string={"q": query})) == ["/staff/customers/app:ada"], query


@pytest.mark.parametrize("query", ["nobody", "%", "_", "'; DROP TABLE customers", "x" * 5000, "{{7*7}}"])
def test_finds_nobody_where_nobody_is(desk: Desk, shop: Shop, query: str) -> None:
    shop.customer()
    page = desk.ask("GET", "/staff", query_string={"q": query})
    assert page.status_code == 200
    assert "Nobody found" in text_of(page)


def test_shows_who_what_and_how_much(desk: Desk, ada: int) -> None:
    said = text_of(desk.see("/staff/customers/app:ada"))
    for words in (
        "ada@example.com",
        "595 available",
        "Basic",
        "100 credits",
        "$4.99",
        "Refund",
        "checkout.session.completed",
        "invoice.paid",
    ):
        assert words in said, words


def test_tells_acts_and_tiers_in_words(desk: Desk, shop: Shop, ada: int) -> None:
    shop.sandbox.pay(checkout.start_influencer_checkout(ada, "luna", "gold").id)
    detail = {"amount_minor": 499, "currency": "usd", "reason": "duplicate"}
    audit_log.record("refund", actor="operator", account_id=ada, detail=detail)
    said = text_of(desk.see("/staff/customers/app:ada"))
    assert "Luna · Gold" in said
    assert "Luna · gold" not in said
    assert "Amount: $4.99 · Reason: Paid twice" in said


def test_answers_404_for_a_customer_who_is_not_there(desk: Desk) -> None:
    for public_id in ("nobody", "%00", "a" * 300, "%2e%2e", "é"):
        assert desk.see(f"/staff/customers/{public_id}").status_code == 404


def test_escapes_what_customers_are_called__F144(desk: Desk, shop: Shop) -> None:
    customers.ensure_customer("eve", name="<script>alert(1)</script>")
    page = desk.see("/staff/customers/eve")
    assert "<script>alert" not in page.text
    assert "&lt;script&gt;" in page.text
    assert "default-src 'none'" in page.headers["Content-Security-Policy"]


def test_tells_everything_once_and_in_order_page_by_page(desk: Desk, shop: Shop, ada: int) -> None:
    whole = timeline.read_timeline(ada, limit=100)
    assert whole.older is None
    assert {item.kind for item in whole.items} >= {"entry", "payment", "event"}
    assert [item.at for item in whole.items] == sorted((item.at for item in whole.items), reverse=True)
    seqs = [item.what.seq for item in whole.items if item.kind == "entry"]  # type: ignore[union-attr]
    assert seqs == sorted(seqs, reverse=True)
    for limit in (1, 2, 3, 7):
        seen, before = [], None
        while True:
            page = timeline.read_timeline(ada, before, limit)
            assert len(page.items) <= limit
            seen += page.items
            if page.older is None:
                break
            before = page.older
        assert seen == whole.items


def test_leads_to_older_pages(desk: Desk, shop: Shop) -> None:
    account_id = shop.customer("busy")
    for number in range(55):
        adjustments.grant_credits(account_id, MICRO, f"gift {number}", "operator")
    first = desk.see("/staff/customers/busy")
    assert "gift 54" in first.text
    assert "gift 0 ·" not in first.text
    older = re.search(r'href="([^"]+before=[^"]+)"', first.text)
    assert older
    assert "gift 0 ·" in desk.see(older[1]).text
    assert accounts.read_balance(account_id).balance == 55 * MICRO


@pytest.mark.parametrize(
    "cursor", ["x", "", "bnVsbA", "W10", "WyJ4IiwwLDFd", "é", "WyIyMDI2LTAxLTAxVDAwOjAwOjAwWiIsOSwxXQ"]
)
def test_refuses_a_cursor_that_no_page_gave_out(desk: Desk, shop: Shop, cursor: str) -> None:
    account_id = shop.customer()
    with pytest.raises(InvalidCursor):
        timeline.read_timeline(account_id, cursor)
    assert desk.ask("GET", "/staff/customers/ada", query_string={"before": cursor}).status_code == 400
