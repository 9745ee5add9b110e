"""Whatever shape an event comes in, the books end the same (CONTRACT 4)."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from flask import Flask

from billing import clock, payments
from billing.db import db, transaction
from billing.models import Entry, Price, StripeCustomer
from billing.money import MICRO
from tests.stripe_world import EVENTS, Shop, count, environ, post, sample, sandbox, shop

__all__ = ["environ", "sandbox", "shop"]

NEW, OLD = "invoice.paid", "invoice.paid.2024-06-20"


@pytest.fixture
def ada(shop: Shop) -> int:
    """The customer and the price that the samples speak of; Stripe itself does not know them."""
    account_id = shop.customer()
    with transaction():
        db.session.add(
            StripeCustomer(stripe_id="cus_sample", account_id=account_id, livemode=False, created_at=clock.now())
        )
        db.session.add(
            Price(
                stripe_id="price_sample_basic",
                lookup_key="plan:basic:before",
                product_id="saldo_plan_basic",
                kind="plan",
                item="basic",
                interval="month",
                amount_minor=1500,
                currency="usd",
                credits=500 * MICRO,
                active=False,
                synced_at=clock.now(),
            )
        )
    return account_id


def ledger(account_id: int) -> list[tuple[Any, ...]]:
    """What the books say, without what differs from run to run."""
    db.session.rollback()
    rows = db.session.query(Entry).filter_by(account_id=account_id).order_by(Entry.seq)
    return [(row.kind, row.reason, row.amount, row.source) for row in rows]


CYCLE = [("CREDIT", "cycle", 500 * MICRO, "line:il_sample")]


@pytest.mark.parametrize("name", [NEW, OLD], ids=["basil__F036", "before_basil__F037"])
def test_grants_the_cycle_of_an_invoice_in_either_shape(shop: Shop, ada: int, name: str) -> None:
    assert shop.status(sample(name)) == "done"
    assert ledger(ada) == CYCLE


def test_grants_a_full_line_whatever_the_billing_reason_says__F038(shop: Shop, ada: int) -> None:
    assert shop.status(sample(OLD, billing_reason="subscription_update")) == "done"
    assert ledger(ada) == CYCLE


def test_grants_once_what_comes_in_both_shapes__F043(shop: Shop, ada: int) -> None:
    old = sample(OLD) | {"id": sample(NEW)["id"]}
    assert shop.status(sample(NEW)) == "done"
    assert shop.status(old) == "duplicate"
    assert shop.status(old | {"id": "evt_second_endpoint"}) == "done"
    assert ledger(ada) == CYCLE


def expanded(event: dict[str, Any]) -> dict[str, Any]:
    """Ids as whole objects."""
    invoice = event["data"]["object"]
    invoice["customer"] = {"id": "cus_sample", "object": "customer", "email": None}
    subscription = {"id": "sub_sample", "object": "subscription", "status": "active"}
    product = {"id": "saldo_plan_basic", "object": "product"}
    price = {"id": "price_sample_basic", "object": "price", "product": product}
    line = invoice["lines"]["data"][0]
    if "parent" in invoice:
        invoice["parent"]["subscription_details"]["subscription"] = subscription
        line["parent"]["subscription_item_details"]["subscription"] = subscription
        line["pricing"]["price_details"] = {"price": price, "product": product}
    else:
        invoice["subscription"] = line["subscription"] = subscription
        line["price"] = price
        invoice["charge"] = {"id": "ch_sample", "object": "charge"}
    return event


def with_nulls(event: dict[str, Any]) -> dict[str, Any]:
    """Optional fields null."""
    invoice = event["data"]["object"]
    invoice.update(billing_reason=None, attempt_count=None, ending_balance=None, status_transitions=None)
    if "parent" in invoice:
        invoice["parent"]["subscription_details"]["metadata"] = None
    else:
        invoice["subscription_details"] = None
    invoice["lines"]["data"][0].update(discount_amounts=None, quantity=None, metadata=None)
    return event


def with_extras(event: dict[str, Any]) -> dict[str, Any]:
    """Fields nobody knows yet."""
    invoice = event["data"]["object"]
    for place in (event, invoice, invoice["lines"], invoice["lines"]["data"][0]):
        place["field_of_tomorrow"] = {"deep": [1.5, None, {"price": "price_other"}]}
    return event


@pytest.mark.parametrize("name", [NEW, OLD])
@pytest.mark.parametrize("variant", [expanded, with_nulls, with_extras])
def test_grants_the_same_for_ids_objects_nulls_and_extras__F041(shop: Shop, ada: int, name: str, variant: Any) -> None:
    assert shop.status(variant(copy.deepcopy(sample(name)))) == "done"
    assert ledger(ada) == CYCLE


def test_links_the_payment_intent_of_an_old_invoice(shop: Shop, ada: int) -> None:
    shop.status(sample(OLD))
    paid = payments.payment_of("pi_sample", "ch_sample")
    assert paid is not None
    assert paid.account_id == ada


@pytest.mark.parametrize(
    "name",
    [
        "checkout.session.completed",
        "customer.subscription.created",
        "invoice.paid",
        "invoice_payment.paid",
        "refund.updated",
        "charge.refunded",
        "charge.dispute.closed",
        "customer.deleted",
    ],
)
def test_ignores_events_about_somebody_elses_objects__F015(shop: Shop, name: str) -> None:
    shop.customer("bob")
    before = count(Entry)
    event = json.loads(json.dumps(sample(name)).replace("cus_sample", "cus_of_another_business"))
    assert shop.status(event) == "ignored"
    assert count(Entry) == before


def test_ignores_an_invoice_of_another_product_of_our_customer(shop: Shop, ada: int) -> None:
    foreign = json.loads(
        json.dumps(sample(NEW)).replace("price_sample_basic", "price_other").replace("saldo_plan_basic", "prod_x")
    )
    assert shop.status(foreign) == "ignored"
    assert ledger(ada) == []


def test_answers_every_event_while_stripe_refuses_our_key__F182(app: Flask, shop: Shop, ada: int) -> None:
    """What needs Stripe is sent again later; what does not is booked."""
    shop.sandbox.fault("401", times=10_000)
    statuses = {
        path.stem: post(app, json.loads(path.read_text())).status_code for path in sorted(EVENTS.glob("*.json"))
    }
    assert set(statuses.values()) == {200, 503}
    assert statuses["invoice.paid"] == 200
    assert statuses["refund.updated"] == 503
    assert ledger(ada) == CYCLE
