"""What apps read: customers, balances, entries, payments, subscriptions, access, and the catalog."""

from __future__ import annotations

from decimal import Decimal

import pytest

from billing import adjustments, catalog, checkout, spending, subscriptions
from billing.accounts import open_account
from billing.db import db, transaction
from billing.ledger.grants import open_grant
from billing.money import MICRO
from billing.spending import Order
from config import ROOT
from tests.api.conftest import Caller, exact, problem
from tests.stripe_world import Shop


@pytest.fixture
def ada(shop: Shop) -> int:
    """A customer with a pack, a plan, an influencer and some spending."""
    account_id = shop.customer("ada")
    for started in (
        checkout.start_pack_checkout(account_id, "small"),
        checkout.start_plan_checkout(account_id, "basic", "month"),
        checkout.start_influencer_checkout(account_id, "luna", "basic"),
    ):
        shop.sandbox.pay(started.id)
    spending.debit(account_id, Order(amount=3_000, reference="job-1", metadata={"model": "x"}), actor="app:studio")
    db.session.rollback()
    return account_id


def test_writes_a_balance_with_all_its_keys(reader: Caller, ada: int) -> None:
    body = exact(reader.get("/customers/ada/balance"))
    assert body.keys() == {
        *("customer", "plan", "unlimited", "balance", "held", "frozen", "debt", "available", "scoped"),
        *("totals", "month", "next_expiry", "grants"),
    }
    assert (body["customer"], body["plan"], body["unlimited"]) == ("ada", "basic", False)
    assert body["available"] == Decimal("599.997")
    assert body["scoped"] == {"luna": Decimal("649.997")}
    assert body["totals"] == {"purchased": 100, "credited": 550, "debited": Decimal("0.003"), "refunded": 0}
    assert body["month"] == {"spent": Decimal("0.003"), "limit": None}
    assert body["next_expiry"].keys() == {"amount", "at"}
    assert {grant["source"] for grant in body["grants"]} == {"pack", "cycle"}
    assert body["grants"][0].keys() == {
        *("id", "source", "granted", "remaining", "held", "frozen", "priority"),
        *("effective_at", "expires_at", "scope"),
    }


def test_writes_credits_as_exact_numbers__F062(reader: Caller, shop: Shop) -> None:
    account_id = shop.customer("ada")
    with transaction(), open_account(account_id) as book:
        for _ in range(1000):
            open_grant(book, "CREDIT", "import", 999_999_999_999_999, at=book.now)
    text = reader.get("/customers/ada/balance").text
    assert '"balance":999999999999.999,' in text
    adjustments.grant_credits(account_id, 900, "rest", "operator")
    assert '"balance":999999999999.9999,' in reader.get("/customers/ada/balance").text


def test_writes_whole_credits_without_a_point(reader: Caller, shop: Shop) -> None:
    adjustments.grant_credits(shop.customer("ada"), 25 * MICRO, "gift", "operator")
    assert '"balance":25,' in reader.get("/customers/ada/balance").text


def test_tells_what_was_spent_this_month_less_what_was_given_back(reader: Caller, shop: Shop) -> None:
    account_id = shop.customer("ada")
    adjustments.grant_credits(account_id, 100 * MICRO, "gift", "operator")
    spent = spending.debit(account_id, Order(amount=30 * MICRO), actor="app:studio")
    assert exact(reader.get("/customers/ada/balance"))["month"]["spent"] == 30
    assert spent.entry is not None
    spending.refund_debit(spent.entry.id, 10 * MICRO, actor="app:studio")
    assert exact(reader.get("/customers/ada/balance"))["month"]["spent"] == 20


def test_makes_a_customer_once(biller: Caller, shop: Shop) -> None:
    wanted = {"id": "app:u-1", "email": "U1@example.com", "name": "Ü", "locale": "es_MX"}
    first, second = biller.post("/customers", wanted), biller.post("/customers", {**wanted, "name": "Other"})
    assert (first.status_code, second.status_code) == (201, 200)
    assert first.json == second.json
    body = exact(first)
    assert body.keys() == {
        *("id", "email", "name", "locale", "plan", "subscription_status", "monthly_limit", "balance", "created_at")
    }
    assert (body["id"], body["email"], body["name"], body["locale"]) == ("app:u-1", "u1@example.com", "Ü", "es_MX")
    assert (body["plan"], body["subscription_status"], body["monthly_limit"]) == ("free", None, None)
    assert body["created_at"].endswith("Z")


def test_never_links_customers_by_their_address(biller: Caller, shop: Shop) -> None:
    for public_id in ("a", "b"):
        assert biller.post("/customers", {"id": public_id, "email": "same@example.com"}).status_code == 201


def test_tells_a_customers_plan(reader: Caller, ada: int) -> None:
    body = exact(reader.get("/customers/ada"))
    assert (body["plan"], body["subscription_status"]) == ("basic", "active")
    assert body["balance"]["available"] == Decimal("599.997")


def test_lists_entries_newest_first(reader: Caller, ada: int) -> None:
    body = exact(reader.get("/customers/ada/entries"))
    assert [entry["seq"] for entry in body["data"]] == [4, 3, 2, 1]
    entry = body["data"][0]
    assert entry.keys() == {
        *("id", "seq", "kind", "reason", "amount", "balance_after", "action", "description", "reference"),
        *("reverses", "grants", "metadata", "actor", "created_at"),
    }
    assert (entry["kind"], entry["amount"], entry["reference"]) == ("DEBIT", Decimal("-0.003"), "job-1")
    assert entry["actor"] == {"type": "app", "id": "studio"}
    assert entry["metadata"] == {"model": "x"}
    assert entry["grants"][0].keys() == {"grant", "amount"}
    assert body["data"][3]["actor"] == {"type": "stripe", "id": None}


def test_pages_through_entries__F060(reader: Caller, shop: Shop, ada: int) -> None:
    seen, query = [], {"limit": 3}
    while True:
        body = exact(reader.get("/customers/ada/entries", **query))
        seen += [entry["seq"] for entry in body["data"]]
        adjustments.grant_credits(ada, MICRO, "meanwhile", "operator")
        if body["next_cursor"] is None:
            break
        query["cursor"] = body["next_cursor"]
    assert seen == [4, 3, 2, 1]


def test_filters_entries(reader: Caller, ada: int) -> None:
    def seqs(**query: str) -> list[int]:
        return [entry["seq"] for entry in exact(reader.get("/customers/ada/entries", **query))["data"]]

    assert seqs(kind="DEBIT") == [4]
    assert seqs(reference="job-1") == [4]
    assert seqs(reference="job-2") == []
    first = exact(reader.get("/customers/ada/entries"))["data"][-1]["created_at"]
    assert 1 in seqs(**{"from": first})
    assert 1 not in seqs(to=first)
    assert seqs(to="1970-01-01T00:00:00Z") == []
    assert seqs(**{"from": "2038-01-20T03:14:08+14:00"}) == []


@pytest.mark.parametrize(
    "query",
    [
        *({"limit": value} for value in ("0", "-1", "101", "1000000000", "x", "", "5.5", "٣")),
        *({"from": value} for value in ("yesterday", "2025-02-30T00:00:00Z", "2026-01-01T23:59:60Z", "2026-01-01")),
        *({"to": value} for value in ("2026-01-01T00:00:00", "10000-01-01T00:00:00Z", "0001-01-01T00:00:00+14:00", "")),
        *({"kind": value} for value in ("debit", "", "GIFT")),
        *({"reference": value} for value in ("", "x" * 256)),
        *({"cursor": value} for value in ("x", "", "é", "1.", "99999.1", "1.-5", "1.٣")),
    ],
)
def test_refuses_a_query_that_makes_no_sense__F156(reader: Caller, shop: Shop, query: dict[str, str]) -> None:
    shop.customer("ada")
    assert problem(reader.get("/customers/ada/entries", **query)) == (422, "invalid")


def test_finds_nothing_by_a_nul__F151(reader: Caller, shop: Shop) -> None:
    shop.customer("ada")
    for name in ("reference", "cursor", "kind", "from"):
        assert problem(reader.get("/customers/ada/entries", **{name: "a\x00"}))[0] in (404, 422)


def test_refuses_another_customers_cursor__F156(reader: Caller, shop: Shop, ada: int) -> None:
    shop.customer("bob")
    for noun in ("entries", "payments", "subscriptions"):
        cursor = exact(reader.get(f"/customers/ada/{noun}", limit=1))["next_cursor"]
        assert cursor
        assert problem(reader.get(f"/customers/bob/{noun}", cursor=cursor)) == (422, "invalid")


def test_lists_payments_page_by_page(reader: Caller, ada: int) -> None:
    whole = exact(reader.get("/customers/ada/payments"))["data"]
    assert sorted(payment["kind"] for payment in whole) == ["influencer", "pack", "plan"]
    assert whole[0].keys() == {
        *("id", "kind", "description", "amount_minor", "refunded_minor", "refundable_minor", "currency", "status"),
        *("granted", "spent", "unspent", "held", "grants", "stripe", "created_at"),
    }
    (pack,) = [payment for payment in whole if payment["kind"] == "pack"]
    assert (pack["amount_minor"], pack["currency"], pack["status"]) == (499, "usd", "paid")
    assert (pack["granted"], pack["refundable_minor"]) == (100, 499)
    seen, cursor = [], None
    while len(seen) < 10:
        page = exact(reader.get("/customers/ada/payments", limit=2, **({"cursor": cursor} if cursor else {})))
        seen += page["data"]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert seen == whole


def test_lists_subscriptions(reader: Caller, ada: int) -> None:
    body = exact(reader.get("/customers/ada/subscriptions"))["data"]
    assert body[0].keys() == {
        *("id", "kind", "plan", "influencer", "tier", "interval", "status", "quantity", "current_period_end"),
        *("cancel_at", "pending_change", "stripe_id"),
    }
    by_kind = {each["kind"]: each for each in body}
    assert (by_kind["plan"]["plan"], by_kind["plan"]["influencer"]) == ("basic", None)
    assert (by_kind["influencer"]["influencer"], by_kind["influencer"]["tier"]) == ("luna", "basic")


def test_tells_access_by_influencer(reader: Caller, ada: int, shop: Shop) -> None:
    has = exact(reader.get("/customers/ada/access/luna"))
    assert (has["access"], has["tier"]) == (True, "basic")
    assert has["until"].endswith("Z")
    assert exact(reader.get("/customers/ada/access/nico")) == {"access": False, "tier": None, "until": None}
    assert problem(reader.get("/customers/ada/access/nobody")) == (404, "not_found")
    assert problem(reader.get("/customers/nobody/access/luna")) == (404, "not_found")


def test_shows_a_plan_change_to_come(reader: Caller, ada: int) -> None:
    (plan,) = [each for each in subscriptions.list_subscriptions(ada) if each.kind == "plan"]
    subscriptions.cancel_subscription(ada, plan.id)
    body = exact(reader.get("/customers/ada/subscriptions"))["data"]
    (shown,) = [each for each in body if each["kind"] == "plan"]
    assert shown["cancel_at"] == shown["current_period_end"]


def test_shows_what_is_for_sale_without_a_key(stranger: Caller, shop: Shop) -> None:
    plans = {plan["id"]: plan for plan in exact(stranger.get("/plans"))["data"]}
    assert list(plans) == ["free", "basic", "premium", "trial"]
    assert plans["basic"]["prices"] == {
        "month": {"amount_minor": 1500, "currency": "usd", "saving_percent": 0},
        "year": {"amount_minor": 21000, "currency": "usd", "saving_percent": 0},
    }
    assert (plans["basic"]["credits"], plans["basic"]["unlimited"]) == (500, False)
    packs = {pack["id"]: pack for pack in exact(stranger.get("/packs"))["data"]}
    assert packs["large"].keys() >= {"id", "name", "amount_minor", "currency", "credits", "bonus", "expires_after_days"}
    assert (packs["large"]["credits"], packs["large"]["bonus"]) == (1000, 150)
    (action,) = exact(stranger.get("/actions"))["data"]
    assert action.keys() >= {"id", "name", "cost", "unit", "quotas"}
    assert (action["id"], action["cost"]) == ("image", 5)
    influencers = {each["id"]: each for each in exact(stranger.get("/influencers"))["data"]}
    assert influencers["gone"]["status"] == "suspended"
    assert influencers["luna"]["tiers"][0] == {
        "id": "basic",
        "amount_minor": 999,
        "currency": "usd",
        "interval": "month",
        "credits": 50,
    }


def test_price_list_says_all_that_a_price_is_made_of(stranger: Caller, reader: Caller, ada: int) -> None:
    catalog.configure(catalog.load_catalog(ROOT / "examples/catalogs/llm-agents.toml"))
    listed = exact(stranger.get("/actions"))
    (message,) = listed["data"]
    worth = listed["credit_value_usd"]
    assert (worth, message["markup"], message["on_failure"]["timeout"]) == (Decimal("0.01"), 1, 0)
    asked = {"customer": "ada", "action": "message", "input_tokens": 1000, "output_tokens": 3000}
    for model, price in message["models"].items():
        usd = (1000 * price["input_per_million_usd"] + 3000 * price["output_per_million_usd"]) / 10**6
        quote = exact(reader.post("/quotes", {**asked, "model": model}))
        assert quote["amount"] == usd * message["markup"] / worth
    assert message["models"]["gpt-5"]["output_per_million_usd"] == 10
