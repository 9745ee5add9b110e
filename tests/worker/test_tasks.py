"""What the worker does without being asked."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from datetime import timedelta

import pytest
import time_machine
from flask import Flask
from sqlalchemy import select

from billing import accounts, adjustments, checkout, clock, payments, refunds, spending
from billing.db import connection, db
from billing.models import Account, Entry, Hold
from billing.money import MICRO
from billing.spending import Order
from config import ROOT
from tests.conftest import Clock
from tests.stripe_world import Shop, environ, sandbox, shop, stored
from worker.loop import Worker
from worker.tasks import TASKS

__all__ = ["environ", "sandbox", "shop"]


def work(app: Flask, name: str | None = None) -> dict[str, int]:
    """One round of a fresh worker, or of one of its tasks."""
    result = Worker(app, [task for task in TASKS if name in (None, task.name)]).run_once()
    db.session.rollback()
    assert result.failed == {}
    return result.done


def expiring(shop: Shop, *customers: str) -> list[int]:
    """Accounts with 10 credits that end within a day."""
    ends_at = clock.now() + timedelta(hours=20)
    accounts_made = [shop.customer(name) for name in customers]
    for account_id in accounts_made:
        adjustments.grant_credits(account_id, 10 * MICRO, "gift", "operator", expires_at=ends_at)
    return accounts_made


def stored_balance(account_id: int) -> int:
    """What the account's row says, with nothing booked by looking."""
    db.session.rollback()
    return connection().scalars(select(Account.balance).where(Account.account_id == account_id)).one()


def test_books_what_ends(shop: Shop, clock: Clock) -> None:
    ada, bob = expiring(shop, "ada", "bob")
    assert work(shop.app, "book what is due") == {}
    clock.advance(days=1)
    assert stored_balance(ada) == 10 * MICRO
    assert work(shop.app, "book what is due") == {"book what is due": 2}
    assert [stored_balance(each) for each in (ada, bob)] == [0, 0]
    assert work(shop.app, "book what is due") == {}


def test_frees_a_hold_that_ran_out(shop: Shop, clock: Clock) -> None:
    ada = shop.customer()
    adjustments.grant_credits(ada, 10 * MICRO, "gift", "operator")
    spending.place_hold(ada, Order(amount=4 * MICRO), 60, actor="app:test")
    clock.advance(seconds=61)
    work(shop.app, "book what is due")
    assert connection().scalars(select(Hold.status)).all() == ["expired"]


def test_books_each_ending_once_with_several_workers__F056(shop: Shop, clock: Clock) -> None:
    accounts_made = expiring(shop, *(f"c{number}" for number in range(10)))
    clock.advance(days=1)
    threads = [threading.Thread(target=Worker(shop.app, TASKS[:1]).run_once) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    db.session.rollback()
    expired = connection().scalars(select(Entry.account_id).where(Entry.reason == "expired")).all()
    assert sorted(expired) == sorted(accounts_made)


def test_finishes_a_refund_that_stripe_did_not_answer(shop: Shop) -> None:
    ada = shop.customer()
    shop.sandbox.pay(checkout.start_pack_checkout(ada, "small").id)
    db.session.rollback()
    (payment,) = payments.list_payments(ada)
    shop.sandbox.fault("drop", path="/v1/refunds", times=20)
    refund = refunds.request_refund(
        payment.id, amount_minor=None, credits="proportional", reason="duplicate", note=None, actor="staff:sam"
    )
    assert refund.status == "pending"
    shop.sandbox.control("faults", method="DELETE")
    work(shop.app, "finish refunds")
    assert refunds.read_refund(refund.id).status == "succeeded"
    assert shop.entries(ada, "payment_refunded") == [-100]
    keys = {call["idempotency_key"] for call in shop.sandbox.calls("POST", "/v1/refunds")}
    assert len(keys) == 1
    assert work(shop.app, "finish refunds") == {}


def test_runs_a_failed_event_again(shop: Shop) -> None:
    ada = shop.customer()
    shop.online = False
    shop.sandbox.pay(checkout.start_plan_checkout(ada, "basic", "month").id)
    (event,) = shop.events("customer.subscription.created")
    shop.sandbox.fault("500", times=50, path="/v1/subscriptions")
    assert shop.post(event).status_code >= 500
    shop.sandbox.control("faults", method="DELETE")
    assert work(shop.app, "retry events") == {}
    with time_machine.travel(clock.wall_now() + timedelta(minutes=2)):
        assert work(shop.app, "retry events") == {"retry events": 1}
    assert stored(event["id"]).status == "done"


def test_finds_what_webhooks_missed(shop: Shop) -> None:
    ada = shop.customer()
    shop.online = False
    shop.sandbox.pay(checkout.start_pack_checkout(ada, "small").id)
    assert shop.entries(ada) == []
    work(shop.app, "reconcile")
    work(shop.app, "reconcile")
    assert shop.entries(ada) == [100]


def test_does_one_round_and_tells_a_program(shop: Shop, clock: Clock) -> None:
    expiring(shop, "ada")
    clock.advance(days=1)
    result = shop.app.test_cli_runner().invoke(args=["worker", "--once", "--json"])
    assert result.exit_code == 0
    assert '"book what is due":1' in result.stdout


def test_tells_that_something_failed(shop: Shop) -> None:
    shop.sandbox.fault("500", times=1000)
    result = shop.app.test_cli_runner().invoke(args=["worker", "--once"])
    assert result.exit_code == 1
    assert "reconcile FAILED" in result.stdout


@pytest.mark.parametrize("number", [signal.SIGTERM, pytest.param(signal.SIGINT, marks=pytest.mark.force)])
def test_ends_cleanly_when_told_to(shop: Shop, environ: dict[str, str], number: signal.Signals) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "flask", "worker"],
        cwd=ROOT,
        env={**os.environ, **environ},
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    for line in process.stderr:
        if "worker_started" in line:
            break
    process.send_signal(number)
    _, rest = process.communicate(timeout=20)
    assert process.returncode == 0, rest
    assert "worker_stopped" in rest
    assert "Traceback" not in rest


def test_looks_at_an_account_without_work_for_it_no_more(shop: Shop) -> None:
    ada = shop.customer()
    adjustments.grant_credits(ada, MICRO, "gift", "operator")
    assert accounts.read_balance(ada).balance == MICRO
    assert connection().scalars(select(Account.next_due_at).where(Account.account_id == ada)).one() is None
