"""Bringing customers along: exactly what the file says, once, and from then on as if they had always been here."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import event, select

from billing import accounts, audit, catalog, customers, reconcile, subscriptions
from billing import clock as business_time
from billing.customer_import import ImportReport, UnreadableFile, import_customers, read_rows
from billing.customer_import.reading import Problem
from billing.db import db, in_transaction
from billing.errors import NotFound
from billing.models import Customer, Entry, Price, StripeCustomer, StripeEvent
from billing.money import MICRO
from tests.conftest import Clock
from tests.stripe_world import Shop, count, environ, sandbox, shop

__all__ = ["environ", "sandbox", "shop"]

CSV = """id,email,name,locale,balance,description
user-1,Ana@Example.com,"Ana, María",es_MX,12.5,Brought along
user-2,,,,0.000001,
user-3,,,,,
"""


def bring(text: str, dry_run: bool = False) -> ImportReport:
    return import_customers(text.encode(), dry_run)


def said(text: str) -> list[str]:
    """What is wrong with a file; nothing of it was brought in."""
    before = count(Customer), count(Entry)
    problems = [str(problem) for problem in bring(text).problems]
    assert (count(Customer), count(Entry)) == before
    return problems


def balance(public_id: str) -> int:
    db.session.rollback()
    return accounts.read_balance(customers.find_customer(public_id).account_id).balance


def right_books() -> bool:
    db.session.rollback()
    return list(audit.audit()) == []


def earlier_subscription(shop: Shop, amount: int = 1500, **recurring: Any) -> tuple[str, str]:
    """A Stripe customer with a running subscription, both made by an earlier system with a price of its own."""
    stripe = shop.sandbox.client.v1
    customer = stripe.customers.create({"email": "old@example.com"}).id
    shop.sandbox.control(f"customers/{customer}/new_card", {"card": "card"})
    product = stripe.products.create({"name": "Old plan"}).id
    price = stripe.prices.create(
        {
            "product": product,
            "currency": "usd",
            "unit_amount": amount,
            "recurring": {"interval": "month", **recurring},  # type: ignore[typeddict-item]
        }
    ).id
    made = stripe.subscriptions.create({"customer": customer, "items": [{"price": price}]})
    assert made.status == "active"
    shop.sandbox.flush()
    return customer, made.id


def test_balances_become_one_exact_credit_each(shop: Shop) -> None:
    report = bring(CSV)
    assert (report.rows, report.created, report.granted, report.credits) == (3, 3, 2, 12_500_001)
    ana = customers.find_customer("user-1")
    assert (ana.email, ana.name, ana.locale, ana.login_email) == ("ana@example.com", "Ana, María", "es_MX", None)
    (entry,) = db.session.scalars(select(Entry).where(Entry.account_id == ana.account_id))
    assert (entry.kind, entry.reason, entry.amount, entry.actor) == ("CREDIT", "import", 12_500_000, "operator")
    assert (entry.source, entry.description) == ("import:user-1", "Brought along")
    assert [balance("user-2"), balance("user-3")] == [1, 0]
    assert right_books()


def test_file_may_be_run_again(shop: Shop) -> None:
    bring(CSV)
    again = bring(CSV)
    assert (again.created, again.granted, again.unchanged, again.problems) == (0, 0, 3, [])
    assert balance("user-1") == 12_500_000
    more = bring(CSV + "user-4,,,,7,\n")
    assert (more.created, more.granted, more.credits) == (1, 1, 7 * MICRO)


def test_dry_run_tells_the_same_and_writes_nothing(shop: Shop) -> None:
    told = bring(CSV, dry_run=True)
    assert count(Customer) == count(Entry) == 0
    assert told == bring(CSV)


def test_several_rows_with_keys_are_several_grants(shop: Shop, clock: Clock) -> None:
    ends = (business_time.now() + timedelta(days=30)).isoformat()
    report = bring(f"id;key;balance;expires_at\nuser-1;user-1/monthly;20;{ends}\nuser-1;user-1/packs;100;\n")
    assert (report.rows, report.created, report.granted) == (2, 1, 2)
    assert balance("user-1") == 120 * MICRO
    clock.advance(days=31)
    assert balance("user-1") == 100 * MICRO
    assert right_books()


def test_json_reads_like_csv(shop: Shop) -> None:
    rows = '[{"id": "user-1", "balance": 0.1}, {"id": "user-2", "balance": "5", "name": null}]'
    assert bring(rows).granted == 2
    assert [balance("user-1"), balance("user-2")] == [100_000, 5 * MICRO]
    assert bring(f'{{"customers": {rows}}}').unchanged == 2


def test_nothing_is_given_for_signing_up_and_the_refill_comes_in_a_month(shop: Shop, clock: Clock) -> None:
    text = shop.app.config["SETTINGS"].catalog.read_text()
    generous = shop.app.config["SETTINGS"].catalog.with_name("generous.toml")
    generous.write_text(text.replace('name = "Free"', 'name = "Free"\nsignup_credits = 60\nmonthly_refill = 10'))
    catalog.configure(catalog.load_catalog(generous))
    bring("id,balance\nuser-1,7\n")
    assert balance("user-1") == 7 * MICRO
    clock.advance(days=32)
    assert balance("user-1") == 17 * MICRO


def test_customer_who_is_here_keeps_what_they_have(shop: Shop) -> None:
    customers.ensure_customer("user-1", "ana@example.com", "Ana")
    report = bring("id,email,name,balance\nuser-1,eva@example.com,Eva,5\n")
    assert (report.created, report.granted) == (0, 1)
    ana = customers.find_customer("user-1")
    assert (ana.email, ana.name) == ("ana@example.com", "Ana")


MISTAKES = [
    (",a@example.com,1,", "row 2: id: is required"),
    ("a b,,1,", "row 2: id: expected 1 to 128 letters"),
    ("user-1,nobody,1,", "row 2: email: expected an address"),
    ("user-1,,-1,", "row 2: balance: expected a number of credits"),
    ("user-1,,0.0000001,", "row 2: balance: expected a number of credits"),
    ("user-1,,1e3,", "row 2: balance: expected a number of credits"),
    ("user-1,,1000000001,", "row 2: balance: expected a number of credits"),
    ("user-1,,NaN,", "row 2: balance: expected a number of credits"),
    ("user-1,,1,yesterday", "row 2: expires_at: expected a time"),
    ("user-1,,1,2020-01-01", "row 2: expires_at: is in the past"),
    ("user-1,,,2120-01-01", "row 2: balance: is required beside expires_at"),
    ("user-1,,1,,more", "row 2: row: has more values than columns"),
    ("user-1,,1,\nuser-1,,2,", "row 3: key: stands in row 2 already"),
]


def test_mistake_is_named_with_its_line_and_nothing_is_brought_in(shop: Shop) -> None:
    for line, wrong in MISTAKES:
        problems = said(f"id,email,balance,expires_at\n{line}\nuser-9,,5,\n")
        assert len(problems) == 1, line
        assert problems[0].startswith(wrong)


NO_FILES = [
    *(b"", b"\xff\xfe", b"name,email\nAna,a@example.com\n", b"id,id\n1,2\n", b"id,admin\n1,yes\n", b'id\n"a'),
    *(b"[1]", b"{", b'{"id": "user-1"}', b'[{"id": NaN}]', b"[" * 100_000),
]


def test_file_that_is_none_is_refused_whole() -> None:
    for data in NO_FILES:
        with pytest.raises(UnreadableFile):
            read_rows(data)


def test_changed_balance_of_a_row_is_a_mistake(shop: Shop) -> None:
    bring("id,balance\nuser-1,5\n")
    assert said("id,balance\nuser-1,6\n") == ["row 2: balance: was imported as 5 before; entries never change"]
    assert said("id,key,balance\nuser-2,user-1,5\n") == ["row 2: key: was imported for another customer"]


def test_twins_at_once_bring_each_row_in_once(shop: Shop) -> None:
    def run() -> list[Problem]:
        with shop.app.app_context():
            return import_customers(CSV.encode()).problems

    with ThreadPoolExecutor(4) as pool:
        twins = [pool.submit(run) for _ in range(4)]
    assert [twin.result() for twin in twins] == [[]] * 4
    assert balance("user-1") == 12_500_000
    assert count(Entry) == 2
    assert right_books()


@pytest.mark.parametrize("statement", [1, 2, 3])
def test_twin_between_two_looks_makes_no_mistake(shop: Shop, statement: int) -> None:
    """Before that statement of the import, which looks at what is here, a twin does all of it."""
    customer, _ = earlier_subscription(shop)
    text = f"id,balance,stripe_customer\nuser-1,5,{customer}\n"
    seen: list[str] = []

    def twin() -> None:
        with shop.app.app_context():
            assert bring(text).problems == []

    def let_twin_go_first(*_: Any) -> None:
        seen.append("one more")
        if len(seen) == statement:
            assert not in_transaction(), "the looks come before the writing"
            with ThreadPoolExecutor(1) as pool:
                pool.submit(twin).result()

    event.listen(db.engine, "before_cursor_execute", let_twin_go_first)
    try:
        assert bring(text).problems == []
    finally:
        event.remove(db.engine, "before_cursor_execute", let_twin_go_first)
    assert balance("user-1") == 5_000_000
    assert count(Entry) == count(StripeCustomer) == 1
    assert right_books()


def test_subscription_comes_along_with_what_was_paid_for(shop: Shop) -> None:
    """The running period was paid elsewhere: no credits for it here, also when Stripe tells of it again."""
    customer, subscription = earlier_subscription(shop)
    row = {
        "id": "user-1",
        "balance": 120,
        "plan": "basic",
        "stripe_customer": customer,
        "stripe_subscription": subscription,
    }
    report = bring(json.dumps([row]))
    assert (report.problems, report.subscriptions) == ([], 1)
    ana = customers.find_customer("user-1").account_id
    view = shop.subscriptions(ana)[subscription]
    assert (view.plan, view.status, view.paid_until) == ("basic", "active", view.current_period_end)
    assert subscriptions.current_plan(ana).plan == "basic"
    for told in shop.events("invoice.paid", "customer.subscription.created"):
        shop.post(told)
    assert reconcile.reconcile().booked == []
    assert shop.balance(ana) == 120
    assert right_books()
    assert bring(json.dumps([row])).problems == []


def test_refund_of_what_was_paid_before_takes_nothing(shop: Shop) -> None:
    customer, subscription = earlier_subscription(shop)
    bring(f"id,balance,plan,stripe_customer,stripe_subscription\nuser-1,120,basic,{customer},{subscription}\n")
    charge = shop.sandbox.client.v1.charges.list({"customer": customer}).data[0]
    shop.sandbox.control("refunds", {"charge": charge.id})
    shop.sandbox.flush()
    assert shop.entries(customers.find_customer("user-1").account_id) == [120]
    assert {row.status for row in db.session.scalars(select(StripeEvent))} <= {"done", "ignored"}
    assert reconcile.reconcile().parked == []
    assert right_books()


def test_renewal_grants_what_the_plan_is_worth_here(shop: Shop) -> None:
    customer, subscription = earlier_subscription(shop)
    bring(f"id,balance,plan,stripe_customer,stripe_subscription\nuser-1,120,basic,{customer},{subscription}\n")
    ana = customers.find_customer("user-1").account_id
    shop.sandbox.advance(days=32)
    shop.sandbox.flush()
    assert shop.entries(ana) == [120, 500]
    assert right_books()


def test_subscription_of_a_price_of_ours_brings_its_access(shop: Shop) -> None:
    customer, _ = earlier_subscription(shop)
    price = db.session.scalars(select(Price.stripe_id).where(Price.item == "luna", Price.tier == "gold")).one()
    made = shop.sandbox.client.v1.subscriptions.create({"customer": customer, "items": [{"price": price}]})
    assert bring(f"id,stripe_customer,stripe_subscription\nuser-1,{customer},{made.id}\n").subscriptions == 1
    access = subscriptions.access_to(customers.find_customer("user-1").account_id, "luna")
    assert (access.access, access.tier) == (True, "gold")
    assert shop.entries(customers.find_customer("user-1").account_id) == []
    assert right_books()


def test_plan_without_what_pays_for_it_is_a_mistake(shop: Shop) -> None:
    (problem,) = said("id,plan\nuser-1,basic\n")
    assert problem.startswith("row 2: stripe_subscription: is required for the plan basic")
    assert said("id,plan\nuser-1,gold\n") == ["row 2: plan: the catalog has no such plan"]
    assert bring("id,plan\nuser-1,free\n").created == 1


def test_stripe_is_asked_whose_it_is_and_whether_it_runs(shop: Shop) -> None:
    customer, subscription = earlier_subscription(shop)
    other, _ = earlier_subscription(shop)
    head = "id,plan,stripe_customer,stripe_subscription\n"
    assert said(f"{head}user-1,basic,{other},{subscription}\n") == [
        "row 2: stripe_subscription: is of another Stripe customer"
    ]
    assert said(f"{head}user-1,basic,cus_none,{subscription}\n") == ["row 2: stripe_customer: Stripe does not know it"]
    assert said(f"{head}user-1,,{customer},{subscription}\n")[0].startswith("row 2: plan: is required")
    shop.customer("ada")
    bring(f"id,stripe_customer\nada,{customer}\n")
    assert said(f"id,stripe_customer\nuser-1,{customer}\n") == ["row 2: stripe_customer: belongs to another customer"]
    shop.sandbox.client.v1.subscriptions.cancel(subscription)
    shop.sandbox.flush()
    (problem,) = said(f"{head}ada,basic,{customer},{subscription}\n")
    assert problem == "row 2: stripe_subscription: is canceled; only one that is paid for can come along"
    with pytest.raises(NotFound):
        customers.find_customer("user-1")
