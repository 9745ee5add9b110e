"""Facts are what Stripe said: in any shape, never a float, and nothing at all of what makes no sense."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from billing import stripe_facts
from billing.stripe_facts import Malformed, fields
from tests.stripe_world import EVENTS, sample

BUNDLE = Path(__file__).resolve().parents[2].parent / "shared" / "stripe" / "fixtures.endive.json"

READERS = {
    "checkout.session": stripe_facts.read_checkout_session,
    "customer": stripe_facts.read_customer,
    "subscription": stripe_facts.read_subscription,
    "invoice": stripe_facts.read_invoice,
    "invoice_payment": stripe_facts.read_invoice_payment,
    "refund": stripe_facts.read_refund,
    "charge": stripe_facts.read_charge,
    "dispute": stripe_facts.read_dispute,
    "price": stripe_facts.read_price,
    "credit_note": stripe_facts.read_credit_note,
    "radar.early_fraud_warning": stripe_facts.read_fraud_warning,
    "product": stripe_facts.read_product,
    "billing_portal.configuration": stripe_facts.read_portal_configuration,
}


def test_reads_every_sample() -> None:
    for path in EVENTS.glob("*.json"):
        event = stripe_facts.read_event(json.loads(path.read_text()))
        facts = READERS[event.object["object"]](event.object)
        assert facts.id == event.object_id


@pytest.mark.skipif(not BUNDLE.exists(), reason="Stripe's own sample objects are not at hand")
@pytest.mark.parametrize("name", sorted(READERS))
def test_reads_stripes_own_sample_objects(name: str) -> None:
    obj = json.loads(BUNDLE.read_text())["resources"].get(name)
    if obj is None:
        pytest.skip("none of this kind")
    assert READERS[name](obj).id == obj["id"]


def test_reads_the_same_invoice_from_both_shapes__F037() -> None:
    new = stripe_facts.read_invoice(sample("invoice.paid")["data"]["object"])
    old = stripe_facts.read_invoice(sample("invoice.paid.2024-06-20")["data"]["object"])
    assert new.lines == old.lines
    assert (new.subscription, new.metadata, new.customer) == (old.subscription, old.metadata, old.customer)
    assert (old.payment_intent, old.charge) == ("pi_sample", "ch_sample")
    assert (new.payment_intent, new.charge) == (None, None)


def test_reads_where_a_line_is_prorated_or_discounted_in_both_shapes() -> None:
    line = sample("invoice.paid")["data"]["object"]["lines"]["data"][0]
    line["parent"]["subscription_item_details"]["proration"] = True
    line["discount_amounts"] = [{"amount": 0, "discount": "di_1"}, {"amount": 3, "discount": "di_2"}]
    facts = stripe_facts.read_line(line)
    assert (facts.proration, facts.discounted) == (True, True)
    old = sample("invoice.paid.2024-06-20")["data"]["object"]["lines"]["data"][0]
    assert stripe_facts.read_line(old | {"proration": True}).proration
    assert not stripe_facts.read_line(old).discounted


def test_reads_a_proration_that_hangs_on_an_invoice_item() -> None:
    line = sample("invoice.paid")["data"]["object"]["lines"]["data"][0]
    line["parent"] = {
        "type": "invoice_item_details",
        "subscription_item_details": None,
        "invoice_item_details": {"subscription": "sub_sample", "proration": True, "invoice_item": "ii_1"},
    }
    facts = stripe_facts.read_line(line)
    assert (facts.subscription, facts.subscription_item, facts.proration) == ("sub_sample", None, True)


def test_reads_what_a_customer_balance_paid() -> None:
    invoice = sample("invoice.paid", starting_balance=-2000, ending_balance=-500)["data"]["object"]
    assert stripe_facts.read_invoice(invoice).balance_applied == 1500
    invoice["ending_balance"] = None
    assert stripe_facts.read_invoice(invoice).balance_applied == 0


def test_reads_an_old_subscriptions_period_and_a_cancel_at_its_end() -> None:
    old = sample("customer.subscription.created", cancel_at_period_end=True)["data"]["object"]
    item = old["items"]["data"][0]
    old["current_period_start"] = item.pop("current_period_start")
    old["current_period_end"] = item.pop("current_period_end")
    facts = stripe_facts.read_subscription(old)
    assert facts.current_period_end == facts.cancel_at == datetime.fromtimestamp(old["current_period_end"], UTC)


def test_takes_a_refund_without_status_for_pending() -> None:
    assert stripe_facts.read_refund(sample("refund.updated", status=None)["data"]["object"]).status == "pending"


@pytest.mark.parametrize(
    "changes",
    [
        {"amount": 4.99},
        {"amount": "499"},
        {"amount": True},
        {"amount": 2**63},
        {"amount": None},
        {"id": None},
        {"id": 7},
        {"id": "x" * 256},
        {"id": "a\x00b"},
        {"id": "a\ud800"},
        {"charge": ["ch_1"]},
        {"charge": {"object": "charge"}},
        {"created": -1},
        {"created": 10**15},
        {"created": "2026"},
        {"currency": "dollars"},
    ],
)
def test_refuses_what_stripe_would_never_send(changes: dict[str, Any]) -> None:
    with pytest.raises(Malformed):
        stripe_facts.read_refund(sample("refund.updated")["data"]["object"] | changes)


def test_keeps_only_storable_metadata() -> None:
    metadata = {"good": "1", "number": 1, "nul": "\x00", "lone": "\udfff", "none": None}
    assert fields.metadata({"metadata": metadata}) == {"good": "1"}


def test_never_names_a_value_in_an_error() -> None:
    with pytest.raises(Malformed) as error:
        stripe_facts.read_refund(sample("refund.updated", status=["ada@example.com"])["data"]["object"])
    assert "ada" not in str(error.value)


def test_tells_a_thin_event_from_a_snapshot__F044() -> None:
    assert stripe_facts.is_thin_event({"object": "v2.core.event", "id": "evt_1"})
    assert not stripe_facts.is_thin_event(sample("invoice.paid"))
    assert not stripe_facts.is_thin_event(None)
