"""The life of a subscription as the clock moves."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime
from typing import Any

import pytest
import stripe

from tests.sandbox import shop
from tests.sandbox.conftest import Receiver
from tests.sandbox_server import SandboxServer

_CHARGED = ["payment_intent.created", "charge.succeeded", "payment_intent.succeeded"]
_PAID = ["invoice.paid", "invoice.payment_succeeded", "invoice_payment.paid"]


def _days(*moments: int) -> list[str]:
    return [datetime.fromtimestamp(at, UTC).strftime("%m-%d") for at in moments]


def _until(sandbox: SandboxServer, month: int, day: int, hour: int = 9) -> datetime:
    """Move on to the next such date."""
    now = datetime.fromtimestamp(sandbox.world.now(), UTC)
    then = now.replace(month=month, day=day, hour=hour, minute=0, second=0)
    if then <= now:
        then = then.replace(year=then.year + 1)
    sandbox.advance(to=int(then.timestamp()))
    return then


def _item(subscription: Any) -> Any:
    return subscription["items"].data[0]


def test_renew_for_14_months_from_january_31(sandbox: SandboxServer, client: Any, receiver: Receiver) -> None:
    start = _until(sandbox, 1, 31)
    subscription = shop.subscribe(sandbox, client, shop.customer(client), shop.price(client, 1500))
    receiver.types()

    leap = "02-29" if start.year % 4 == 0 else "02-28"
    next_leap = "02-29" if (start.year + 1) % 4 == 0 else "02-28"
    ends = [_days(_item(subscription).current_period_end)[0]]
    for _ in range(14):
        target = _item(client.subscriptions.retrieve(subscription.id)).current_period_end
        sandbox.advance(to=target)
        ends += _days(_item(client.subscriptions.retrieve(subscription.id)).current_period_end)
    assert ends[:13] == [
        leap, "03-31", "04-30", "05-31", "06-30", "07-31", "08-31", "09-30", "10-31", "11-30", "12-31", "01-31",
        next_leap,
    ]  # fmt: skip

    invoices = list(client.invoices.list({"subscription": subscription.id, "limit": 3}).auto_paging_iter())
    assert [i.billing_reason for i in reversed(invoices)] == ["subscription_create", *["subscription_cycle"] * 14]
    assert {i.status for i in invoices} == {"paid"}
    periods = [(i.lines.data[0].period.start, i.lines.data[0].period.end) for i in reversed(invoices)]
    assert all(before[1] == after[0] for before, after in itertools.pairwise(periods))
    assert receiver.types().count("invoice.paid") == 14


def test_renew_in_order_and_in_time(sandbox: SandboxServer, client: Any, receiver: Receiver) -> None:
    subscription = shop.subscribe(sandbox, client, shop.customer(client), shop.price(client, 1500))
    end = _item(subscription).current_period_end
    receiver.types()
    ahead: list[tuple[str, int]] = []
    original = type(receiver).__call__

    def watch(body: bytes, signature: str) -> int:
        status = original(receiver, body, signature)
        event = receiver.events[-1]
        offset = int(sandbox.clock_file.read_text())
        ahead.append((event["type"], int(datetime.now(UTC).timestamp()) + offset - event["created"]))
        return status

    object.__setattr__(sandbox.world.settings, "deliver", watch)
    sandbox.advance(to=end)

    # The receiver's clock is never behind the event it is told of, and not far ahead of it either.
    assert all(0 <= lead <= 2 for _, lead in ahead)
    assert [type_ for type_, _ in ahead] == [
        "invoice.created", "customer.subscription.updated", "invoice.finalized", *_CHARGED, *_PAID,
    ]  # fmt: skip
    created = next(e for e in receiver.events if e["type"] == "invoice.created")
    paid = next(e for e in receiver.events if e["type"] == "invoice.paid")
    assert (created["created"], paid["created"]) == (end, end + 3600)
    assert created["data"]["object"]["status"] == "draft"
    assert paid["data"]["object"]["lines"]["data"][0]["period"]["start"] == end
    updated = next(e for e in receiver.events if e["type"] == "customer.subscription.updated")
    assert set(updated["data"]["previous_attributes"]) == {"items", "latest_invoice"}


def test_leave_a_renewal_as_draft_without_settling(sandbox: SandboxServer, client: Any) -> None:
    subscription = shop.subscribe(sandbox, client, shop.customer(client), shop.price(client, 1500))
    sandbox.advance(to=_item(subscription).current_period_end, settle=False)
    draft = client.invoices.list({"status": "draft"}).data[0]
    assert draft.automatically_finalizes_at == draft.created + 3600
    assert client.invoices.finalize_invoice(draft.id).status == "paid"


def test_renew_yearly(sandbox: SandboxServer, client: Any) -> None:
    subscription = shop.subscribe(sandbox, client, shop.customer(client), shop.price(client, 21000, "year"))
    sandbox.advance(days=364)
    assert len(client.invoices.list().data) == 1
    sandbox.advance(days=2)
    renewal = client.invoices.list().data[0]
    assert (renewal.billing_reason, renewal.amount_paid) == ("subscription_cycle", 21000)
    assert renewal.lines.data[0].period.start == _item(subscription).current_period_end


def test_fail_a_renewal_and_recover_by_a_new_card(sandbox: SandboxServer, client: Any, receiver: Receiver) -> None:
    buyer = shop.customer(client)
    subscription = shop.subscribe(sandbox, client, buyer, shop.price(client, 1500))
    sandbox.control(f"customers/{buyer.id}/card", {"behaviour": "decline"})
    receiver.types()

    sandbox.advance(to=_item(subscription).current_period_end)

    failed = receiver.last("invoice.payment_failed")
    assert (failed["status"], failed["attempt_count"]) == ("open", 1)
    assert failed["next_payment_attempt"] - receiver.last("invoice.finalized")["effective_at"] == 3 * 86400
    assert receiver.types()[-4:] == [
        "charge.failed", "payment_intent.payment_failed", "invoice.payment_failed", "customer.subscription.updated",
    ]  # fmt: skip
    assert client.subscriptions.retrieve(subscription.id).status == "past_due"
    with pytest.raises(stripe.CardError) as refused:
        client.invoices.pay(failed["id"])
    assert (refused.value.http_status, refused.value.code) == (402, "card_declined")

    sandbox.control(f"customers/{buyer.id}/new_card", {})
    receiver.types()
    assert client.invoices.pay(failed["id"]).status == "paid"
    sandbox.flush()
    assert receiver.types() == ["charge.succeeded", "payment_intent.succeeded", *_PAID, "customer.subscription.updated"]
    assert client.subscriptions.retrieve(subscription.id).status == "active"


def test_retry_a_renewal_by_itself(sandbox: SandboxServer, client: Any, receiver: Receiver) -> None:
    buyer = shop.customer(client)
    subscription = shop.subscribe(sandbox, client, buyer, shop.price(client, 1500))
    sandbox.control(f"customers/{buyer.id}/card", {"behaviour": "decline_once"})
    sandbox.advance(to=_item(subscription).current_period_end)
    assert client.subscriptions.retrieve(subscription.id).status == "past_due"
    sandbox.advance(days=3)
    paid = receiver.last("invoice.paid")
    assert (paid["attempt_count"], paid["amount_paid"]) == (2, 1500)
    assert client.subscriptions.retrieve(subscription.id).status == "active"


def test_give_up_after_the_last_retry(sandbox: SandboxServer, client: Any, receiver: Receiver) -> None:
    buyer = shop.customer(client)
    subscription = shop.subscribe(sandbox, client, buyer, shop.price(client, 1500))
    sandbox.control(f"customers/{buyer.id}/card", {"behaviour": "decline"})
    end = _item(subscription).current_period_end
    sandbox.advance(to=end)
    sandbox.advance(days=20)

    tries = [e for e in receiver.events if e["type"] == "invoice.payment_failed"]
    due = end + 3600
    assert [e["created"] - due for e in tries] == [0, 3 * 86400, 8 * 86400, 15 * 86400]
    assert [e["data"]["object"]["attempt_count"] for e in tries] == [1, 2, 3, 4]
    gone = receiver.last("customer.subscription.deleted")
    assert (gone["status"], gone["cancellation_details"]["reason"]) == ("canceled", "payment_failed")
    assert client.invoices.list({"subscription": subscription.id}).data[0].status == "open"
    count = len(receiver.events)
    sandbox.advance(days=60)
    assert len(receiver.events) == count


def test_cancel_at_period_end_and_undo(sandbox: SandboxServer, client: Any, receiver: Receiver) -> None:
    subscription = shop.subscribe(sandbox, client, shop.customer(client), shop.price(client, 1500))
    end = _item(subscription).current_period_end
    receiver.types()
    leaving = client.subscriptions.update(subscription.id, {"cancel_at_period_end": True})
    assert (leaving.cancel_at, leaving.cancel_at_period_end, leaving.status) == (end, True, "active")
    staying = client.subscriptions.update(subscription.id, {"cancel_at_period_end": False})
    assert (staying.cancel_at, staying.canceled_at) == (None, None)
    client.subscriptions.update(subscription.id, {"cancel_at": "min_period_end"})
    sandbox.flush()
    assert receiver.types() == ["customer.subscription.updated"] * 3

    sandbox.advance(to=end)

    assert receiver.types() == ["customer.subscription.deleted"]
    gone = client.subscriptions.retrieve(subscription.id)
    assert (gone.status, gone.ended_at) == ("canceled", end)
    assert client.subscriptions.list().data == []
    assert [s.id for s in client.subscriptions.list({"status": "all"}).data] == [subscription.id]


def test_cancel_now(sandbox: SandboxServer, client: Any, receiver: Receiver) -> None:
    subscription = shop.subscribe(sandbox, client, shop.customer(client), shop.price(client, 1500))
    gone = client.subscriptions.cancel(subscription.id)
    assert (gone.status, gone.cancellation_details.reason) == ("canceled", "cancellation_requested")
    with pytest.raises(stripe.InvalidRequestError) as refused:
        client.subscriptions.cancel(subscription.id)
    assert (refused.value.http_status, refused.value.code) == (404, "resource_missing")


def test_end_a_trial(sandbox: SandboxServer, client: Any, receiver: Receiver) -> None:
    plan = shop.price(client, 1500)
    subscription = shop.subscribe(
        sandbox, client, shop.customer(client), plan, subscription_data={"trial_period_days": 14}
    )
    first = client.invoices.retrieve(subscription.latest_invoice)
    assert (subscription.status, first.status, first.amount_paid) == ("trialing", "paid", 0)
    assert [line.amount for line in first.lines.data] == [0]
    assert first.lines.data[0].period.end == subscription.trial_end
    assert receiver.last("checkout.session.completed")["payment_status"] == "no_payment_required"
    receiver.types()

    sandbox.advance(days=15)

    types = receiver.types()
    assert types[:3] == ["customer.subscription.trial_will_end", "invoice.created", "customer.subscription.updated"]
    running = client.subscriptions.retrieve(subscription.id)
    assert (running.status, _item(running).current_period_start) == ("active", subscription.trial_end)
    assert client.invoices.retrieve(running.latest_invoice).amount_paid == 1500


def test_end_a_trial_early(sandbox: SandboxServer, client: Any) -> None:
    data = {"trial_period_days": 14}
    subscription = shop.subscribe(
        sandbox, client, shop.customer(client), shop.price(client, 1500), subscription_data=data
    )
    client.subscriptions.update(subscription.id, {"trial_end": "now"})
    assert client.subscriptions.retrieve(subscription.id).status == "active"
    assert [i.amount_paid for i in client.invoices.list().data] == [1500, 0]


@pytest.mark.parametrize(("behavior", "status"), [("void", "void"), ("mark_uncollectible", "uncollectible")])
def test_pause_collection(sandbox: SandboxServer, client: Any, behavior: str, status: str) -> None:
    subscription = shop.subscribe(sandbox, client, shop.customer(client), shop.price(client, 1500))
    client.subscriptions.update(subscription.id, {"pause_collection": {"behavior": behavior}})
    sandbox.advance(days=32)
    assert client.invoices.list().data[0].status == status
    resumed = client.subscriptions.update(subscription.id, {"pause_collection": ""})
    assert (resumed.pause_collection, resumed.status) == (None, "active")


def test_pay_an_invoice_out_of_band(sandbox: SandboxServer, client: Any, receiver: Receiver) -> None:
    buyer = shop.customer(client)
    subscription = shop.subscribe(sandbox, client, buyer, shop.price(client, 1500))
    sandbox.control(f"customers/{buyer.id}/card", {"behaviour": "decline"})
    sandbox.advance(to=_item(subscription).current_period_end)
    unpaid = client.invoices.list({"status": "open"}).data[0]
    paid = client.invoices.pay(unpaid.id, {"paid_out_of_band": True})
    assert (paid.status, paid.amount_paid, paid.amount_paid_off_stripe) == ("paid", 1500, 1500)
    assert client.invoice_payments.list({"invoice": paid.id, "status": "paid"}).data == []
    assert client.subscriptions.retrieve(subscription.id).status == "active"


def test_void_and_write_off(sandbox: SandboxServer, client: Any, receiver: Receiver) -> None:
    buyer = shop.customer(client)
    shop.subscribe(sandbox, client, buyer, shop.price(client, 1500))
    sandbox.control(f"customers/{buyer.id}/card", {"behaviour": "decline"})
    sandbox.advance(days=32)
    unpaid = client.invoices.list({"status": "open"}).data[0]
    assert client.invoices.mark_uncollectible(unpaid.id).status_details.uncollectible.reason == "user_forgiven"
    assert client.invoices.void_invoice(unpaid.id).status == "void"
    with pytest.raises(stripe.InvalidRequestError):
        client.invoices.pay(unpaid.id)
    sandbox.flush()
    assert receiver.types()[-3:] == ["invoice.marked_uncollectible", "payment_intent.canceled", "invoice.voided"]


def test_create_on_a_stored_card(sandbox: SandboxServer, client: Any) -> None:
    buyer, plan = shop.customer(client), shop.price(client, 1500)
    with pytest.raises(stripe.InvalidRequestError, match="no attached payment source"):
        client.subscriptions.create({"customer": buyer.id, "items": [{"price": plan.id}]})
    sandbox.control(f"customers/{buyer.id}/new_card", {})
    made = client.subscriptions.create(
        {"customer": buyer.id, "items": [{"price": plan.id}], "expand": ["latest_invoice"]}
    )
    assert (made.status, made.latest_invoice.amount_paid) == ("active", 1500)


def test_expire_an_incomplete_subscription(sandbox: SandboxServer, client: Any) -> None:
    buyer, plan = shop.customer(client), shop.price(client, 1500)
    sandbox.control(f"customers/{buyer.id}/new_card", {"behaviour": "decline"})
    with pytest.raises(stripe.CardError):
        client.subscriptions.create(
            {"customer": buyer.id, "items": [{"price": plan.id}], "payment_behavior": "error_if_incomplete"}
        )
    made = client.subscriptions.create({"customer": buyer.id, "items": [{"price": plan.id}]})
    assert made.status == "incomplete"
    sandbox.advance(seconds=23 * 3600)
    assert client.subscriptions.retrieve(made.id).status == "incomplete_expired"
    assert client.invoices.retrieve(made.latest_invoice).status == "void"


def test_delete_a_customer_with_subscriptions(sandbox: SandboxServer, client: Any, receiver: Receiver) -> None:
    buyer = shop.customer(client)
    subscription = shop.subscribe(sandbox, client, buyer, shop.price(client, 1500))
    receiver.types()
    assert client.customers.delete(buyer.id).deleted is True
    sandbox.flush()
    assert receiver.types() == ["customer.subscription.deleted", "customer.deleted"]
    assert client.customers.retrieve(buyer.id).deleted is True
    assert client.subscriptions.retrieve(subscription.id).status == "canceled"
    with pytest.raises(stripe.InvalidRequestError, match="No such customer"):
        shop.checkout(client, buyer, shop.price(client, 999, None))


def test_advance_a_test_clock(sandbox: SandboxServer, client: Any, receiver: Receiver) -> None:
    now = sandbox.world.now()
    clock = client.test_helpers.test_clocks.create({"frozen_time": now, "name": "month"})
    buyer = client.customers.create({"email": "t@example.com", "test_clock": clock.id})
    shop.subscribe(sandbox, client, buyer, shop.price(client, 1500))
    client.test_helpers.test_clocks.advance(clock.id, {"frozen_time": now + 40 * 86400})
    for _ in range(200):
        if client.test_helpers.test_clocks.retrieve(clock.id).status == "ready":
            break
    assert client.test_helpers.test_clocks.retrieve(clock.id).frozen_time == now + 40 * 86400
    sandbox.flush()
    assert receiver.types()[-1] == "test_helpers.test_clock.ready"
    assert len(client.invoices.list().data) == 2


def test_settle_for_a_customer_who_is_gone(sandbox: SandboxServer, client: Any, receiver: Receiver) -> None:
    buyer = shop.customer(client)
    session = shop.checkout(client, buyer, shop.price(client, 1500))
    sandbox.pay(session.id, "delayed")
    client.customers.delete(buyer.id)
    sandbox.advance(days=40)
    assert receiver.types()[-1] == "checkout.session.async_payment_succeeded"
