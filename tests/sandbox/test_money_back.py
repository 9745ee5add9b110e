"""Refunds and disputes: every way that money goes back, and comes again."""

from __future__ import annotations

from typing import Any

import pytest
import stripe

from tests.sandbox import shop
from tests.sandbox.conftest import Receiver
from tests.sandbox_server import SandboxServer


@pytest.fixture
def intent(sandbox: SandboxServer, client: Any, receiver: Receiver) -> Any:
    """A paid pack of 10.00."""
    paid = shop.buy(sandbox, client, shop.customer(client), shop.price(client, 1000, None))
    receiver.types()
    return paid


def _charge(client: Any, intent: Any) -> Any:
    return client.charges.retrieve(intent.latest_charge, {"expand": ["refunds"]})


def test_refund_in_parts_then_no_more(client: Any, intent: Any, receiver: Receiver) -> None:
    first = client.refunds.create(
        {
            "payment_intent": intent.id,
            "amount": 400,
            "reason": "requested_by_customer",
            "metadata": {"saldo_refund": "rf_1"},
        }
    )
    assert (first.status, first.amount, first.charge) == ("succeeded", 400, intent.latest_charge)
    assert first.metadata.to_dict() == {"saldo_refund": "rf_1"}
    assert receiver.types() == ["charge.refunded", "refund.created"]
    with pytest.raises(stripe.InvalidRequestError, match="greater than unrefunded amount") as refused:
        client.refunds.create({"payment_intent": intent.id, "amount": 601})
    assert refused.value.param == "amount"
    assert (_charge(client, intent).amount_refunded, _charge(client, intent).refunded) == (400, False)

    rest = client.refunds.create({"charge": intent.latest_charge})

    assert rest.amount == 600
    charge = _charge(client, intent)
    assert (charge.amount_refunded, charge.refunded) == (1000, True)
    assert [r.id for r in charge.refunds.data] == [rest.id, first.id]
    assert [r.id for r in client.refunds.list({"payment_intent": intent.id}).data] == [rest.id, first.id]
    with pytest.raises(stripe.InvalidRequestError) as refused:
        client.refunds.create({"payment_intent": intent.id})
    assert (refused.value.http_status, refused.value.code) == (400, "charge_already_refunded")


@pytest.mark.parametrize("amount", [0, -5])
def test_refuse_a_refund_of_nothing(client: Any, intent: Any, amount: int) -> None:
    with pytest.raises(stripe.InvalidRequestError) as refused:
        client.refunds.create({"payment_intent": intent.id, "amount": amount})
    assert refused.value.code == "parameter_invalid_integer"


def test_refund_whole_yen(sandbox: SandboxServer, client: Any) -> None:
    yen = shop.price(client, 1000, None, currency="jpy")
    paid = shop.buy(sandbox, client, shop.customer(client), yen)
    refund = client.refunds.create({"payment_intent": paid.id, "amount": 1000})
    assert (refund.amount, refund.currency) == (1000, "jpy")


def test_refund_by_hand(sandbox: SandboxServer, client: Any, intent: Any, receiver: Receiver) -> None:
    made = sandbox.control("refunds", {"payment_intent": intent.id, "amount": 250})
    assert (made["amount"], made["metadata"]) == (250, {})
    event = client.events.list({"type": "refund.created"}).data[0]
    assert (event.request.id, event.request.idempotency_key) == (None, None)
    assert receiver.last("charge.refunded")["amount_refunded"] == 250


def test_settle_a_pending_refund(sandbox: SandboxServer, client: Any, intent: Any, receiver: Receiver) -> None:
    sandbox.control("refunds", {"next": "pending"})
    made = client.refunds.create({"payment_intent": intent.id})
    assert (made.status, made.pending_reason, made.balance_transaction) == ("pending", "processing", None)
    receiver.types()
    sandbox.control(f"refunds/{made.id}/settle", {"outcome": "succeeded"})
    assert client.refunds.retrieve(made.id).status == "succeeded"
    assert receiver.types() == ["refund.updated"]


@pytest.mark.parametrize("first", ["pending", "succeeded"])
def test_fail_a_refund_late(sandbox: SandboxServer, client: Any, intent: Any, receiver: Receiver, first: str) -> None:
    sandbox.control("refunds", {"next": first})
    made = client.refunds.create({"payment_intent": intent.id})
    assert _charge(client, intent).refunded is True
    receiver.types()
    sandbox.control(f"refunds/{made.id}/fail", {})
    failed = client.refunds.retrieve(made.id)
    assert (failed.status, failed.failure_reason) == ("failed", "lost_or_stolen_card")
    assert receiver.types() == ["refund.updated", "refund.failed", "charge.updated"]
    assert (_charge(client, intent).amount_refunded, _charge(client, intent).refunded) == (0, False)
    assert client.refunds.create({"payment_intent": intent.id}).status == "succeeded"
    with pytest.raises(RuntimeError, match="already failed"):
        sandbox.control(f"refunds/{made.id}/fail", {})


def test_refuse_a_refund_at_once(sandbox: SandboxServer, client: Any, intent: Any, receiver: Receiver) -> None:
    sandbox.control("refunds", {"next": ["failed", "succeeded"]})
    assert client.refunds.create({"payment_intent": intent.id}).status == "failed"
    assert receiver.types() == ["refund.created", "refund.failed"]
    assert client.refunds.create({"payment_intent": intent.id}).status == "succeeded"


def _dispute(sandbox: SandboxServer, intent: Any, **fields: Any) -> Any:
    made = sandbox.control("disputes", {"payment_intent": intent.id, **fields})
    return made["id"]


def test_lose_a_dispute(sandbox: SandboxServer, client: Any, intent: Any, receiver: Receiver) -> None:
    key = _dispute(sandbox, intent, amount=700)
    assert receiver.types() == ["charge.dispute.created", "charge.dispute.funds_withdrawn"]
    dispute = client.disputes.retrieve(key)
    assert (dispute.status, dispute.amount, dispute.is_charge_refundable) == ("needs_response", 700, False)
    assert [t.amount for t in dispute.balance_transactions] == [-700]
    assert client.charges.retrieve(intent.latest_charge).disputed is True
    with pytest.raises(stripe.InvalidRequestError) as refused:
        client.refunds.create({"payment_intent": intent.id})
    assert (refused.value.http_status, refused.value.code) == (400, "charge_disputed")
    client.disputes.update(key, {"evidence": {"uncategorized_text": "used on 3 May"}, "submit": True})
    assert client.disputes.retrieve(key).status == "under_review"
    receiver.types()
    sandbox.control(f"disputes/{key}", {"status": "lost"})
    assert receiver.types() == ["charge.dispute.closed"]
    sandbox.control(f"disputes/{key}", {"status": "appeal_under_review"})
    sandbox.control(f"disputes/{key}", {"status": "won"})
    assert receiver.types() == ["charge.dispute.updated", "charge.dispute.closed", "charge.dispute.funds_reinstated"]


def test_win_a_dispute(sandbox: SandboxServer, client: Any, intent: Any, receiver: Receiver) -> None:
    key = _dispute(sandbox, intent)
    receiver.types()
    sandbox.control(f"disputes/{key}", {"status": "won"})
    assert receiver.types() == ["charge.dispute.closed", "charge.dispute.funds_reinstated"]
    assert sum(t.amount for t in client.disputes.retrieve(key).balance_transactions) == 0
    with pytest.raises(RuntimeError, match="does not go from won"):
        sandbox.control(f"disputes/{key}", {"status": "needs_response"})


def test_close_an_inquiry(sandbox: SandboxServer, client: Any, intent: Any, receiver: Receiver) -> None:
    key = _dispute(sandbox, intent, inquiry=True)
    assert receiver.types() == ["charge.dispute.created"]
    assert client.disputes.retrieve(key).status == "warning_needs_response"
    sandbox.control(f"disputes/{key}", {"status": "warning_closed"})
    assert receiver.types() == ["charge.dispute.closed"]
    assert client.disputes.retrieve(key).balance_transactions == []
    assert client.refunds.create({"payment_intent": intent.id}).status == "succeeded"


def test_turn_an_inquiry_into_a_dispute(sandbox: SandboxServer, client: Any, intent: Any, receiver: Receiver) -> None:
    key = _dispute(sandbox, intent, inquiry=True)
    receiver.types()
    sandbox.control(f"disputes/{key}", {"status": "needs_response"})
    assert receiver.types() == ["charge.dispute.updated", "charge.dispute.funds_withdrawn"]
    assert client.disputes.close(key).status == "lost"
    assert [d.id for d in client.disputes.list({"payment_intent": intent.id}).data] == [key]


def test_refuse_a_second_open_dispute(sandbox: SandboxServer, intent: Any) -> None:
    _dispute(sandbox, intent)
    with pytest.raises(RuntimeError, match="already has an open dispute"):
        _dispute(sandbox, intent)


def test_refund_a_renewal_through_its_invoice_payment(sandbox: SandboxServer, client: Any) -> None:
    subscription = shop.subscribe(sandbox, client, shop.customer(client), shop.price(client, 1500))
    sandbox.advance(days=32)
    invoice = client.invoices.list({"subscription": subscription.id}).data[0]
    payment = client.invoice_payments.list({"invoice": invoice.id, "status": "paid"}).data[0]
    refund = client.refunds.create({"payment_intent": payment.payment.payment_intent})
    assert refund.amount == 1500
    back = client.invoice_payments.list(
        {"payment": {"type": "payment_intent", "payment_intent": refund.payment_intent}}
    )
    assert [p.invoice for p in back.data] == [invoice.id]
    assert client.invoice_payments.retrieve(payment.id).amount_paid == 1500


def test_dispute_what_a_refund_has_left(sandbox: SandboxServer, client: Any, intent: Any) -> None:
    client.refunds.create({"payment_intent": intent.id, "amount": 300})
    assert client.disputes.retrieve(_dispute(sandbox, intent)).amount == 700
