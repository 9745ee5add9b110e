"""The second person: above a limit a refund waits until somebody else has looked at it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask

from billing import accounts, audit, checkout, limits, payments, refunds, spending
from billing.db import db
from billing.errors import InsufficientCredits
from billing.limits import RefundLimits
from billing.models import Refund
from billing.money import MICRO
from billing.spending import Order
from tests.staff.conftest import Desk, audit_rows, fields_of, hire, text_of
from tests.stripe_world import Shop, count

ASKED = {"amount": "39.00", "credits": "proportional", "reason": "requested_by_customer", "note": ""}


@pytest.fixture
def manager(app: Flask) -> Desk:
    return hire(app, "kim@example.com", "manager")


@pytest.fixture
def low_limits(app: Flask) -> Iterator[None]:
    """Above 10.00 staff type the amount, above 20.00 or after 45.00 or four in a day a second person is needed."""
    before = limits.refund_limits()
    limits.configure(RefundLimits(typed_above=1000, alone=2000, alone_per_day=4500, times_per_day=4))
    yield
    limits.configure(before)


@pytest.fixture
def pack(shop: Shop, low_limits: None) -> str:
    """The payment of a pack: 39.00 for 1 150 credits."""
    return buy(shop, shop.customer())


def buy(shop: Shop, account_id: int) -> str:
    shop.sandbox.pay(checkout.start_pack_checkout(account_id, "large").id)
    db.session.rollback()
    return payments.list_payments(account_id)[0].id


def ask(desk: Desk, payment_id: str, amount: str, typed: str | None = None) -> Any:
    """Preview and confirm; the amount is typed again as it should be, unless `typed` says otherwise."""
    page = desk.send(f"/staff/payments/{payment_id}/refund", **{**ASKED, "amount": amount})
    assert page.status_code == 200, text_of(page)
    fields = fields_of(page, f"/staff/payments/{payment_id}/refund/confirm")
    again = amount if typed is None else typed
    return desk.send(f"/staff/payments/{payment_id}/refund/confirm", **fields, typed=again)


def refund_of(answer: Any) -> str:
    assert answer.status_code == 303, text_of(answer)
    return str(answer.headers["Location"].rpartition("/")[2])


def status(refund_id: str) -> str:
    return refunds.read_refund(refund_id).status


def test_asks_for_a_large_amount_to_be_typed_again(desk: Desk, shop: Shop, pack: str) -> None:
    page = desk.send(f"/staff/payments/{pack}/refund", **{**ASKED, "amount": "10.01"})
    assert "Type the amount once more" in text_of(page)
    for typed in ("", "10.00", "1001", "ten"):
        answer = ask(desk, pack, "10.01", typed)
        assert answer.status_code == 422
        assert "not the amount above" in text_of(answer)
    assert count(Refund) == 0
    assert status(refund_of(ask(desk, pack, "10.01"))) == "succeeded"


def test_takes_a_small_amount_as_it_is(desk: Desk, pack: str) -> None:
    assert status(refund_of(ask(desk, pack, "10.00", typed=""))) == "succeeded"


def test_waits_above_the_limit_and_moves_nothing(desk: Desk, shop: Shop, pack: str) -> None:
    refund_id = refund_of(ask(desk, pack, "20.01"))
    assert status(refund_id) == "needs_approval"
    assert shop.sandbox.calls("POST", "/v1/refunds") == []
    assert shop.entries(shop.customer()) == [1150]
    assert "Waits for a second person" in text_of(desk.see(f"/staff/refunds/{refund_id}"))
    assert refund_id in desk.see("/staff/approvals").text
    assert refunds.pending_refunds() == []


def figures(shop: Shop) -> tuple[int, int, int]:
    """What is frozen, what can be spent, and the balance, in whole credits."""
    db.session.rollback()
    view = accounts.read_balance(shop.customer())
    return view.frozen // MICRO, view.available // MICRO, view.balance // MICRO


def test_freezes_at_once_what_it_would_take(desk: Desk, manager: Desk, shop: Shop, pack: str) -> None:
    """R7: 1 150 credits for 39.00, of which 26.00 are to go back."""
    refund_id = refund_of(ask(desk, pack, "26.00"))
    assert figures(shop) == (767, 383, 1150)
    with pytest.raises(InsufficientCredits):
        spending.debit(shop.customer(), Order(amount=384 * MICRO), actor="app:shop")
    spending.debit(shop.customer(), Order(amount=383 * MICRO), actor="app:shop")
    assert figures(shop) == (767, 0, 767)
    assert list(audit.audit()) == []
    assert manager.send(f"/staff/refunds/{refund_id}/approve").status_code == 303
    shop.sandbox.flush()
    assert figures(shop) == (0, 0, 0)
    assert list(audit.audit()) == []


@pytest.mark.parametrize("by_whoever_asked", [True, False])
def test_sets_free_what_is_turned_down_or_taken_back(
    desk: Desk, manager: Desk, shop: Shop, pack: str, by_whoever_asked: bool
) -> None:
    refund_id = refund_of(ask(desk, pack, "39.00"))
    assert figures(shop) == (1150, 0, 1150)
    assert (desk if by_whoever_asked else manager).send(f"/staff/refunds/{refund_id}/reject").status_code == 303
    assert figures(shop) == (0, 1150, 1150)
    assert list(audit.audit()) == []


def test_freezes_once_what_two_ask_for_and_keeps_what_the_other_needs(
    desk: Desk, manager: Desk, shop: Shop, pack: str
) -> None:
    whole, part = (refund_of(ask(desk, pack, amount)) for amount in ("39.00", "26.00"))
    assert figures(shop) == (1150, 0, 1150)
    assert manager.send(f"/staff/refunds/{whole}/reject").status_code == 303
    assert figures(shop) == (767, 383, 1150)
    assert manager.send(f"/staff/refunds/{part}/reject").status_code == 303
    assert figures(shop) == (0, 1150, 1150)


def test_freezes_nothing_where_the_customer_keeps_the_credits(shop: Shop, pack: str) -> None:
    waiting = refunds.request_refund(
        pack, amount_minor=3900, credits="keep", reason="duplicate", note=None, actor="staff:sam"
    )
    assert waiting.status == "needs_approval"
    assert figures(shop) == (0, 1150, 1150)


def test_goes_once_when_somebody_else_approves(desk: Desk, manager: Desk, shop: Shop, pack: str) -> None:
    refund_id = refund_of(ask(desk, pack, "39.00"))
    page = manager.see(f"/staff/refunds/{refund_id}")
    assert "Credits taken back 1,150" in text_of(page)
    for _ in range(2):
        assert manager.send(f"/staff/refunds/{refund_id}/approve").status_code == 303
    shop.sandbox.flush()
    assert len(shop.sandbox.calls("POST", "/v1/refunds")) == 1
    assert shop.entries(shop.customer(), "payment_refunded") == [-1150]
    assert audit_rows() == [(desk.staff.actor, "refund", True), (manager.staff.actor, "refund.approve", True)]
    assert list(audit.audit()) == []


def test_lets_nobody_approve_their_own(manager: Desk, shop: Shop, pack: str) -> None:
    refund_id = refund_of(ask(manager, pack, "39.00"))
    answer = manager.send(f"/staff/refunds/{refund_id}/approve")
    assert answer.status_code == 403
    assert "somebody else has to approve" in text_of(answer)
    assert "Approve: give" not in text_of(manager.see(f"/staff/refunds/{refund_id}"))
    assert status(refund_id) == "needs_approval"
    assert shop.sandbox.calls("POST", "/v1/refunds") == []
    assert audit_rows()[-1] == (manager.staff.actor, "approve", False)


def test_needs_the_right_to_approve__F133(app: Flask, desk: Desk, shop: Shop, pack: str) -> None:
    refund_id = refund_of(ask(desk, pack, "39.00"))
    other = hire(app, "pat@example.com", "support")
    for act in ("approve", "reject"):
        assert other.send(f"/staff/refunds/{refund_id}/{act}").status_code == 403
    assert status(refund_id) == "needs_approval"
    assert shop.sandbox.calls("POST", "/v1/refunds") == []


def test_turns_a_refund_down_for_good(desk: Desk, manager: Desk, shop: Shop, pack: str) -> None:
    refund_id = refund_of(ask(desk, pack, "39.00"))
    for _ in range(2):
        assert manager.send(f"/staff/refunds/{refund_id}/reject").status_code == 303
    assert status(refund_id) == "rejected"
    assert manager.send(f"/staff/refunds/{refund_id}/approve").status_code == 409
    assert desk.send(f"/staff/refunds/{refund_id}/reject").status_code == 409
    assert shop.sandbox.calls("POST", "/v1/refunds") == []
    assert list(audit.audit()) == []


def test_lets_whoever_asked_take_it_back(desk: Desk, pack: str) -> None:
    refund_id = refund_of(ask(desk, pack, "39.00"))
    assert desk.send(f"/staff/refunds/{refund_id}/reject").status_code == 303
    assert status(refund_id) == "rejected"


def test_checks_again_what_is_left_when_it_is_approved(desk: Desk, manager: Desk, shop: Shop, pack: str) -> None:
    """Two ask for all of it; who is approved second finds nothing left, and can be turned down."""
    first, second = (refund_of(ask(desk, pack, "39.00")) for _ in range(2))
    assert manager.send(f"/staff/refunds/{first}/approve").status_code == 303
    answer = manager.send(f"/staff/refunds/{second}/approve")
    assert answer.status_code == 409
    assert "somebody was quicker" in text_of(answer)
    assert "Approve: give" not in text_of(manager.see(f"/staff/refunds/{second}"))
    assert manager.send(f"/staff/refunds/{second}/reject").status_code == 303
    assert len(shop.sandbox.calls("POST", "/v1/refunds")) == 1


def test_two_who_decide_at_once_decide_once(desk: Desk, shop: Shop, pack: str, app: Flask) -> None:
    refund_id = refund_of(ask(desk, pack, "39.00"))
    managers = [hire(app, f"kim{number}@example.com", "manager") for number in range(4)]
    answers: list[int] = []

    def decide(number: int) -> None:
        act = "approve" if number % 2 else "reject"
        with app.app_context():
            answers.append(managers[number].send(f"/staff/refunds/{refund_id}/{act}").status_code)

    threads = [threading.Thread(target=decide, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answers) == [303, 409, 409, 409]
    assert len(shop.sandbox.calls("POST", "/v1/refunds")) == (status(refund_id) != "rejected")


def test_adds_up_what_one_person_gives_back_in_a_day(desk: Desk, admin: Desk, shop: Shop, pack: str) -> None:
    other = buy(shop, shop.customer("bob"))
    sent = [status(refund_of(ask(desk, payment, "19.50"))) for payment in (pack, other, pack)]
    assert sent == ["succeeded", "succeeded", "needs_approval"]
    assert status(refund_of(ask(desk, pack, "6.00"))) == "succeeded"
    assert status(refund_of(ask(admin, pack, "1.00"))) == "succeeded"


def test_counts_how_often_one_person_gives_back_in_a_day(desk: Desk, pack: str, clock: Any) -> None:
    sent = [status(refund_of(ask(desk, pack, "1.00"))) for _ in range(5)]
    assert sent == ["succeeded"] * 4 + ["needs_approval"]
    clock.advance(days=1)
    assert status(refund_of(ask(desk, pack, "1.00"))) == "succeeded"


def test_what_waits_for_a_day_is_named_where_staff_look(desk: Desk, pack: str, clock: Any) -> None:
    refund_id = refund_of(ask(desk, pack, "39.00"))
    assert "Waiting for more than a day" not in text_of(desk.see("/staff/stripe"))
    clock.advance(days=2)
    page = desk.see("/staff/stripe")
    assert "Waiting for more than a day Refund, ada : Waits for a second person, since " in text_of(page)
    assert f'href="/staff/refunds/{refund_id}"' in page.text
    assert "needs_approval" not in page.text


def test_limit_of_the_day_holds_when_many_ask_at_once(app: Flask, shop: Shop, low_limits: None) -> None:
    """Six refunds of 15.00 of six customers at once: three of them are 45.00, the rest wait."""
    bought = [buy(shop, shop.customer(f"c{number}")) for number in range(6)]
    seen: list[str] = []

    def give(payment_id: str) -> None:
        with app.app_context():
            refund = refunds.request_refund(
                payment_id, amount_minor=1500, credits="keep", reason="duplicate", note=None, actor="app:shop"
            )
            seen.append(refund.status)

    threads = [threading.Thread(target=give, args=(payment_id,)) for payment_id in bought]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(seen) == ["needs_approval"] * 3 + ["succeeded"] * 3
    assert list(audit.audit()) == []


def test_hides_approvals_from_strangers__F133(
    desk: Desk, pack: str, visitor_at_staff: Desk, customer_browser: Any
) -> None:
    refund_id = refund_of(ask(desk, pack, "39.00"))
    for visitor in (visitor_at_staff, customer_browser):
        for act in ("approve", "reject"):
            assert visitor.send(f"/staff/refunds/{refund_id}/{act}").status_code == 404
    assert customer_browser.see("/staff/approvals").status_code == 404
    assert status(refund_id) == "needs_approval"
    assert desk.send("/staff/refunds/rf_none/approve").status_code == 404
