"""Credit notes count as money given back, once; an early warning of fraud is shown and moves nothing (R7)."""

from __future__ import annotations

import pytest

from billing import payments, reconcile, stripe_audit, subscriptions
from billing.errors import RefundExceeds
from billing.money import MICRO
from tests.billing.conftest import Calendar
from tests.billing.shop import Shop


@pytest.fixture
def paid(shop: Shop) -> str:
    """A month of 500 credits for 15.00, told."""
    invoice = shop.subscribe(shop.price("basic", 500, 1500))
    shop.tell(invoice)
    return invoice


def balance(shop: Shop) -> int:
    return shop.balance().balance // MICRO


def test_note_to_the_balance_takes_its_share(shop: Shop, paid: str) -> None:
    note = shop.credit_note(paid, 300)
    assert [shop.tell(note), shop.tell(note)] == ["done", "duplicate"]
    assert shop.told() == [("CREDIT", "cycle", 500), ("REFUND", "payment_refunded", -100)]
    view = payments.view_payment(shop.payment(paid))
    assert (view.credited_minor, view.refunded_minor, view.refundable_minor) == (300, 0, 1200)


def test_what_a_note_refunds_counts_once(shop: Shop, paid: str) -> None:
    """10.00 credited, 6.00 of it by a refund that Stripe tells of by itself: 10.00 in all, whichever comes first."""
    note = shop.credit_note(paid, 1000, refunded=600)
    shop.tell(note)
    assert balance(shop) == 500 - 134
    shop.tell(shop.dashboard_refund(paid, 600))
    assert balance(shop) == 500 - 334


def test_void_note_gives_the_credits_back_for_good(shop: Shop, paid: str) -> None:
    note = shop.credit_note(paid, 1500)
    shop.tell(note)
    assert balance(shop) == 0
    assert shop.decide(note, "void") == "done"
    assert shop.told()[-1] == ("REFUND", "refund_failed", 500)
    assert shop.decide(note, "issued") == "duplicate", "an older word, come late"
    assert balance(shop) == 500


def test_note_before_its_invoice_books_the_invoice_first(shop: Shop) -> None:
    invoice = shop.subscribe(shop.price("basic", 500, 1500))
    assert shop.tell(shop.credit_note(invoice, 1500)) == "done"
    assert [entry[2] for entry in shop.told()] == [500, -500]


def test_note_that_was_missed_is_found_by_a_reconcile(shop: Shop, paid: str) -> None:
    shop.credit_note(paid, 300)
    assert [each.kind for each in reconcile.reconcile().booked] == ["credit_note"]
    assert balance(shop) == 400
    assert reconcile.reconcile().booked == []


def audited() -> list[tuple[str, str | None, str, str]]:
    return [
        (each.invariant, each.customer, each.where.partition("=")[0], each.expected)
        for each in stripe_audit.audit_at_stripe()
    ]


def test_note_that_both_know_is_right_in_the_audit(shop: Shop, paid: str, calendar: Calendar) -> None:
    shop.tell(shop.credit_note(paid, 300))
    calendar.later(days=1)
    assert audited() == []


def test_note_that_was_missed_is_found_by_the_audit_and_not_booked(shop: Shop, paid: str, calendar: Calendar) -> None:
    shop.credit_note(paid, 300)
    assert audited() == [], "it may still be on its way"
    calendar.later(days=1)
    assert audited() == [("I21", None, "credit_note", "booked as it is at Stripe")]
    assert balance(shop) == 500


def test_note_that_is_void_at_stripe_only_is_found_by_the_audit(shop: Shop, paid: str, calendar: Calendar) -> None:
    note = shop.credit_note(paid, 300)
    shop.tell(note)
    shop.stripe.objects[note]["status"] = "void"
    calendar.later(days=1)
    assert audited() == [("I21", None, "credit_note", "booked as it is at Stripe")]
    assert [each.kind for each in reconcile.reconcile().repaired] == ["credit_note"]
    assert (audited(), balance(shop)) == ([], 500)


def test_note_that_stripe_does_not_know_is_found_by_the_audit(shop: Shop, paid: str, calendar: Calendar) -> None:
    note = shop.credit_note(paid, 300)
    shop.tell(note)
    calendar.later(days=1)
    del shop.stripe.objects[note]
    assert audited() == [("I21", "ana", "credit_note", "an object at Stripe")]
    assert [each.stripe_id for each in reconcile.reconcile().only_here] == [note]
    assert balance(shop) == 400, "only people can know why"


def test_no_more_than_was_paid_goes_back_by_notes_and_refunds(shop: Shop, paid: str) -> None:
    shop.tell(shop.credit_note(paid, 1000))
    with pytest.raises(RefundExceeds):
        shop.staff_refund(paid, 501)
    shop.staff_refund(paid, 500)
    assert balance(shop) == 0
    assert payments.view_payment(shop.payment(paid)).status == "refunded"


@pytest.mark.parametrize(
    ("fields", "left"),
    [
        ({"type": "pre_payment", "post_payment_amount": 0}, 500),
        ({"type": "mixed", "post_payment_amount": 300}, 400),
        ({"type": "pre_payment", "post_payment_amount": None}, 500),
        ({"type": "post_payment", "post_payment_amount": None}, 300),
        ({"post_payment_amount": None, "refund": "re_1", "out_of_band_amount": 150}, 450),
        ({"post_payment_amount": None, "refund": "re_1"}, 500),
    ],
)
def test_only_what_was_paid_before_counts(shop: Shop, paid: str, fields: dict[str, object], left: int) -> None:
    """A note of 6.00 in each of Stripe's shapes."""
    shop.tell(shop.credit_note(paid, 600, **fields))
    assert balance(shop) == left


def test_note_on_somebody_elses_invoice_is_none_of_ours__F015(shop: Shop, paid: str) -> None:
    assert shop.tell(shop.credit_note("in_of_another_shop", 600)) == "foreign"
    assert balance(shop) == 500


def test_full_note_ends_what_the_payment_gives_access_to(shop: Shop) -> None:
    price = shop.price("luna", 50, 1000, kind="influencer", tier="basic")
    invoice = shop.subscribe(price)
    shop.tell(shop.subscription_of(invoice))
    shop.tell(invoice)
    assert subscriptions.access_to(shop.account_id, "luna").access
    shop.tell(shop.credit_note(invoice, 1000))
    assert not subscriptions.access_to(shop.account_id, "luna").access


def test_fraud_warning_is_shown_and_moves_nothing(shop: Shop, paid: str) -> None:
    warning = shop.fraud_warning(paid)
    assert [shop.tell(warning), shop.tell(warning)] == ["done", "duplicate"]
    assert payments.view_payment(shop.payment(paid)).fraud_warning == "made_with_stolen_card"
    assert balance(shop) == 500
    shop.stripe.objects[warning]["actionable"] = False
    assert shop.tell(warning) == "done"
    assert payments.view_payment(shop.payment(paid)).fraud_warning is None


def test_fraud_warning_of_somebody_elses_payment_is_none_of_ours__F015(shop: Shop, paid: str) -> None:
    warning = shop.fraud_warning(paid)
    shop.stripe.objects[warning]["payment_intent"] = "pi_of_another_shop"
    assert shop.tell(warning) == "foreign"
