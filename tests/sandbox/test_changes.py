"""Upgrades, downgrades, schedules, coupons: the amounts, to the minor unit."""

from __future__ import annotations

from typing import Any

import pytest
import requests
import stripe

from tests.sandbox import shop
from tests.sandbox.conftest import Receiver
from tests.sandbox_server import SandboxServer


def _item(subscription: Any) -> Any:
    return subscription["items"].data[0]


def _halfway(sandbox: SandboxServer, subscription: Any) -> tuple[int, int]:
    """Move to the middle of the period; returns its length and what is left of it (seconds) as a function of now."""
    item = _item(subscription)
    length = item.current_period_end - item.current_period_start
    sandbox.advance(to=item.current_period_start + length // 2)
    return length, item.current_period_end


def _rounded(amount: int, part: int, whole: int) -> int:
    return (2 * amount * part + whole) // (2 * whole)


def test_upgrade_now_and_pay_the_difference(sandbox: SandboxServer, client: Any, receiver: Receiver) -> None:
    basic = shop.price(client, 1500)
    premium = shop.price(client, 2900, product="saldo_plan_premium")
    subscription = shop.subscribe(sandbox, client, shop.customer(client), basic)
    length, end = _halfway(sandbox, subscription)
    receiver.types()

    client.subscriptions.update(
        subscription.id,
        {
            "items": [{"id": _item(subscription).id, "price": premium.id}],
            "proration_behavior": "always_invoice",
            "payment_behavior": "pending_if_incomplete",
        },
    )

    sandbox.flush()
    paid = receiver.last("invoice.paid")
    lines = paid["lines"]["data"]
    left = end - lines[0]["period"]["start"]
    assert paid["billing_reason"] == "subscription_update"
    assert [line["amount"] for line in lines] == [-_rounded(1500, left, length), _rounded(2900, left, length)]
    assert paid["amount_paid"] == sum(line["amount"] for line in lines)
    assert [line["pricing"]["price_details"]["price"] for line in lines] == [basic.id, premium.id]
    assert all(line["parent"]["subscription_item_details"]["proration"] for line in lines)
    assert {line["period"]["end"] for line in lines} == {end}
    credited = lines[0]["parent"]["subscription_item_details"]["proration_details"]["credited_items"]
    assert credited["invoice"] == subscription.latest_invoice
    assert receiver.types() == [
        "customer.subscription.updated", "invoice.created", "invoice.finalized", "payment_intent.created",
        "charge.succeeded", "payment_intent.succeeded", "invoice.paid", "invoice.payment_succeeded",
        "invoice_payment.paid",
    ]  # fmt: skip
    after = client.subscriptions.retrieve(subscription.id)
    assert (_item(after).price.id, _item(after).current_period_end) == (premium.id, end)


def test_preview_an_upgrade_to_the_cent(sandbox: SandboxServer, client: Any) -> None:
    basic = shop.price(client, 1500)
    premium = shop.price(client, 2900, product="saldo_plan_premium")
    subscription = shop.subscribe(sandbox, client, shop.customer(client), basic)
    length, end = _halfway(sandbox, subscription)
    items = [{"id": _item(subscription).id, "price": premium.id}]
    at = end - length // 2
    preview = client.invoices.create_preview(
        {
            "subscription": subscription.id,
            "subscription_details": {"items": items, "proration_behavior": "always_invoice", "proration_date": at},
        }
    )
    assert preview.id.startswith("upcoming_in_")
    assert preview.amount_due == _rounded(2900, end - at, length) - _rounded(1500, end - at, length)
    assert len(client.invoices.list().data) == 1
    assert _item(client.subscriptions.retrieve(subscription.id)).price.id == basic.id

    client.subscriptions.update(
        subscription.id, {"items": items, "proration_behavior": "always_invoice", "proration_date": at}
    )
    assert client.invoices.list().data[0].amount_paid == preview.amount_due

    upcoming = client.invoices.create_preview({"subscription": subscription.id})
    assert (upcoming.billing_reason, upcoming.amount_due) == ("upcoming", 2900)


def test_keep_an_unpaid_upgrade_pending(sandbox: SandboxServer, client: Any, receiver: Receiver) -> None:
    buyer = shop.customer(client)
    basic = shop.price(client, 1500)
    premium = shop.price(client, 2900, product="saldo_plan_premium")
    subscription = shop.subscribe(sandbox, client, buyer, basic)
    sandbox.control(f"customers/{buyer.id}/card", {"behaviour": "decline"})
    change = {
        "items": [{"id": _item(subscription).id, "price": premium.id}],
        "proration_behavior": "always_invoice",
        "payment_behavior": "pending_if_incomplete",
    }
    waiting = client.subscriptions.update(subscription.id, change)
    assert (waiting.status, _item(waiting).price.id) == ("active", basic.id)
    assert waiting.pending_update.subscription_items[0].price.id == premium.id

    sandbox.control(f"customers/{buyer.id}/card", {"behaviour": "ok"})
    client.invoices.pay(waiting.latest_invoice)
    sandbox.flush()
    assert receiver.types()[-2:] == ["customer.subscription.pending_update_applied", "customer.subscription.updated"]
    after = client.subscriptions.retrieve(subscription.id)
    assert (_item(after).price.id, after.pending_update) == (premium.id, None)


def test_drop_an_upgrade_that_stays_unpaid(sandbox: SandboxServer, client: Any, receiver: Receiver) -> None:
    buyer = shop.customer(client)
    basic = shop.price(client, 1500)
    premium = shop.price(client, 2900, product="saldo_plan_premium")
    subscription = shop.subscribe(sandbox, client, buyer, basic)
    sandbox.control(f"customers/{buyer.id}/card", {"behaviour": "decline"})
    items = [{"id": _item(subscription).id, "price": premium.id}]
    always = {"items": items, "proration_behavior": "always_invoice"}
    with pytest.raises(stripe.CardError):
        client.subscriptions.update(subscription.id, {**always, "payment_behavior": "error_if_incomplete"})
    assert _item(client.subscriptions.retrieve(subscription.id)).price.id == basic.id
    waiting = client.subscriptions.update(subscription.id, {**always, "payment_behavior": "pending_if_incomplete"})
    sandbox.advance(days=1)
    assert receiver.types()[-2:] == ["invoice.voided", "customer.subscription.pending_update_expired"]
    assert client.invoices.retrieve(waiting.latest_invoice).status == "void"
    after = client.subscriptions.retrieve(subscription.id)
    assert (after.status, _item(after).price.id, after.pending_update) == ("active", basic.id, None)


def test_confirm_an_upgrade_by_3ds(sandbox: SandboxServer, client: Any, receiver: Receiver) -> None:
    buyer = shop.customer(client)
    premium = shop.price(client, 2900, product="saldo_plan_premium")
    subscription = shop.subscribe(sandbox, client, buyer, shop.price(client, 1500))
    sandbox.control(f"customers/{buyer.id}/card", {"behaviour": "3ds"})
    change = {
        "items": [{"id": _item(subscription).id, "price": premium.id}],
        "proration_behavior": "always_invoice",
        "payment_behavior": "pending_if_incomplete",
    }
    waiting = client.subscriptions.update(subscription.id, {**change, "expand": ["latest_invoice.payments"]})
    assert "invoice.payment_action_required" in receiver.types()
    intent = waiting.latest_invoice.payments.data[0].payment.payment_intent
    assert client.payment_intents.retrieve(intent).status == "requires_action"
    assert "Confirm the payment" in requests.get(waiting.latest_invoice.hosted_invoice_url, timeout=5).text
    challenge = client.payment_intents.retrieve(intent).next_action.redirect_to_url.url
    requests.post(challenge, data={"result": "passed"}, timeout=5)
    assert _item(client.subscriptions.retrieve(subscription.id)).price.id == premium.id


def test_put_prorations_on_the_next_invoice(sandbox: SandboxServer, client: Any) -> None:
    premium = shop.price(client, 2900, product="saldo_plan_premium")
    subscription = shop.subscribe(sandbox, client, shop.customer(client), shop.price(client, 1500))
    length, end = _halfway(sandbox, subscription)
    client.subscriptions.update(subscription.id, {"items": [{"id": _item(subscription).id, "price": premium.id}]})
    assert len(client.invoices.list().data) == 1
    sandbox.advance(to=end)
    renewal = client.invoices.list().data[0]
    lines = renewal.lines.data
    left = end - lines[0].period.start
    assert [line.amount for line in lines] == [-_rounded(1500, left, length), _rounded(2900, left, length), 2900]
    assert (renewal.billing_reason, renewal.amount_paid) == ("subscription_cycle", sum(line.amount for line in lines))


def test_credit_the_customer_when_a_change_is_worth_less(
    sandbox: SandboxServer, client: Any, receiver: Receiver
) -> None:
    buyer = shop.customer(client)
    premium = shop.price(client, 2900, product="saldo_plan_premium")
    subscription = shop.subscribe(sandbox, client, buyer, premium)
    basic = shop.price(client, 1500)
    _, end = _halfway(sandbox, subscription)
    client.subscriptions.update(
        subscription.id,
        {"items": [{"id": _item(subscription).id, "price": basic.id}], "proration_behavior": "always_invoice"},
    )
    change = client.invoices.list().data[0]
    assert change.total < 0
    assert (change.status, change.amount_due, change.amount_paid) == ("paid", 0, 0)
    assert client.customers.retrieve(buyer.id).balance == change.total == change.ending_balance
    sandbox.advance(to=end)
    renewal = client.invoices.list().data[0]
    assert (renewal.total, renewal.amount_paid) == (1500, 1500 + change.total)
    assert renewal.starting_balance == change.total
    assert client.customers.retrieve(buyer.id).balance == 0


def test_switch_to_yearly_now(sandbox: SandboxServer, client: Any) -> None:
    yearly = shop.price(client, 21000, "year")
    subscription = shop.subscribe(sandbox, client, shop.customer(client), shop.price(client, 1500))
    length, old_end = _halfway(sandbox, subscription)
    client.subscriptions.update(
        subscription.id,
        {"items": [{"id": _item(subscription).id, "price": yearly.id}], "proration_behavior": "always_invoice"},
    )
    lines = client.invoices.list().data[0].lines.data
    start = lines[1].period.start
    assert [line.amount for line in lines] == [-_rounded(1500, old_end - start, length), 21000]
    assert [line.parent.subscription_item_details.proration for line in lines] == [True, False]
    after = client.subscriptions.retrieve(subscription.id)
    assert (after.billing_cycle_anchor, _item(after).current_period_start) == (start, start)
    assert _item(after).current_period_end == lines[1].period.end


def test_change_seats(sandbox: SandboxServer, client: Any) -> None:
    plan = shop.price(client, 1000)
    subscription = shop.subscribe(sandbox, client, shop.customer(client), plan)
    client.subscriptions.update(
        subscription.id,
        {"items": [{"id": _item(subscription).id, "quantity": 3}], "proration_behavior": "none"},
    )
    sandbox.advance(days=32)
    assert client.invoices.list().data[0].amount_paid == 3000
    assert client.invoices.list().data[0].lines.data[0].quantity == 3


def test_downgrade_at_period_end_by_a_schedule(sandbox: SandboxServer, client: Any, receiver: Receiver) -> None:
    premium = shop.price(client, 2900, product="saldo_plan_premium")
    basic = shop.price(client, 1500)
    subscription = shop.subscribe(sandbox, client, shop.customer(client), premium)
    end = _item(subscription).current_period_end
    schedule = client.subscription_schedules.create({"from_subscription": subscription.id})
    running = schedule.phases[0]
    client.subscription_schedules.update(
        schedule.id,
        {
            "end_behavior": "release",
            "phases": [
                {
                    "start_date": running.start_date,
                    "end_date": running.end_date,
                    "items": [{"price": premium.id, "quantity": 1}],
                },
                {
                    "items": [{"price": basic.id, "quantity": 1}],
                    "duration": {"interval": "month", "interval_count": 1},
                    "proration_behavior": "none",
                    "metadata": {"saldo_plan": "basic"},
                },
            ],
        },
    )
    assert client.subscriptions.retrieve(subscription.id).schedule == schedule.id
    with pytest.raises(stripe.InvalidRequestError, match="managed by the subscription schedule"):
        client.subscriptions.update(subscription.id, {"cancel_at_period_end": True})
    receiver.types()

    sandbox.advance(to=end)

    after = client.subscriptions.retrieve(subscription.id)
    assert (_item(after).price.id, after.metadata.to_dict()) == (basic.id, {"saldo_plan": "basic"})
    assert client.invoices.list().data[0].amount_paid == 1500
    assert receiver.types()[:2] == ["subscription_schedule.updated", "customer.subscription.updated"]
    sandbox.advance(days=32)
    done = client.subscription_schedules.retrieve(schedule.id)
    assert (done.status, client.subscriptions.retrieve(subscription.id).schedule) == ("completed", None)


def test_release_a_schedule(sandbox: SandboxServer, client: Any, receiver: Receiver) -> None:
    subscription = shop.subscribe(sandbox, client, shop.customer(client), shop.price(client, 1500))
    schedule = client.subscription_schedules.create({"from_subscription": subscription.id})
    released = client.subscription_schedules.release(schedule.id)
    assert (released.status, released.released_subscription) == ("released", subscription.id)
    sandbox.flush()
    assert receiver.types()[-2:] == ["subscription_schedule.released", "customer.subscription.updated"]
    assert client.subscriptions.update(subscription.id, {"cancel_at_period_end": True}).cancel_at_period_end


def _coupon(client: Any, **fields: Any) -> Any:
    return client.coupons.create({"duration": "once", **fields})


def test_take_a_percentage_off_once(sandbox: SandboxServer, client: Any) -> None:
    coupon = _coupon(client, percent_off=33.3)
    subscription = shop.subscribe(
        sandbox, client, shop.customer(client), shop.price(client, 1500), discounts=[{"coupon": coupon.id}]
    )
    first = client.invoices.retrieve(subscription.latest_invoice, {"expand": ["discounts"]})
    assert (first.subtotal, first.total, first.amount_paid) == (1500, 1000, 1000)  # 499.5 is rounded up to 500
    assert [d.amount for d in first.total_discount_amounts] == [500]
    assert [d.amount for d in first.lines.data[0].discount_amounts] == [500]
    assert first.discounts[0].source.coupon == coupon.id
    sandbox.advance(days=32)
    assert client.invoices.list().data[0].amount_paid == 1500
    assert client.coupons.retrieve(coupon.id).times_redeemed == 1


def test_take_an_amount_off_for_some_months(sandbox: SandboxServer, client: Any) -> None:
    coupon = _coupon(client, amount_off=400, currency="usd", duration="repeating", duration_in_months=2)
    shop.subscribe(sandbox, client, shop.customer(client), shop.price(client, 1500), discounts=[{"coupon": coupon.id}])
    for _ in range(2):
        sandbox.advance(days=32)
    assert [i.amount_paid for i in client.invoices.list().data] == [1500, 1100, 1100]


def test_pay_nothing_with_everything_off(sandbox: SandboxServer, client: Any, receiver: Receiver) -> None:
    coupon = _coupon(client, percent_off=100, duration="forever")
    plan = shop.price(client, 1500)
    subscription = shop.subscribe(sandbox, client, shop.customer(client), plan, discounts=[{"coupon": coupon.id}])
    sandbox.advance(days=32)
    invoices = client.invoices.list({"subscription": subscription.id}).data
    assert [(i.status, i.subtotal, i.total, i.amount_paid) for i in invoices] == [("paid", 1500, 0, 0)] * 2
    assert client.payment_intents.list().data == []
    assert client.invoice_payments.list({"invoice": invoices[0].id}).data == []
    assert receiver.last("checkout.session.completed")["payment_status"] == "no_payment_required"


def test_enter_a_promotion_code(sandbox: SandboxServer, client: Any) -> None:
    coupon = _coupon(client, percent_off=20)
    client.promotion_codes.create(
        {"promotion": {"type": "coupon", "coupon": coupon.id}, "code": "HELLO20", "max_redemptions": 1}
    )
    pack = shop.price(client, 1000, None)
    session = shop.checkout(client, shop.customer(client), pack, allow_promotion_codes=True)
    with pytest.raises(RuntimeError, match="invalid"):
        sandbox.pay(session.id, promotion_code="NOPE")
    paid = sandbox.pay(session.id, promotion_code="hello20")["session"]
    assert (paid["amount_subtotal"], paid["amount_total"]) == (1000, 800)
    assert paid["total_details"]["amount_discount"] == 200
    assert client.payment_intents.retrieve(paid["payment_intent"]).amount == 800
    again = shop.checkout(client, shop.customer(client), pack, allow_promotion_codes=True)
    with pytest.raises(RuntimeError, match="cannot be redeemed"):
        sandbox.pay(again.id, promotion_code="HELLO20")


def test_sell_a_pack_for_nothing(sandbox: SandboxServer, client: Any) -> None:
    coupon = _coupon(client, percent_off=100)
    session = shop.checkout(
        client, shop.customer(client), shop.price(client, 1000, None), discounts=[{"coupon": coupon.id}]
    )
    paid = sandbox.pay(session.id)["session"]
    assert (paid["payment_status"], paid["amount_total"], paid["payment_intent"]) == ("no_payment_required", 0, None)


def test_refuse_an_old_style_promotion_code(client: Any) -> None:
    coupon = _coupon(client, percent_off=20)
    with pytest.raises(stripe.InvalidRequestError) as refused:
        client.promotion_codes.create({"coupon": coupon.id})
    assert (refused.value.code, refused.value.param) == ("parameter_unknown", "coupon")


def test_keep_running_discounts_when_their_coupon_is_deleted(sandbox: SandboxServer, client: Any) -> None:
    coupon = _coupon(client, percent_off=10, duration="forever")
    shop.subscribe(sandbox, client, shop.customer(client), shop.price(client, 1500), discounts=[{"coupon": coupon.id}])
    assert client.coupons.delete(coupon.id).deleted is True
    sandbox.advance(days=32)
    assert [i.amount_paid for i in client.invoices.list().data] == [1350, 1350]


def test_keep_waiting_prorations_when_a_pending_change_is_dropped(sandbox: SandboxServer, client: Any) -> None:
    buyer = shop.customer(client)
    premium = shop.price(client, 2900, product="saldo_plan_premium")
    subscription = shop.subscribe(sandbox, client, buyer, shop.price(client, 1500))
    _halfway(sandbox, subscription)
    key = _item(subscription).id
    client.subscriptions.update(subscription.id, {"items": [{"id": key, "quantity": 2}]})
    sandbox.control(f"customers/{buyer.id}/card", {"behaviour": "decline"})
    client.subscriptions.update(
        subscription.id,
        {
            "items": [{"id": key, "price": premium.id}],
            "proration_behavior": "always_invoice",
            "payment_behavior": "pending_if_incomplete",
        },
    )
    sandbox.advance(days=2)
    sandbox.control(f"customers/{buyer.id}/card", {"behaviour": "ok"})
    sandbox.advance(to=_item(subscription).current_period_end)
    renewal = client.invoices.list().data[0]
    assert [line.parent.subscription_item_details.proration for line in renewal.lines.data] == [True, True, False]
    assert renewal.lines.data[2].amount == 3000
