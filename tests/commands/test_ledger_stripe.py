"""`flask ledger audit --stripe`: the books and Stripe's lists say the same, in both directions; and what waits."""

from __future__ import annotations

from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import text, update

from billing import checkout, clock, payments, refunds
from billing.db import db, transaction
from billing.models import Entry, StripeEvent
from tests.commands.conftest import Run, told
from tests.stripe_world import Shop, count, environ, sandbox, shop

__all__ = ["environ", "sandbox", "shop"]


@pytest.fixture
def sold(app: Flask, shop: Shop) -> int:
    """A plan, a pack half given back, and a disputed pack: all told, and older than what may be on its way."""
    ada = shop.customer()
    shop.sandbox.pay(checkout.start_plan_checkout(ada, "basic", "month").id)
    intents = [
        shop.sandbox.pay(checkout.start_pack_checkout(ada, pack).id)["session"]["payment_intent"]
        for pack in ("small", "large")
    ]
    shop.sandbox.control("refunds", {"payment_intent": intents[0], "amount": 200})
    shop.sandbox.control("disputes", {"payment_intent": intents[1]})
    shop.sandbox.flush()
    shop.sandbox.advance(days=1)
    db.session.rollback()
    return ada


def found(run: Run, exit_code: int = 1) -> list[tuple[str, str | None, str]]:
    """Invariant, customer and the kind of thing of each violation."""
    violations = told(run("ledger", "audit", "--stripe", "--json"), exit_code)["violations"]
    return [(each["invariant"], each["customer"], each["where"].partition("=")[0]) for each in violations]


def test_books_that_agree_with_stripe_are_clean(run: Run, shop: Shop, sold: int) -> None:
    assert run("ledger", "audit", "--stripe").stdout == "The books are right.\n"


def test_what_only_stripe_knows_is_found_and_not_booked(run: Run, shop: Shop, sold: int) -> None:
    shop.online = False
    ben = shop.customer("ben")
    intent = shop.sandbox.pay(checkout.start_pack_checkout(ben, "small").id)["session"]["payment_intent"]
    before = count(Entry)
    assert found(run, 0) == [], "it may still be on its way"
    shop.sandbox.advance(days=1)
    shop.sandbox.control("refunds", {"payment_intent": intent, "amount": 100})
    shop.sandbox.advance(days=1)
    assert set(found(run)) == {("I17", None, "checkout.session"), ("I21", None, "refund")}
    assert count(Entry) == before


def test_what_stripe_does_not_know_is_found(run: Run, shop: Shop, sold: int) -> None:
    with transaction() as write:
        write.execute(text("UPDATE payments SET session_id = 'cs_made_up' WHERE item = 'small'"))
        write.execute(text("UPDATE refunds SET stripe_id = 're_made_up'"))
    db.session.rollback()
    assert {("I17", "ada", "checkout.session"), ("I21", "ada", "refund")} <= set(found(run))


def test_sum_that_stripe_tells_otherwise_is_found(run: Run, shop: Shop, sold: int) -> None:
    with transaction() as write:
        write.execute(text("UPDATE payments SET amount_minor = 1 WHERE kind = 'plan'"))
    db.session.rollback()
    assert found(run) == [("I17", None, "invoice")]


def test_audit_that_cannot_reach_stripe_exits_2(run: Run, shop: Shop, sold: int) -> None:
    shop.sandbox.fault("500", path="/v1/refunds", times=20)
    assert run("ledger", "audit", "--stripe").exit_code == 2
    assert run("ledger", "audit", "--stripe", "--customer", "ada").exit_code == 2


def test_what_waits_for_a_day_is_a_warning_and_no_violation(run: Run, shop: Shop, sold: int) -> None:
    shop.sandbox.fault("500", path="/v1/refunds", times=20)
    payment = next(each for each in payments.list_payments(sold) if each.item == "small")
    refund = refunds.request_refund(
        payment.id, amount_minor=100, credits="keep", reason="duplicate", note=None, actor="app:shop"
    )
    assert told(run("ledger", "audit", "--json"))["warnings"] == []
    shop.sandbox.advance(days=2)
    with transaction() as write:
        write.execute(update(StripeEvent).where(StripeEvent.type == "invoice.paid").values(status="parked"))
        write.execute(update(StripeEvent).values(received_at=clock.wall_now() - timedelta(hours=25)))
    db.session.rollback()
    warnings = told(run("ledger", "audit", "--json"))["warnings"]
    assert [(each["invariant"], each["where"].partition("=")[0]) for each in warnings] == [
        ("I21", "refund"),
        ("I23", "event"),
    ]
    assert warnings[0]["where"] == f"refund={refund.id}"
    assert run("ledger", "audit").stdout.startswith("warning: I21 user=ada")
