"""Refunds: asked for once, called once, settled when Stripe says so, whoever made them."""

from __future__ import annotations

from typing import Any

import pytest

from billing import payments, refunds, spending
from billing.db import db
from billing.errors import Conflict, Disputed, Invalid, NotFound, RefundExceeds, StripeRefused
from billing.models import Refund
from billing.money import MICRO
from tests.billing.conftest import Calendar
from tests.billing.shop import Shop


def balance(shop: Shop) -> int:
    """The balance in whole credits."""
    return shop.balance().balance // MICRO


def frozen(shop: Shop) -> int:
    """What is frozen, in whole credits."""
    return shop.balance().frozen // MICRO


@pytest.fixture
def bought(shop: Shop) -> str:
    """A pack of 100 credits for 10.00, told."""
    session = shop.buy(shop.price("small", 100, 1000, None))
    shop.tell(session)
    return session


# ── asking ───────────────────────────────────────────────────────────────────────────────────────────────────


def test_full_refund_calls_stripe_once_with_a_key_of_its_own__F075(shop: Shop, bought: str) -> None:
    refund = shop.staff_refund(bought)
    assert (refund.status, refund.amount_minor, refund.credits_taken) == ("succeeded", 1000, 100 * MICRO)
    assert shop.told() == [("PURCHASE", "pack", 100), ("REFUND", "payment_refunded", -100)]
    (call,) = shop.stripe.posts("refunds")
    assert call == {
        "payment_intent": shop.payment_intent_of(bought),
        "amount": "1000",
        "reason": "requested_by_customer",
        "metadata[saldo_refund]": refund.id,
    }
    assert list(shop.stripe.keys) == [f"refund-{refund.id}"]


def test_refund_says_who_did_it(shop: Shop, bought: str) -> None:
    shop.staff_refund(bought, note="asked by mail")
    assert shop.entries()[-1].actor == "staff:sam"
    (view,) = payments.list_payments(shop.account_id)[0].refunds
    assert (view.actor, view.note, view.reason) == ("staff:sam", "asked by mail", "requested_by_customer")


@pytest.mark.parametrize("amount", [401, 1000, 0, -1, 10**18])
def test_more_than_is_left_is_refused_before_stripe_is_called__F079(shop: Shop, bought: str, amount: int) -> None:
    shop.staff_refund(bought, 600)
    with pytest.raises(RefundExceeds):
        shop.staff_refund(bought, amount)
    assert len(shop.stripe.posts("refunds")) == 1
    assert balance(shop) == 40


def test_customer_balance_that_paid_a_part_cannot_be_refunded_to_the_card(shop: Shop) -> None:
    """10.00 of 15.00 came from the card: that much can go back, and takes two thirds of the credits."""
    invoice = shop.subscribe(shop.price("basic", 500, 1500))
    shop.stripe.all("invoice_payment")[0]["amount_paid"] = 1000
    shop.tell(invoice)
    assert payments.view_payment(shop.payment(invoice)).refundable_minor == 1000
    with pytest.raises(RefundExceeds):
        shop.staff_refund(invoice, 1001)
    shop.staff_refund(invoice)
    assert balance(shop) == 500 - 334


def test_payment_that_was_not_heard_of_is_looked_up_before_refunding(shop: Shop) -> None:
    invoice = shop.subscribe(shop.price("basic", 500, 1500))
    (paid,) = shop.stripe.all("invoice_payment")
    shop.stripe.objects[paid["id"]] = paid | {"status": "open"}
    shop.tell(invoice)
    assert shop.links() == []
    shop.stripe.objects[paid["id"]]["status"] = "paid"
    shop.staff_refund(invoice)
    assert balance(shop) == 0


def test_amount_goes_back_to_a_charge_that_has_it(shop: Shop) -> None:
    invoice = shop.subscribe(shop.price("basic", 500, 1500))
    first = shop.stripe.all("invoice_payment")[0]
    first["amount_paid"] = 600
    other = {"type": "payment_intent", "payment_intent": "pi_other"}
    shop.stripe.put("invoice_payment", "inpay", invoice=invoice, status="paid", amount_paid=900, payment=other)
    shop.tell(invoice)
    with pytest.raises(Conflict):
        shop.staff_refund(invoice, 1500)
    for amount in (900, 600):
        shop.staff_refund(invoice, amount)
    called = [(call["payment_intent"], call["amount"]) for call in shop.stripe.posts("refunds")]
    assert called == [("pi_other", "900"), (first["payment"]["payment_intent"], "600")]
    assert balance(shop) == 0


def test_same_form_sent_twice_is_one_refund__F080(shop: Shop, bought: str) -> None:
    first, again = (shop.staff_refund(bought, 300, form_token="form-1") for _ in range(2))
    assert first == again
    assert len(shop.stripe.posts("refunds")) == 1
    assert balance(shop) == 70


def test_two_of_staff_cannot_both_give_all_back__F080(shop: Shop, bought: str) -> None:
    shop.stripe.refund_status = "pending"
    shop.staff_refund(bought, actor="staff:sam")
    with pytest.raises(RefundExceeds):
        shop.staff_refund(bought, actor="staff:kim")
    assert len(shop.stripe.posts("refunds")) == 1


def test_two_refunds_of_the_same_amount_are_two__F083(shop: Shop, bought: str) -> None:
    one, other = (shop.staff_refund(bought, 300) for _ in range(2))
    assert one.id != other.id
    assert len(shop.stripe.keys) == 2
    assert balance(shop) == 40


def test_currency_without_decimals_goes_as_it_is__F094(shop: Shop) -> None:
    shop.stripe.currency = "jpy"
    session = shop.buy(shop.price("small", 100, 1000, None))
    shop.tell(session)
    refund = shop.staff_refund(session)
    assert (refund.amount_minor, refund.currency) == (1000, "jpy")
    assert shop.stripe.posts("refunds")[0]["amount"] == "1000"


@pytest.mark.parametrize(
    "wrong",
    [
        {"credits": "all"},
        {"credits": ""},
        {"reason": "because"},
    ],
)
def test_request_that_says_nothing_clear_is_refused(shop: Shop, bought: str, wrong: dict[str, Any]) -> None:
    with pytest.raises(Invalid):
        shop.staff_refund(bought, **wrong)
    assert shop.stripe.posts() == []


def test_reason_of_our_own_is_not_told_to_stripe(shop: Shop, bought: str) -> None:
    shop.staff_refund(bought, reason="other", note="wrong colour")
    assert "reason" not in shop.stripe.posts("refunds")[0]


def test_unknown_payment_and_refund_are_not_found(shop: Shop) -> None:
    for call in (
        lambda: refunds.preview_refund("pay_none", amount_minor=1, credits="keep"),
        lambda: refunds.read_refund("rf_none"),
        lambda: refunds.resume_refund("rf_none"),
    ):
        with pytest.raises(NotFound):
            call()


def test_disputed_payment_is_not_refunded_by_staff(shop: Shop, bought: str) -> None:
    shop.tell(shop.dispute(bought, 1000))
    with pytest.raises(Disputed):
        shop.staff_refund(bought, 1)
    with pytest.raises(Disputed):
        refunds.preview_refund(shop.payment(bought).id, amount_minor=1, credits="keep")
    assert shop.stripe.posts() == []


def test_preview_changes_nothing(shop: Shop, bought: str) -> None:
    refunds.preview_refund(shop.payment(bought).id, amount_minor=500, credits="proportional")
    assert shop.told() == [("PURCHASE", "pack", 100)]
    assert frozen(shop) == 0
    assert db.session.query(Refund).count() == 0


def test_preview_says_what_access_ends_with_the_money(shop: Shop) -> None:
    """All of a running month ends what it paid for; a part, or a goodwill refund, does not (R13)."""
    invoice = shop.subscribe(shop.price("basic", 500, 1500))
    shop.tell(invoice)
    payment_id = shop.payment(invoice).id
    shop.staff_refund(invoice, 500)

    def ends(amount_minor: int, credits: str = "proportional") -> bool:
        preview = refunds.preview_refund(payment_id, amount_minor=amount_minor, credits=credits)
        return preview.ends_access_until is not None

    assert ends(1000)
    assert not ends(999)
    assert not ends(1000, "keep")


def test_most_that_is_fair_counts_months_to_come(shop: Shop, calendar: Calendar) -> None:
    """A year of 120.00 by the month: after one of twelve is spent, 110.00 is fair."""
    invoice = shop.subscribe(shop.price("basic", 100, 12000, interval="year"))
    shop.tell(invoice)
    assert payments.view_payment(shop.payment(invoice)).fair_minor == 12000
    spending.debit(shop.account_id, spending.Order(amount=100 * MICRO), actor="app:studio")
    assert payments.view_payment(shop.payment(invoice)).fair_minor == 11000
    refund = shop.staff_refund(invoice, credits="unspent")
    assert refund.amount_minor == 11000
    assert (shop.balance().balance, shop.balance().debt) == (0, 0)


# ── Stripe's answer ──────────────────────────────────────────────────────────────────────────────────────────


def test_pending_refund_freezes_and_takes_when_it_succeeds__F085(shop: Shop, bought: str) -> None:
    shop.stripe.refund_status = "pending"
    refund = shop.staff_refund(bought, 400)
    assert (refund.status, balance(shop), frozen(shop)) == ("pending", 100, 40)
    for _ in range(3):
        shop.decide(str(refund.stripe_id), "succeeded")
    assert (balance(shop), frozen(shop)) == (60, 0)
    assert [entry[2] for entry in shop.told()] == [100, -40]


@pytest.mark.parametrize("status", ["failed", "canceled"])
def test_pending_refund_that_does_not_happen_sets_free(shop: Shop, bought: str, status: str) -> None:
    shop.stripe.refund_status = "requires_action"
    refund = shop.staff_refund(bought, 400)
    assert frozen(shop) == 40
    shop.decide(str(refund.stripe_id), status)
    assert (balance(shop), frozen(shop)) == (100, 0)
    assert refunds.read_refund(refund.id).status == status
    assert payments.view_payment(shop.payment(bought)).refundable_minor == 1000


def test_older_word_of_a_refund_never_undoes_a_newer_one(shop: Shop, bought: str) -> None:
    refund = str(shop.staff_refund(bought).stripe_id)
    assert shop.decide(refund, "pending") == "duplicate"
    assert shop.decide(refund, "failed") == "done"
    assert shop.decide(refund, "succeeded") == "duplicate"
    assert [entry[2] for entry in shop.told()] == [100, -100, 100]


@pytest.mark.parametrize("code", ["charge_already_refunded", "charge_disputed"])
def test_refund_that_stripe_refuses_is_over_and_takes_nothing__F092(shop: Shop, bought: str, code: str) -> None:
    shop.stripe.refusal = (400, {"error": {"type": "invalid_request_error", "code": code, "message": "no"}})
    with pytest.raises(StripeRefused) as refused:
        shop.staff_refund(bought)
    assert refused.value.code == "conflict"
    assert shop.told() == [("PURCHASE", "pack", 100)]
    assert frozen(shop) == 0
    assert refunds.pending_refunds() == []
    (view,) = payments.view_payment(shop.payment(bought)).refunds
    assert (view.status, view.failure_reason) == ("failed", code)


def test_key_that_stripe_knows_for_something_else_leaves_it_pending__F179(shop: Shop, bought: str) -> None:
    shop.stripe.refusal = (400, {"error": {"type": "idempotency_error", "message": "other parameters"}})
    refund = shop.staff_refund(bought)
    assert (refund.status, frozen(shop)) == ("pending", 100)
    assert len(shop.stripe.posts("refunds")) == 1
    assert refunds.resume_refund(refund.id).status == "pending"


# ── when the answer is lost ──────────────────────────────────────────────────────────────────────────────────


def test_lost_answer_leaves_it_pending_and_the_next_try_uses_the_same_key__F176(shop: Shop, bought: str) -> None:
    shop.stripe.answers_are_lost = True
    refund = shop.staff_refund(bought, 400)
    assert (refund.status, refund.stripe_id, frozen(shop)) == ("pending", None, 40)
    assert refunds.pending_refunds() == [refund.id]
    shop.stripe.answers_are_lost = False
    assert refunds.resume_refund(refund.id).status == "succeeded"
    assert len(shop.stripe.all("refund")) == 1
    assert balance(shop) == 60
    assert refunds.pending_refunds() == []


def test_lost_answer_is_settled_by_the_webhook(shop: Shop, bought: str) -> None:
    shop.stripe.answers_are_lost = True
    refund = shop.staff_refund(bought, 400)
    shop.tell(shop.stripe.all("refund")[0]["id"])
    assert refunds.read_refund(refund.id).status == "succeeded"
    assert balance(shop) == 60


def test_same_form_after_a_lost_answer_goes_on_with_the_same_refund__F080(shop: Shop, bought: str) -> None:
    shop.stripe.answers_are_lost = True
    first = shop.staff_refund(bought, 400, form_token="form-1")
    shop.stripe.answers_are_lost = False
    again = shop.staff_refund(bought, 400, form_token="form-1")
    assert (again.id, again.status) == (first.id, "succeeded")
    assert len(shop.stripe.all("refund")) == 1


@pytest.mark.parametrize("arrived", [True, False])
def test_after_a_day_it_is_looked_up_before_it_is_tried_again(
    shop: Shop, calendar: Calendar, bought: str, arrived: bool
) -> None:
    shop.stripe.answers_are_lost = True
    refund = shop.staff_refund(bought, 400)
    shop.stripe.answers_are_lost = False
    shop.stripe.keys.clear()  # Stripe forgets keys after a day
    if not arrived:
        del shop.stripe.objects[shop.stripe.all("refund")[0]["id"]]
    calendar.later(hours=25)
    shop.stripe.calls.clear()
    assert refunds.resume_refund(refund.id).status == "succeeded"
    assert shop.stripe.calls[0][:2] == ("GET", "refunds")
    assert len(shop.stripe.posts("refunds")) == (0 if arrived else 1)
    assert len(shop.stripe.all("refund")) == 1
    assert balance(shop) == 60


def test_pending_refund_is_read_again_at_stripe(shop: Shop, bought: str) -> None:
    shop.stripe.refund_status = "pending"
    refund = shop.staff_refund(bought)
    shop.stripe.objects[str(refund.stripe_id)]["status"] = "succeeded"
    assert refunds.resume_refund(refund.id).status == "succeeded"
    assert len(shop.stripe.posts("refunds")) == 1
    assert balance(shop) == 0


# ── made in Stripe's Dashboard ───────────────────────────────────────────────────────────────────────────────


def test_dashboard_refund_takes_as_one_made_here__F086(shop: Shop, bought: str) -> None:
    assert shop.tell(shop.dashboard_refund(bought, 1000)) == "done"
    assert shop.told()[-1] == ("REFUND", "payment_refunded", -100)
    (view,) = payments.view_payment(shop.payment(bought)).refunds
    assert (view.actor, view.credits_mode, view.status) == ("stripe", "proportional", "succeeded")


def test_cumulative_charge_is_read_refund_by_refund__F076(shop: Shop, bought: str) -> None:
    charge = shop.stripe.put(
        "charge", "ch", amount=1000, amount_refunded=300, currency="usd", payment_intent=shop.payment_intent_of(bought)
    )
    for so_far in (300, 600):
        refund = shop.dashboard_refund(bought, 300)
        shop.stripe.objects[refund]["charge"] = charge["id"]
        charge["amount_refunded"] = so_far
        shop.tell(charge["id"])
    charge["amount_refunded"] = 300  # the first event comes again, late
    shop.tell(charge["id"])
    assert [entry[2] for entry in shop.told()] == [100, -30, -30]


def test_refund_before_its_purchase_books_the_purchase_first(shop: Shop) -> None:
    session = shop.buy(shop.price("small", 100, 1000, None))
    refund = shop.dashboard_refund(session, 300)
    assert shop.tell(refund) == "done"
    assert [shop.tell(session), shop.tell(refund)] == ["duplicate", "duplicate"]
    assert [entry[2] for entry in shop.told()] == [100, -30]


def test_refund_before_its_invoice_books_the_invoice_first(shop: Shop) -> None:
    invoice = shop.subscribe(shop.price("basic", 500, 1500))
    refund = shop.dashboard_refund(invoice, 1500)
    assert shop.tell(refund) == "done"
    assert [entry[2] for entry in shop.told()] == [500, -500]


def test_refund_of_somebody_elses_payment_is_none_of_ours__F015(shop: Shop, bought: str) -> None:
    refund = shop.dashboard_refund(bought, 300)
    shop.stripe.objects[refund]["payment_intent"] = "pi_of_another_shop"
    assert shop.tell(refund) == "foreign"
    assert balance(shop) == 100


def test_refund_that_names_ours_but_gives_back_another_payment_is_a_new_one(shop: Shop, bought: str) -> None:
    """What stands in metadata is a hint: the payment must be the same."""
    shop.stripe.answers_are_lost = True
    mine = shop.staff_refund(bought, 300)
    other = shop.buy(shop.price("large", 50, 500, None))
    shop.tell(other)
    refund = shop.dashboard_refund(other, 500)
    shop.stripe.objects[refund]["metadata"] = {"saldo_refund": mine.id}
    shop.tell(refund)
    assert refunds.read_refund(mine.id).status == "pending"
    assert balance(shop) == 100


# ── what people see ──────────────────────────────────────────────────────────────────────────────────────────


def test_payment_says_how_it_stands(shop: Shop, bought: str) -> None:
    def status() -> str:
        return payments.view_payment(shop.payment(bought)).status

    assert status() == "paid"
    shop.stripe.refund_status = "pending"
    refund = shop.staff_refund(bought, 400)
    assert status() == "refund_pending"
    shop.decide(str(refund.stripe_id), "succeeded")
    assert status() == "partially_refunded"
    shop.stripe.refund_status = "succeeded"
    shop.staff_refund(bought)
    assert status() == "refunded"
    view = payments.view_payment(shop.payment(bought))
    assert (view.refunded_minor, view.refundable_minor, view.taken_back) == (1000, 0, 100 * MICRO)
