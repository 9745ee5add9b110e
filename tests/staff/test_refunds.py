"""The refund desk: previewed, confirmed once, followed to its end, and every attempt written down."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from flask import Flask

from billing import adjustments, checkout, fraud_warnings, payments, refunds, spending, staff_accounts
from billing.clock import now
from billing.db import db, transaction
from billing.models import Refund
from billing.money import MICRO
from billing.spending import Order
from billing.stripe_facts import FraudWarningFacts
from tests.staff.conftest import Desk, audit_rows, fields_of, hire, text_of
from tests.stripe_world import Shop, count
from tests.web.conftest import Visitor

ASKED = {"amount": "39.00", "credits": "proportional", "reason": "requested_by_customer", "note": ""}


@pytest.fixture
def pack(shop: Shop) -> str:
    """The payment of a pack: 39.00 for 1 150 credits."""
    ada = shop.customer()
    shop.sandbox.pay(checkout.start_pack_checkout(ada, "large").id)
    db.session.rollback()
    (payment,) = payments.list_payments(ada)
    return payment.id


def preview(desk: Desk, payment_id: str, **asked: str) -> dict[str, str]:
    """What the preview's form would send."""
    page = desk.send(f"/staff/payments/{payment_id}/refund", **{**ASKED, **asked})
    assert page.status_code == 200, text_of(page)
    return fields_of(page, f"/staff/payments/{payment_id}/refund/confirm")


def confirm(desk: Desk, payment_id: str, fields: dict[str, str]) -> Any:
    return desk.send(f"/staff/payments/{payment_id}/refund/confirm", **fields)


def refund_calls(shop: Shop) -> list[dict[str, Any]]:
    return shop.sandbox.calls("POST", "/v1/refunds")


def test_offers_all_that_is_left(desk: Desk, pack: str) -> None:
    page = desk.see(f"/staff/payments/{pack}/refund")
    assert 'value="39.00"' in page.text
    assert "at most $39.00" in text_of(page)


def test_previews_without_changing_anything(desk: Desk, shop: Shop, pack: str) -> None:
    page = desk.send(f"/staff/payments/{pack}/refund", **ASKED)
    said = text_of(page)
    assert "Money back $39.00" in said
    assert "Credits taken back 1,150" in said
    assert "Balance after 0" in said
    assert refund_calls(shop) == []
    assert count(Refund) == 0
    assert shop.entries(shop.customer()) == [1150]


def test_gives_a_pack_back__F075(desk: Desk, shop: Shop, pack: str) -> None:
    answer = confirm(desk, pack, preview(desk, pack))
    assert answer.status_code == 303
    shop.sandbox.flush()
    page = desk.see(answer.headers["Location"])
    assert "Done" in text_of(page)
    (call,) = refund_calls(shop)
    assert call["idempotency_key"]
    assert shop.entries(shop.customer(), "payment_refunded") == [-1150]
    assert audit_rows() == [(desk.staff.actor, "refund", True)]


def test_shows_what_spending_before_costs_as_debt(desk: Desk, shop: Shop, pack: str) -> None:
    spending.debit(shop.customer(), Order(amount=1000 * MICRO), actor="app:test")
    page = desk.send(f"/staff/payments/{pack}/refund", **ASKED)
    said = text_of(page)
    assert "Spent already 1,000" in said
    assert "Debt that this makes 1,000" in said
    assert "Balance after −1,000" in said


def test_gives_a_part_back(desk: Desk, shop: Shop, pack: str) -> None:
    confirm(desk, pack, preview(desk, pack, amount="19.50"))
    shop.sandbox.flush()
    assert shop.entries(shop.customer(), "payment_refunded") == [-575]


def test_keeps_credits_when_asked_to(desk: Desk, shop: Shop, pack: str) -> None:
    confirm(desk, pack, preview(desk, pack, credits="keep"))
    shop.sandbox.flush()
    assert shop.balance(shop.customer()) == 1150
    assert len(refund_calls(shop)) == 1


def test_refuses_more_than_is_left__F079(desk: Desk, shop: Shop, pack: str) -> None:
    confirm(desk, pack, preview(desk, pack, amount="35.00"))
    answer = desk.send(f"/staff/payments/{pack}/refund", **{**ASKED, "amount": "4.01"})
    assert answer.status_code == 422
    assert "more than is left" in text_of(answer)
    assert len(refund_calls(shop)) == 1


@pytest.mark.parametrize("amount", ["", "0", "-1", "1e3", "NaN", "12.345", "1,2,3", "99999999999999999999", "x" * 500])
def test_refuses_an_amount_that_is_none(desk: Desk, shop: Shop, pack: str, amount: str) -> None:
    answer = desk.send(f"/staff/payments/{pack}/refund", **{**ASKED, "amount": amount})
    assert answer.status_code == 422
    assert refund_calls(shop) == []


@pytest.mark.parametrize(
    "asked", [{"reason": ""}, {"reason": "boredom"}, {"reason": "other", "note": " "}, {"credits": "all"}]
)
def test_refuses_without_a_reason(desk: Desk, pack: str, asked: dict[str, str]) -> None:
    answer = desk.send(f"/staff/payments/{pack}/refund", **{**ASKED, **asked})
    assert answer.status_code == 422


def test_makes_one_refund_of_a_form_sent_twice__F080(desk: Desk, shop: Shop, pack: str) -> None:
    fields = preview(desk, pack)
    first, second = confirm(desk, pack, fields), confirm(desk, pack, fields)
    assert first.status_code == second.status_code == 303
    assert first.headers["Location"] == second.headers["Location"]
    assert len(refund_calls(shop)) == 1
    assert audit_rows() == [(desk.staff.actor, "refund", True)]


def test_makes_one_refund_of_a_form_sent_twice_at_once__F080(desk: Desk, shop: Shop, pack: str, app: Flask) -> None:
    fields = preview(desk, pack)
    others = [hire(app, f"sam{number}@example.com", "support") for number in range(4)]
    answers: list[Any] = []

    def send(other: Desk) -> None:
        with app.app_context():
            answers.append(confirm(other, pack, fields))

    threads = [threading.Thread(target=send, args=(other,)) for other in others]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {answer.status_code for answer in answers} == {303}
    assert len({answer.headers["Location"] for answer in answers}) == 1
    shop.sandbox.flush()
    assert count(Refund) == 1
    assert shop.entries(shop.customer(), "payment_refunded") == [-1150]


def test_lets_the_second_of_two_staff_know__F080(desk: Desk, admin: Desk, shop: Shop, pack: str) -> None:
    fields, others = preview(desk, pack), preview(admin, pack)
    assert confirm(desk, pack, fields).status_code == 303
    answer = confirm(admin, pack, others)
    assert answer.status_code == 409
    assert "somebody was quicker" in text_of(answer)
    assert len(refund_calls(shop)) == 1
    assert audit_rows() == [(desk.staff.actor, "refund", True), (admin.staff.actor, "refund", False)]


def test_makes_two_refunds_of_two_forms__F083(desk: Desk, shop: Shop, pack: str) -> None:
    for _ in range(2):
        assert confirm(desk, pack, preview(desk, pack, amount="3.00")).status_code == 303
    assert len(refund_calls(shop)) == 2


@pytest.mark.parametrize(
    "tampered",
    [
        {"currency": "jpy"},
        {"amount_minor": "0"},
        {"amount_minor": "-5"},
        {"amount_minor": "9" * 30},
        {"amount_minor": ""},
        {"form_token": ""},
        {"form_token": "short"},
        {"credits": "all"},
        {"reason": ""},
        {"note": "x" * 1001},
    ],
)
def test_refuses_a_confirmation_that_was_tampered_with__F094(
    desk: Desk, shop: Shop, pack: str, tampered: dict[str, str]
) -> None:
    assert confirm(desk, pack, {**preview(desk, pack), **tampered}).status_code == 422
    assert refund_calls(shop) == []


def test_shows_a_warning_of_fraud(desk: Desk, shop: Shop, pack: str) -> None:
    intent = payments.view_payment(payments.get(pack)).stripe["payment_intent"]
    warned = FraudWarningFacts("issfr_1", "ch_1", intent, "made_with_stolen_card", True, now())
    assert fraud_warnings.record_fraud_warning(warned) == "done"
    assert "warns of fraud (made_with_stolen_card)" in text_of(desk.see(f"/staff/payments/{pack}/refund"))
    assert "Fraud warning" in text_of(desk.see("/staff/customers/ada"))


def test_offers_no_refund_of_what_cost_nothing(desk: Desk, shop: Shop, pack: str) -> None:
    free = payments.NewPayment("pack", "A gift", "small", None, 0, "usd", now(), session_id="cs_free")
    with transaction():
        payment_id = payments.book_payment(shop.customer(), free).id
    assert "Nothing of this payment is left" in text_of(desk.see(f"/staff/payments/{payment_id}/refund"))
    answer = desk.send(f"/staff/payments/{payment_id}/refund", **{**ASKED, "amount": "0.01"})
    assert answer.status_code == 422
    assert refund_calls(shop) == []


def test_says_what_is_fair_at_most(desk: Desk, shop: Shop, pack: str) -> None:
    """Of 1 150 credits 575 are spent: half of 39.00 is fair."""
    adjustments.take_credits(shop.customer(), 575 * MICRO, "As good as spent", "operator")
    assert "Fair at most $19.50" in text_of(desk.see(f"/staff/payments/{pack}/refund"))


def test_follows_a_refund_that_stripe_has_not_answered(desk: Desk, shop: Shop, pack: str) -> None:
    shop.sandbox.fault("500", path="/v1/refunds", times=20)
    answer = confirm(desk, pack, preview(desk, pack))
    page = desk.see(answer.headers["Location"])
    assert "Under way" in text_of(page)
    assert 'http-equiv="refresh"' in page.text
    assert shop.balance(shop.customer()) == 1150


def test_says_that_a_dispute_stands_in_the_way(desk: Desk, shop: Shop, pack: str) -> None:
    fields = preview(desk, pack)
    intent = payments.view_payment(payments.get(pack)).stripe["payment_intent"]
    shop.sandbox.control("disputes", {"payment_intent": intent})
    shop.sandbox.flush()
    answer = confirm(desk, pack, fields)
    assert answer.status_code == 409
    assert "disputed" in text_of(answer)
    assert "disputed" in text_of(desk.see(f"/staff/payments/{pack}/refund"))
    assert refund_calls(shop) == []


def test_hides_refunds_from_customers_and_strangers__F133(
    desk: Desk, shop: Shop, pack: str, customer_browser: Visitor, visitor_at_staff: Desk
) -> None:
    fields = preview(desk, pack)
    for visitor in (customer_browser, visitor_at_staff):
        for path in (f"/staff/payments/{pack}/refund", f"/staff/payments/{pack}/refund/confirm"):
            assert visitor.send(path, **{**ASKED, **fields}).status_code == 404
    assert customer_browser.see(f"/staff/payments/{pack}/refund").status_code == 404
    staff_accounts.disable_staff("sam@example.com")
    assert confirm(desk, pack, fields).status_code == 404
    assert refund_calls(shop) == []
    assert count(Refund) == 0


def test_needs_the_role_to_refund__F133(desk: Desk, shop: Shop, pack: str, monkeypatch: pytest.MonkeyPatch) -> None:
    fields = preview(desk, pack)
    monkeypatch.setitem(staff_accounts.RIGHTS, "support", frozenset({"grant"}))
    assert desk.see(f"/staff/payments/{pack}/refund").status_code == 403
    assert confirm(desk, pack, fields).status_code == 403
    assert refund_calls(shop) == []
    assert audit_rows() == [(desk.staff.actor, "refund", False)] * 2


def test_needs_a_csrf_token__F127(desk: Desk, shop: Shop, pack: str) -> None:
    fields = preview(desk, pack)
    answer = desk.ask("POST", f"/staff/payments/{pack}/refund/confirm", data=fields)
    assert answer.status_code == 400
    assert refund_calls(shop) == []


def test_answers_404_for_a_payment_that_is_not_there(desk: Desk) -> None:
    for payment_id in ("pay_1", "x", "%00", "..", "a" * 300):
        assert desk.see(f"/staff/payments/{payment_id}/refund").status_code == 404
        assert desk.see(f"/staff/refunds/{payment_id}").status_code == 404


def test_names_who_asked_for_it(desk: Desk, shop: Shop, pack: str) -> None:
    answer = confirm(desk, pack, preview(desk, pack, reason="other", note="Wrong <b>pack</b>"))
    refund = refunds.read_refund(answer.headers["Location"].rpartition("/")[2])
    assert (refund.actor, refund.note) == (desk.staff.actor, "Wrong <b>pack</b>")
    page = desk.see(answer.headers["Location"])
    assert "Wrong &lt;b&gt;pack" in page.text
