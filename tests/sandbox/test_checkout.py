"""Buying on the hosted page, in every way a payment can go."""

from __future__ import annotations

from typing import Any

import pytest
import stripe

from tests.sandbox import shop
from tests.sandbox.conftest import Receiver
from tests.sandbox_server import SandboxServer

_PAID_INVOICE = ["invoice.paid", "invoice.payment_succeeded", "invoice_payment.paid"]
_CHARGED = ["payment_intent.created", "charge.succeeded", "payment_intent.succeeded"]


def test_pay_a_pack_once(sandbox: SandboxServer, client: Any, receiver: Receiver) -> None:
    buyer = shop.customer(client)
    pack = shop.price(client, 999, None, "saldo_pack_small")
    session = shop.checkout(
        client, buyer, pack, metadata={"saldo_pack": "small"}, payment_intent_data={"metadata": {"saldo_pack": "small"}}
    )
    assert session.url == f"{sandbox.base_url}/c/pay/{session.id}"
    assert (session.status, session.payment_status, session.amount_total) == ("open", "unpaid", 999)
    assert session.payment_intent is None
    sandbox.flush()
    receiver.types()

    sandbox.pay(session.id)

    assert [t for t in receiver.types() if t != "customer.updated"] == [*_CHARGED, "checkout.session.completed"]
    paid = client.checkout.sessions.retrieve(session.id, {"expand": ["payment_intent.latest_charge", "line_items"]})
    assert (paid.status, paid.payment_status, paid.url) == ("complete", "paid", None)
    assert paid.payment_intent.metadata.to_dict() == {"saldo_pack": "small"}
    assert paid.payment_intent.latest_charge.metadata.to_dict() == {"saldo_pack": "small"}
    assert paid.payment_intent.amount_received == 999
    assert paid.line_items.data[0].price.id == pack.id
    found = client.checkout.sessions.list({"payment_intent": paid.payment_intent.id})
    assert [s.id for s in found.data] == [session.id]


def test_pay_a_pack_with_an_invoice(sandbox: SandboxServer, client: Any, receiver: Receiver) -> None:
    pack = shop.price(client, 999, None, "saldo_pack_small")
    creation = {"enabled": True, "invoice_data": {"metadata": {"saldo_pack": "small"}}}
    intent = shop.buy(sandbox, client, shop.customer(client), pack, invoice_creation=creation)

    assert receiver.types()[-7:] == [
        "payment_intent.succeeded", "invoice.created", "invoice.finalized",
        *_PAID_INVOICE, "checkout.session.completed",
    ]  # fmt: skip
    payment = client.invoice_payments.list({"payment": {"type": "payment_intent", "payment_intent": intent.id}}).data[0]
    invoice = client.invoices.retrieve(payment.invoice)
    assert (invoice.billing_reason, invoice.parent, invoice.amount_paid) == ("manual", None, 999)
    assert invoice.metadata.to_dict() == {"saldo_pack": "small"}


def test_pay_a_plan(sandbox: SandboxServer, client: Any, receiver: Receiver) -> None:
    plan = shop.price(client, 1500)
    buyer = shop.customer(client)
    sandbox.flush()
    receiver.types()
    tags = {"saldo_customer": "web_1", "saldo_plan": "basic"}

    subscription = shop.subscribe(sandbox, client, buyer, plan, subscription_data={"metadata": tags})

    completed = receiver.last("checkout.session.completed")
    assert [t for t in receiver.types() if t != "customer.updated"] == [
        "payment_method.attached", "customer.subscription.created", "invoice.created", "invoice.finalized",
        *_CHARGED, *_PAID_INVOICE, "checkout.session.completed",
    ]  # fmt: skip
    assert (completed["subscription"], completed["payment_intent"]) == (subscription.id, None)
    assert (subscription.status, subscription.metadata.to_dict()) == ("active", tags)
    invoice = client.invoices.retrieve(subscription.latest_invoice, {"expand": ["payments"]})
    line = invoice.lines.data[0]
    assert invoice.billing_reason == "subscription_create"
    assert invoice.parent.subscription_details.subscription == subscription.id
    assert invoice.parent.subscription_details.metadata.to_dict() == tags
    item = subscription["items"].data[0]
    assert (line.period.start, line.period.end) == (item.current_period_start, item.current_period_end)
    assert line.pricing.price_details.price == plan.id
    assert line.parent.subscription_item_details.subscription_item == item.id
    assert invoice.payments.data[0].amount_paid == 1500


def test_pay_a_yearly_plan(sandbox: SandboxServer, client: Any) -> None:
    yearly = shop.price(client, 21000, "year")
    subscription = shop.subscribe(sandbox, client, shop.customer(client), yearly)
    item = subscription["items"].data[0]
    assert 365 <= (item.current_period_end - item.current_period_start) / 86400 <= 366


@pytest.mark.parametrize("way", ["declined", "3ds_fail"])
def test_refuse_a_pack(sandbox: SandboxServer, client: Any, receiver: Receiver, way: str) -> None:
    pack = shop.price(client, 999, None)
    session = shop.checkout(client, shop.customer(client), pack)
    refused = sandbox.pay(session.id, way)

    assert refused["message"]
    assert client.checkout.sessions.retrieve(session.id).status == "open"
    failed = receiver.last("payment_intent.payment_failed")
    assert failed["last_payment_error"]["message"] == refused["message"]
    assert receiver.types()[-2:] == ["charge.failed", "payment_intent.payment_failed"]

    sandbox.pay(session.id)
    paid = client.checkout.sessions.retrieve(session.id)
    assert (paid.payment_status, paid.payment_intent) == ("paid", failed["id"])


def test_refuse_a_plan_leaves_no_subscription(sandbox: SandboxServer, client: Any) -> None:
    session = shop.checkout(client, shop.customer(client), shop.price(client, 1500))
    assert sandbox.pay(session.id, "declined")["message"] == "Your card was declined."
    assert client.subscriptions.list({"status": "all"}).data == []
    assert client.invoices.list().data == []


def test_pass_3ds(sandbox: SandboxServer, client: Any, receiver: Receiver) -> None:
    session = shop.checkout(client, shop.customer(client), shop.price(client, 999, None))
    paid = sandbox.pay(session.id, "3ds")["session"]
    assert paid["payment_status"] == "paid"
    intent = client.payment_intents.retrieve(paid["payment_intent"], {"expand": ["latest_charge"]})
    assert intent.latest_charge.payment_method_details.card.three_d_secure.result == "authenticated"
    assert "payment_intent.requires_action" in receiver.types()


@pytest.mark.parametrize(("outcome", "paid"), [("succeeded", "paid"), ("failed", "unpaid")])
def test_settle_a_delayed_pack(
    sandbox: SandboxServer, client: Any, receiver: Receiver, outcome: str, paid: str
) -> None:
    session = shop.checkout(client, shop.customer(client), shop.price(client, 999, None))
    sandbox.pay(session.id, "delayed")
    assert receiver.last("checkout.session.completed")["payment_status"] == "unpaid"
    receiver.types()

    sandbox.settle(session.id, outcome)

    assert receiver.types()[-1] == f"checkout.session.async_payment_{outcome}"
    assert client.checkout.sessions.retrieve(session.id).payment_status == paid
    with pytest.raises(RuntimeError, match="no delayed payment"):
        sandbox.settle(session.id, outcome)


def test_settle_a_delayed_pack_by_time(sandbox: SandboxServer, client: Any, receiver: Receiver) -> None:
    session = shop.checkout(client, shop.customer(client), shop.price(client, 999, None))
    sandbox.pay(session.id, "delayed")
    sandbox.advance(days=4)
    assert receiver.types()[-1] == "checkout.session.async_payment_succeeded"
    assert client.checkout.sessions.retrieve(session.id).payment_status == "paid"


def test_settle_a_delayed_plan(sandbox: SandboxServer, client: Any, receiver: Receiver) -> None:
    session = shop.checkout(client, shop.customer(client), shop.price(client, 1500))
    waiting = sandbox.pay(session.id, "delayed")["session"]
    assert client.subscriptions.retrieve(waiting["subscription"]).status == "incomplete"
    assert "invoice.paid" not in receiver.types()
    sandbox.advance(days=2)  # longer than an incomplete subscription lives, but the payment is under way
    assert client.subscriptions.retrieve(waiting["subscription"]).status == "incomplete"

    sandbox.settle(session.id)

    assert client.subscriptions.retrieve(waiting["subscription"]).status == "active"
    assert receiver.types()[-5:] == [
        *_PAID_INVOICE, "customer.subscription.updated", "checkout.session.async_payment_succeeded",
    ]  # fmt: skip
    sandbox.advance(days=31)
    assert [i.status for i in client.invoices.list().data] == ["paid", "paid"]


def test_fail_a_delayed_plan(sandbox: SandboxServer, client: Any, receiver: Receiver) -> None:
    session = shop.checkout(client, shop.customer(client), shop.price(client, 1500))
    waiting = sandbox.pay(session.id, "delayed")["session"]
    sandbox.settle(session.id, "failed")
    assert client.subscriptions.retrieve(waiting["subscription"]).status == "incomplete_expired"
    assert client.invoices.retrieve(waiting["invoice"]).status == "void"
    assert receiver.types()[-1] == "checkout.session.async_payment_failed"


def test_expire_a_session_by_time(sandbox: SandboxServer, client: Any, receiver: Receiver) -> None:
    session = shop.checkout(client, shop.customer(client), shop.price(client, 999, None))
    sandbox.advance(days=1)
    assert receiver.types()[-1] == "checkout.session.expired"
    gone = client.checkout.sessions.retrieve(session.id)
    assert (gone.status, gone.url) == ("expired", None)
    with pytest.raises(RuntimeError, match="expired"):
        sandbox.pay(session.id)


def test_expire_a_session_by_api(sandbox: SandboxServer, client: Any) -> None:
    session = shop.checkout(client, shop.customer(client), shop.price(client, 999, None))
    assert client.checkout.sessions.expire(session.id).status == "expired"
    with pytest.raises(stripe.InvalidRequestError):
        client.checkout.sessions.expire(session.id)
    assert [s.id for s in client.checkout.sessions.list({"status": "expired"}).data] == [session.id]


def test_pay_without_a_customer_as_guest(sandbox: SandboxServer, client: Any) -> None:
    pack = shop.price(client, 999, None)
    line = [{"price": pack.id, "quantity": 2}]
    session = client.checkout.sessions.create({"mode": "payment", "line_items": line, "success_url": shop.SUCCESS})
    paid = sandbox.pay(session.id)["session"]
    assert (paid["customer"], paid["amount_total"]) == (None, 1998)
    assert client.payment_intents.retrieve(paid["payment_intent"]).customer is None


@pytest.mark.parametrize(
    ("change", "param"),
    [
        ({"mode": "setup"}, "mode"),
        ({"line_items": [{"price": "price_none", "quantity": 1}]}, "line_items[0][price]"),
        ({"customer": "cus_none"}, "customer"),
        ({"subscription_data": {"metadata": {"a": "b"}}}, "subscription_data"),
        ({"success_url": "checkout/return"}, "success_url"),
        ({"expires_at": 1}, "expires_at"),
        ({"line_items": []}, "line_items"),
    ],
)
def test_refuse_a_session_that_stripe_would_refuse(client: Any, change: dict[str, Any], param: str) -> None:
    with pytest.raises(stripe.InvalidRequestError) as refused:
        shop.checkout(client, shop.customer(client), shop.price(client, 999, None), **change)
    assert (refused.value.http_status, refused.value.param) == (400, param)


def test_refuse_a_recurring_price_in_payment_mode(client: Any) -> None:
    with pytest.raises(stripe.InvalidRequestError, match="recurring"):
        shop.checkout(client, shop.customer(client), shop.price(client, 1500), mode="payment")
