"""The catalog at Stripe: made once, replaced and never changed, found again, and drift told but not undone."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import delete, select

from billing import catalog, prices
from billing.catalog_sync import SyncReport, sync_catalog
from billing.catalog_sync.worth import WORTH, is_worth, worth_metadata, worth_of
from billing.db import db, transaction
from billing.errors import StripeUnavailable
from billing.models import Price
from billing.money import MICRO
from billing.stripe_facts import PriceFacts
from tests.stripe_world import Shop, count, environ, sandbox, shop

__all__ = ["environ", "sandbox", "shop"]

BASIC = "plan:basic:month"


def change_basic(**changes: Any) -> None:
    """Another Basic plan in the catalog."""
    now = catalog.current()
    plan = replace(now.plan("basic"), **changes)
    catalog.configure(replace(now, plans={**now.plans, "basic": plan}))


def drop_basic() -> None:
    now = catalog.current()
    catalog.configure(replace(now, plans={key: plan for key, plan in now.plans.items() if key != "basic"}))


def sold(key: str = BASIC) -> Price:
    db.session.rollback()
    return prices.active_price(key)


def writes(shop: Shop) -> int:
    return len(shop.sandbox.calls("POST", "/v1/prices") + shop.sandbox.calls("POST", "/v1/products"))


def at_stripe(shop: Shop, price_id: str) -> Any:
    return shop.sandbox.client.v1.prices.retrieve(price_id)


def edit(shop: Shop, **fields: Any) -> None:
    """Somebody edits the catalog by hand in the Dashboard."""
    shop.sandbox.control("catalog", fields)


def test_makes_products_with_fixed_ids_and_prices_with_lookup_keys(shop: Shop) -> None:
    products = {product.id for product in shop.sandbox.client.v1.products.list({"limit": 100}).data}
    assert products >= {"saldo_plan_basic", "saldo_pack_small", "saldo_influencer_luna"}
    month, year = at_stripe(shop, sold().stripe_id), at_stripe(shop, sold("plan:basic:year").stripe_id)
    assert (month.lookup_key, month.product, month.unit_amount, month.currency) == (
        BASIC,
        "saldo_plan_basic",
        1500,
        "usd",
    )
    assert (month.recurring.interval, year.recurring.interval) == ("month", "year")
    assert at_stripe(shop, sold("pack:large").stripe_id).recurring is None
    assert (sold("pack:large").credits, sold("pack:large").bonus) == (1000 * MICRO, 150 * MICRO)
    assert (sold("influencer:luna:gold").tier, sold("influencer:luna:gold").grace_days) == ("gold", 3)
    assert (sold("plan:basic:year").yearly_grant, sold("plan:basic:year").credits) == ("monthly", 500 * MICRO)


def test_changes_nothing_when_run_again(shop: Shop) -> None:
    before, rows = writes(shop), count(Price)
    report = sync_catalog()
    assert not report.has_changes
    assert report.drift == []
    assert (writes(shop), count(Price)) == (before, rows)


@pytest.mark.parametrize(
    "changes", [{"prices": {"month": 1900, "year": 21000}}, {"credits": 600 * MICRO}, {"rollover_percent": 20}]
)
def test_replaces_a_price_and_keeps_the_old_one_for_its_subscribers(shop: Shop, changes: dict[str, Any]) -> None:
    old_id, old_credits = sold().stripe_id, sold().credits
    change_basic(**changes)
    report = sync_catalog()
    assert BASIC in report.replaced
    new = sold()
    assert new.stripe_id != old_id
    old = prices.price_of(old_id)
    assert old is not None
    assert (old.active, old.credits) == (False, old_credits)
    assert not at_stripe(shop, old_id).active
    assert at_stripe(shop, old_id).lookup_key is None
    assert at_stripe(shop, new.stripe_id).lookup_key == BASIC
    assert not sync_catalog().has_changes


def test_makes_a_third_price_when_an_old_one_comes_back(shop: Shop) -> None:
    ids = [sold().stripe_id]
    for credits in (600, 500):
        change_basic(credits=credits * MICRO)
        sync_catalog()
        ids.append(sold().stripe_id)
    assert len(set(ids)) == 3
    assert sold().credits == 500 * MICRO


def test_archives_what_is_no_longer_sold_and_takes_it_up_again(shop: Shop) -> None:
    old = sold().stripe_id
    whole = catalog.current()
    drop_basic()
    assert set(sync_catalog().archived) == {BASIC, "plan:basic:year"}
    assert not at_stripe(shop, old).active
    assert BASIC not in prices.active_prices()
    assert not sync_catalog().has_changes
    catalog.configure(whole)
    assert BASIC in sync_catalog().replaced
    assert sold().active


def test_only_says_what_it_would_do_on_a_dry_run(shop: Shop) -> None:
    change_basic(credits=600 * MICRO, prices={"month": 1500})
    before, rows, old = writes(shop), count(Price), sold().stripe_id
    report = sync_catalog(dry_run=True)
    assert (report.replaced, report.archived) == ([BASIC], ["plan:basic:year"])
    assert (writes(shop), count(Price), sold().stripe_id) == (before, rows, old)


@pytest.mark.parametrize("skip", range(4))
def test_finishes_what_a_killed_sync_left(shop: Shop, skip: int) -> None:
    """Stripe goes away after each of the writes in turn; the next run ends where an undisturbed one would."""
    change_basic(credits=600 * MICRO, name=catalog.Text({"en": "Basic 2"}))
    shop.sandbox.fault("401", method="POST", path="/v1/(prices|products)", skip=skip, times=1)
    with pytest.raises(StripeUnavailable):
        sync_catalog()
    assert sync_catalog().drift == []
    assert not sync_catalog().has_changes
    assert sold().credits == 600 * MICRO
    active = [
        price for price in shop.sandbox.client.v1.prices.list({"product": "saldo_plan_basic"}).data if price.active
    ]
    assert {price.lookup_key for price in active} == {BASIC, "plan:basic:year"}


def test_finds_again_what_was_made_and_not_recorded(shop: Shop) -> None:
    ids = {key: price.stripe_id for key, price in prices.active_prices().items()}
    with transaction():
        db.session.execute(delete(Price))
    report = sync_catalog()
    assert set(report.recovered) == set(ids)
    assert {key: price.stripe_id for key, price in prices.active_prices().items()} == ids


def test_rebuilds_a_lost_price_table_with_what_old_prices_were_worth(shop: Shop) -> None:
    old = sold().stripe_id
    change_basic(credits=600 * MICRO)
    sync_catalog()
    columns = [column.name for column in Price.__table__.columns if column.name not in ("synced_at",)]
    before = {
        row.stripe_id: {name: getattr(row, name) for name in columns} for row in db.session.scalars(select(Price))
    }
    with transaction():
        db.session.execute(delete(Price))
    sync_catalog()
    db.session.rollback()
    after = {row.stripe_id: {name: getattr(row, name) for name in columns} for row in db.session.scalars(select(Price))}
    assert after == before
    assert after[old]["credits"] == 500 * MICRO


def test_makes_everything_again_at_another_stripe_account(shop: Shop) -> None:
    with transaction():
        for price in db.session.scalars(select(Price).where(Price.lookup_key == "pack:small")):
            db.session.add(
                Price(
                    **{
                        column.name: getattr(price, column.name)
                        for column in Price.__table__.columns
                        if column.name not in ("stripe_id", "active", "lookup_key")
                    },
                    stripe_id="price_of_another_account",
                    lookup_key="pack:medium",
                    active=True,
                )
            )
    now = catalog.current()
    medium = replace(now.pack("small"), id="medium")
    catalog.configure(replace(now, packs={**now.packs, "medium": medium}))
    report = sync_catalog()
    assert report.drift == []
    assert "pack:medium" in report.replaced
    assert sold("pack:medium").stripe_id != "price_of_another_account"


def test_tells_of_edits_by_hand_and_leaves_them__drift(shop: Shop) -> None:
    small = sold("pack:small").stripe_id
    client = shop.sandbox.client.v1
    client.products.update("saldo_plan_basic", {"name": "Basic, but better"})
    client.products.update("saldo_pack_large", {"active": False})
    client.prices.update(small, {"active": False})
    extra = client.prices.create({"product": "saldo_plan_premium", "unit_amount": 1, "currency": "usd"})
    stolen = client.prices.create(
        {
            "product": "saldo_plan_trial",
            "unit_amount": 1,
            "currency": "usd",
            "recurring": {"interval": "month"},
            "lookup_key": "plan:trial:month",
            "transfer_lookup_key": True,
        }
    )
    before = writes(shop)
    report = sync_catalog()
    told = "\n".join(report.drift)
    for what in ("saldo_plan_basic", "saldo_pack_large", small, extra.id, stolen.id):
        assert what in told, what
    assert not report.has_changes
    assert writes(shop) == before
    assert client.products.retrieve("saldo_plan_basic").name == "Basic, but better"


def test_tells_of_a_lookup_key_taken_away(shop: Shop) -> None:
    client = shop.sandbox.client.v1
    client.prices.update(sold("pack:small").stripe_id, {"lookup_key": "by-hand"})
    report = sync_catalog()
    assert any("pack:small" in sentence for sentence in report.drift)
    assert sold("pack:small").active


def test_renames_a_product_that_nobody_renamed_by_hand(shop: Shop) -> None:
    change_basic(name=catalog.Text({"en": "Basic 2"}))
    assert sync_catalog().replaced == ["saldo_plan_basic (name)"]
    assert shop.sandbox.client.v1.products.retrieve("saldo_plan_basic").name == "Basic 2"
    assert not sync_catalog().has_changes


def test_makes_one_portal_configuration(shop: Shop) -> None:
    sync_catalog()
    assert len(shop.sandbox.client.v1.billing_portal.configurations.list().data) == 1


def test_writes_down_what_a_price_is_worth_and_reads_it_back(shop: Shop) -> None:
    for sellable in catalog.sellables(catalog.current()):
        words = worth_metadata(sellable)
        assert worth_of(words) == {name: getattr(sellable, name) for name in WORTH}
        facts = PriceFacts(
            "price_1",
            sellable.product_id,
            sellable.lookup_key,
            sellable.amount_minor,
            sellable.currency,
            sellable.interval,
            1,
            True,
            words | {"of_somebody_else": "x"},
        )
        assert is_worth(facts, sellable)
        assert not is_worth(replace(facts, unit_amount=sellable.amount_minor + 1), sellable)
        assert not is_worth(replace(facts, interval_count=2), sellable)
        assert not is_worth(replace(facts, metadata=words | {"saldo_credits": "1"}), sellable)


def command(shop: Shop, *words: str) -> Any:
    return shop.app.test_cli_runner().invoke(args=["stripe", *words])


def test_answers_with_exit_codes_for_programs(shop: Shop) -> None:
    fine = command(shop, "sync-catalog", "--json")
    assert fine.exit_code == 0
    assert json.loads(fine.stdout.splitlines()[-1])["drift"] == []
    change_basic(credits=600 * MICRO)
    assert command(shop, "sync-catalog", "--dry-run").exit_code == 1
    assert command(shop, "sync-catalog").exit_code == 0
    shop.sandbox.client.v1.products.update("saldo_plan_basic", {"name": "By hand"})
    drifted = command(shop, "sync-catalog")
    assert drifted.exit_code == 1
    assert re.search(r"drift +saldo_plan_basic", drifted.output)
    shop.sandbox.fault("401", times=3)
    assert command(shop, "sync-catalog").exit_code == 2


def test_says_nothing_of_an_empty_report() -> None:
    assert not SyncReport(unchanged=["pack:small"], drift=["x"]).has_changes
