"""Money goes back by the desk, the Dashboard or the bank, at once, late or not at all: the credits follow it."""

from __future__ import annotations

import copy
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from billing import customers, spending
from billing.money import MICRO
from billing.spending import Order
from tests.flows.conftest import Town
from tests.flows.people import Customer, Page, Staff

pytestmark = pytest.mark.force


@pytest.fixture(scope="module")
def sam(town: Town) -> Staff:
    """Somebody at the desk."""
    return town.hire("sam@example.com")


def bought(town: Town, email: str) -> tuple[Customer, dict[str, Any]]:
    """A customer with 60 credits of the sign-up and a pack of 100 for 4.99, and its payment."""
    eva = town.customer(email)
    eva.choose_pack("100 credits")
    eva.pay()
    town.sandbox.flush()
    return eva, town.payment(eva)


def spend(town: Town, customer: Customer, credits: int) -> None:
    """What an app does when the customer uses it; the pack ends first, and so is spent first."""
    with town.installation.inside() as app, app.app_context():
        account_id = customers.find_customer(town.id_of(customer)).account_id
        spending.debit(account_id, Order(amount=credits * MICRO), actor="app:test")


def give_back_at_stripe(town: Town, payment: dict[str, Any], **fields: Any) -> dict[str, Any]:
    """A refund that somebody makes in Stripe's Dashboard."""
    made = town.sandbox.control("refunds", {"payment_intent": payment["stripe"]["payment_intent"], **fields})
    town.sandbox.flush()
    return dict(made)


def dispute(town: Town, payment: dict[str, Any], **fields: Any) -> Callable[[str], None]:
    """The cardholder's bank asks for the money; gives back how the bank decides."""
    intent = payment["stripe"]["payment_intent"]
    opened = town.sandbox.control("disputes", {"payment_intent": intent, **fields})
    town.sandbox.flush()

    def decide(status: str) -> None:
        town.sandbox.control(f"disputes/{opened['id']}", {"status": status})
        town.sandbox.flush()

    return decide


def refunds_at_stripe(town: Town, payment: dict[str, Any]) -> list[Any]:
    found = town.sandbox.client.v1.refunds.list({"payment_intent": payment["stripe"]["payment_intent"]})
    return list(found.data)


def taken(town: Town, customer: Customer) -> list[tuple[str, float]]:
    """Reason and credits of each REFUND entry, oldest first."""
    return [(reason, amount) for kind, reason, amount in town.entries(customer) if kind == "REFUND"]


def figures(town: Town, customer: Customer) -> tuple[float, float, float, float]:
    balance = town.balance(customer)
    return balance["balance"], balance["available"], balance["frozen"], balance["debt"]


def test_dashboard_refund_takes_credits_in_proportion__F076_F086(town: Town, sam: Staff) -> None:
    eva, payment = bought(town, "dashboard@example.com")
    give_back_at_stripe(town, payment, amount=150)
    assert taken(town, eva) == [("payment_refunded", -31)]  # 30.06, to a whole credit
    give_back_at_stripe(town, payment, amount=150)
    assert taken(town, eva) == [("payment_refunded", -31), ("payment_refunded", -30)]  # 60.12 in all
    assert town.payment(eva)["status"] == "partially_refunded"
    give_back_at_stripe(town, payment)
    assert sum(amount for _, amount in taken(town, eva)) == -100
    assert figures(town, eva) == (60, 60, 0, 0)
    assert town.payment(eva)["status"] == "refunded"
    assert "Nothing of this payment is left to give back" in sam.open(f"/staff/payments/{payment['id']}/refund")


def test_refund_of_what_is_spent_leaves_a_debt_that_the_next_credits_pay__F087(town: Town, sam: Staff) -> None:
    eva, payment = bought(town, "spent@example.com")
    spend(town, eva, 150)
    page = sam.preview_refund(payment["id"])
    assert "Spent already 100 On hold 0 Debt that this makes 100 Balance now 10 Balance after −90" in page
    sam.press("Give $4.99 back")
    assert figures(town, eva) == (-90, 0, 0, 100)
    town.installation.command("credits", "add", town.id_of(eva), "200", "--description", "sorry")
    assert figures(town, eva) == (110, 110, 0, 0)


def test_pending_refund_freezes_until_stripe_decides__F085(town: Town, sam: Staff) -> None:
    for outcome, said, after in (("succeeded", "Done", (60, 60, 0, 0)), ("failed", "Failed", (160, 160, 0, 0))):
        eva, payment = bought(town, f"pending-{outcome}@example.com")
        town.sandbox.control("refunds", {"next": "pending"})
        page = sam.refund(payment["id"])
        assert "Under way" in page
        assert figures(town, eva) == (160, 60, 100, 0)
        assert taken(town, eva) == []
        (refund,) = refunds_at_stripe(town, payment)
        town.sandbox.control(f"refunds/{refund.id}/settle", {"outcome": outcome})
        town.sandbox.flush()
        assert said in sam.open(page.path)
        assert figures(town, eva) == after
        assert taken(town, eva) == ([("payment_refunded", -100)] if outcome == "succeeded" else [])


def test_refund_that_fails_late_brings_the_credits_back(town: Town, sam: Staff) -> None:
    eva, payment = bought(town, "late@example.com")
    spend(town, eva, 70)
    page = sam.refund(payment["id"])
    assert "Done" in page
    assert figures(town, eva) == (-10, 0, 0, 70)
    (refund,) = refunds_at_stripe(town, payment)
    town.sandbox.control(f"refunds/{refund.id}/fail", {})
    town.sandbox.flush()
    assert "Failed" in sam.open(page.path)
    assert figures(town, eva) == (90, 90, 0, 0)
    assert sum(amount for _, amount in taken(town, eva)) == 0
    # The money is here again, so it can be given back again.
    assert "Done" in sam.refund(payment["id"])
    assert figures(town, eva) == (-10, 0, 0, 70)


def test_lost_dispute_takes_what_it_froze(town: Town, sam: Staff) -> None:
    eva, payment = bought(town, "lost@example.com")
    decide = dispute(town, payment)
    assert figures(town, eva) == (160, 60, 100, 0)
    assert town.payment(eva)["status"] == "disputed"
    assert "Frozen while a payment is in question 100" in eva.open("/balance")
    assert "The payment is disputed at the bank" in sam.open(f"/staff/payments/{payment['id']}/refund")
    (opened,) = town.sandbox.client.v1.disputes.list({"payment_intent": payment["stripe"]["payment_intent"]}).data
    assert town.id_of(eva) in sam.open_customer(opened.id)
    decide("lost")
    assert figures(town, eva) == (60, 60, 0, 0)
    assert taken(town, eva) == [("dispute_lost", -100)]
    decide("won")  # on appeal
    assert figures(town, eva) == (160, 160, 0, 0)
    assert taken(town, eva) == [("dispute_lost", -100), ("dispute_reversed", 100)]


def test_won_dispute_and_closed_inquiry_set_free__F091(town: Town) -> None:
    eva, payment = bought(town, "won@example.com")
    decide = dispute(town, payment, amount=250)
    assert figures(town, eva) == (160, 109, 51, 0)  # 50.1 of 100 would go
    decide("won")
    assert figures(town, eva) == (160, 160, 0, 0)
    ask, payment = bought(town, "inquiry@example.com")
    decide = dispute(town, payment, inquiry=True)
    assert figures(town, ask) == (160, 160, 0, 0)
    decide("warning_closed")
    assert figures(town, ask) == (160, 160, 0, 0)
    assert taken(town, eva) == taken(town, ask) == []


@pytest.mark.parametrize(("fault", "done_at_stripe"), [("drop", True), ("500", False)])
def test_refund_that_stripe_does_not_answer_is_finished_by_the_worker__F176(
    town: Town, sam: Staff, fault: str, done_at_stripe: bool
) -> None:
    eva, payment = bought(town, f"away-{fault}@example.com")
    town.sandbox.control("webhooks", {"off": True})
    town.sandbox.fault(fault, method="POST", path="/v1/refunds", times=4)
    page = sam.refund(payment["id"])
    assert "Under way" in page
    assert len(refunds_at_stripe(town, payment)) == done_at_stripe
    assert figures(town, eva) == (160, 60, 100, 0)
    town.installation.command("worker", "--once")
    assert "Done" in sam.open(page.path)
    assert figures(town, eva) == (60, 60, 0, 0)
    assert taken(town, eva) == [("payment_refunded", -100)]
    assert len(refunds_at_stripe(town, payment)) == 1
    assert len(keys_used(town, payment)) == 1


def keys_used(town: Town, payment: dict[str, Any]) -> set[str]:
    """The idempotency keys with which Stripe was asked to give this payment back."""
    calls = town.sandbox.calls("POST", "/v1/refunds")
    intent = payment["stripe"]["payment_intent"]
    return {call["idempotency_key"] for call in calls if call["params"].get("payment_intent") == intent}


# Waiting takes as long on either engine.
@pytest.mark.parametrize("town", ["sqlite"], indirect=True)
def test_refund_is_finished_a_day_later_when_stripe_keeps_answering_with_its_failure(town: Town, sam: Staff) -> None:
    eva, payment = bought(town, "remembered@example.com")
    town.sandbox.fault("500", method="POST", path="/v1/refunds", remember=True)
    page = sam.refund(payment["id"])
    town.installation.command("worker", "--once")
    assert "Under way" in sam.open(page.path)
    assert refunds_at_stripe(town, payment) == []
    town.installation.advance(days=1)
    town.sandbox.fault("forget_idempotency_keys", method="POST", path="/v1/refunds")
    town.installation.command("worker", "--once")
    assert "Done" in sam.open(page.path)
    assert len(refunds_at_stripe(town, payment)) == 1
    assert figures(town, eva) == (60, 60, 0, 0)


@pytest.mark.parametrize("town", ["sqlite"], indirect=True)
def test_slow_stripe_does_not_hold_the_desk_up__F174(town: Town, sam: Staff) -> None:
    eva, payment = bought(town, "slow@example.com")
    sam.preview_refund(payment["id"])
    town.sandbox.fault("latency", method="POST", path="/v1/refunds", seconds=16)
    asked_at = time.monotonic()
    page = sam.press("Give")
    assert time.monotonic() - asked_at < 15.5
    assert "Under way" in page
    assert figures(town, eva) == (160, 60, 100, 0)
    town.sandbox.flush()
    give_up_at = time.monotonic() + 10
    while not refunds_at_stripe(town, payment):
        assert time.monotonic() < give_up_at
        time.sleep(0.1)
    town.sandbox.flush()
    assert "Done" in sam.open(page.path)
    assert figures(town, eva) == (60, 60, 0, 0)


def press_at_once(*staff: Staff) -> list[Page]:
    """Everybody presses the button of the preview that they see."""
    form = [each.page.form("Give") for each in staff]
    with ThreadPoolExecutor(len(staff)) as pool:
        return list(pool.map(lambda each, form: each.send(form, "Give"), staff, form))


def test_form_sent_twice_makes_one_refund__F080(town: Town, sam: Staff) -> None:
    eva, payment = bought(town, "twice@example.com")
    sam.preview_refund(payment["id"])
    pages = press_at_once(*(copy.copy(sam) for _ in range(4)))
    assert {page.status for page in pages} == {200}
    assert len({page.path for page in pages}) == 1
    assert len(refunds_at_stripe(town, payment)) == 1
    town.sandbox.flush()
    assert taken(town, eva) == [("payment_refunded", -100)]


def test_one_of_two_staff_is_told_that_the_other_was_quicker__F080(town: Town, sam: Staff) -> None:
    eva, payment = bought(town, "race@example.com")
    alex = town.hire("alex@example.com")
    for each in (sam, alex):
        each.preview_refund(payment["id"])
    pages = sorted(press_at_once(sam, alex), key=lambda page: page.status)
    assert [page.status for page in pages] == [200, 409]
    assert "somebody was quicker" in pages[1]
    assert len(refunds_at_stripe(town, payment)) == 1
    town.sandbox.flush()
    assert taken(town, eva) == [("payment_refunded", -100)]
