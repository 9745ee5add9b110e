"""A made-up customer with a history in which every rule has left its rows, told through the real verbs."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from sqlalchemy import func, select

from billing import (
    adjustments,
    clock,
    cycle_credits,
    disputes,
    prices,
    purchases,
    refunds,
    spending,
    subscriptions,
)
from billing.accounts import open_account
from billing.db import connection, db, transaction
from billing.ids import new_id
from billing.ledger.book import Book
from billing.ledger.giving_back import give_back
from billing.ledger.grants import Terms, burn_down, open_grant
from billing.ledger.holds import capture_hold, place_hold, void_hold
from billing.ledger.posting import Note
from billing.models import Account, Checkout, Customer, Payment, PaymentIntentLink, Price, StripeCustomer, StripeEvent
from billing.money import MICRO
from billing.self_test import told

DAY = timedelta(days=1)
NOTE = Note(actor="app:self-test")


@dataclass(slots=True)
class History:
    """Two made-up customers; ``seqs`` and ``ids`` name what corruptions go for."""

    account_id: int
    customer: str
    other_id: int
    seqs: dict[str, int] = field(default_factory=dict)
    ids: dict[str, str] = field(default_factory=dict)


def tell_history() -> History:
    """Write the history into the database in use."""
    customer, other = new_id("selftest"), new_id("selftest")
    history = History(_make_customer(customer), customer, _make_customer(other))
    _spend_and_expire(history)
    _buy_and_refund(history)
    _leave_debt(history)
    _subscribe(history)
    _stay_disputed(history)
    return history


def _make_customer(public_id: str) -> int:
    now = clock.now()
    with transaction():
        customer = Customer(public_id=public_id, created_at=now)
        db.session.add(customer)
        db.session.flush()
        db.session.add(Account(account_id=customer.account_id))
        link = {"stripe_id": new_id("cus"), "livemode": False, "created_at": now}
        db.session.add(StripeCustomer(account_id=customer.account_id, **link))
        return customer.account_id


def _spend_and_expire(history: History) -> None:
    """Forty days ago: grants, a debit given back in part, holds captured, voided and expired, an expiry."""
    start = clock.now() - 40 * DAY
    seqs = history.seqs

    def at(day: float, act: Callable[[Book], Any]) -> Any:
        with transaction(), open_account(history.account_id, start + day * DAY) as book:
            return act(book)

    def grant(credits: int, **terms: Any) -> Callable[[Book], int]:
        source = new_id("promo")
        return lambda book: (
            open_grant(
                book, "CREDIT", "promo", credits * MICRO, at=book.now, terms=Terms(**terms), note=NOTE, source=source
            ).seq
        )

    def debit(credits: int) -> Callable[[Book], int]:
        return lambda book: burn_down(book, credits * MICRO, "amount", scope=None, note=NOTE, source=None).seq

    def hold(credits: int) -> Callable[[Book], int]:
        return lambda book: place_hold(book, credits * MICRO, expires_at=book.now + DAY, note=NOTE).number

    seqs["ending"] = at(0, grant(100, expires_at=start + 10 * DAY))
    seqs["lasting"] = at(0, grant(500))
    seqs["scoped"] = at(0, grant(20, scope="self-test"))
    seqs["debit"] = at(1, debit(30))
    captured = seqs["captured hold"] = at(1, hold(10))
    seqs["capture"] = at(1.1, lambda book: capture_hold(book, book.hold(captured), 6 * MICRO, note=NOTE).seq)
    voided = seqs["voided hold"] = at(1.2, hold(5))
    at(1.3, lambda book: void_hold(book, book.hold(voided)))
    seqs["expired hold"] = at(1.4, hold(4))
    debited = seqs["debit"]
    seqs["given back"] = at(2, lambda book: give_back(book, book.entry(debited), 10 * MICRO, note=NOTE).seq)
    seqs["expiry"] = at(11, lambda book: book.last_seq)
    seqs["later debit"] = at(12, debit(3))
    seqs["staff"] = _seq_of(
        adjustments.grant_credits(history.account_id, 25 * MICRO, "self-test", "staff:self-test").id
    )
    seqs["active hold"] = at(40, hold(7))


def _buy_and_refund(history: History) -> None:
    """A pack of which 30 % of the money went back, and the event that told of it."""
    session = _buy(history, "pack", 200, 1000)
    _refund(history, "refund", "pack", 300)
    event = {"data": {"object": {"mode": "payment", "status": "complete", "payment_status": "paid"}}}
    with transaction():
        db.session.add(
            StripeEvent(
                id=new_id("evt"),
                type="checkout.session.completed",
                object_id=session,
                account_id=history.account_id,
                status="done",
                attempts=1,
                payload=json.dumps(event),
                created_at=clock.now(),
                received_at=clock.wall_now(),
                handled_at=clock.wall_now(),
            )
        )


def _leave_debt(history: History) -> None:
    """A pack that was spent and then refunded; what comes in afterwards pays part of the debt it left."""
    _buy(history, "spent pack", 40, 400, priority=0)
    spending.debit(history.account_id, spending.Order(amount=40 * MICRO), actor="app:self-test")
    _refund(history, "full refund", "spent pack", 400)
    with transaction(), open_account(history.account_id) as book:
        history.seqs["debt"] = max(book.debts)
        source = new_id("promo")
        open_grant(book, "CREDIT", "promo", 15 * MICRO, at=book.now, terms=Terms(), note=NOTE, source=source)


def _subscribe(history: History) -> None:
    """A plan's first cycle."""
    price = _price(500, 1500, kind="plan", interval="month")
    subscription = told.new_subscription(_stripe_customer(history), price)
    invoice = told.paid_invoice(subscription, 1500)
    subscriptions.sync_subscription(subscription)
    cycle_credits.grant_cycle_credits(cycle_credits.PaidInvoice(invoice))
    history.ids |= {"line": invoice.lines[0].id, "subscription": subscription.id}
    history.seqs["cycle"] = _last_seq(history)


def _stay_disputed(history: History) -> None:
    """A pack under dispute: its credits are frozen."""
    _buy(history, "disputed pack", 60, 600)
    disputes.record_dispute(told.open_dispute(_payment_intent(history.ids["disputed pack"]), 600))


def _buy(history: History, name: str, credits: int, amount_minor: int, *, priority: int = 50) -> str:
    """A pack bought; notes its payment and grant under ``name`` and answers its session."""
    price = _price(credits, amount_minor, kind="pack", interval=None, priority=priority)
    session = told.paid_session(_stripe_customer(history), amount_minor)
    with transaction():
        db.session.add(
            Checkout(
                id=new_id("co"),
                account_id=history.account_id,
                session_id=session.id,
                price_id=price.stripe_id,
                kind="pack",
                item=price.item,
                credits=price.credits,
                status="open",
                created_at=session.created,
                expires_at=session.expires_at,
            )
        )
    purchases.fulfil_checkout(session)
    history.ids[name] = db.session.scalars(select(Payment.id).where(Payment.session_id == session.id)).one()
    history.ids[f"{name} session"] = session.id
    history.seqs[name] = _last_seq(history)
    return session.id


def _refund(history: History, name: str, paid: str, amount_minor: int) -> None:
    refund = told.succeeded_refund(_payment_intent(history.ids[paid]), amount_minor)
    refunds.record_refund(refund)
    history.ids[name] = refund.id
    history.seqs[name] = _last_seq(history)


def _price(credits: int, amount_minor: int, *, kind: str, interval: str | None, priority: int = 50) -> Price:
    item = new_id("item")
    with transaction():
        return prices.remember(
            new_id("price"),
            f"{kind}:{item}",
            active=False,
            product_id=f"saldo_{kind}_{item}",
            kind=kind,
            item=item,
            interval=interval,
            amount_minor=amount_minor,
            currency="usd",
            credits=credits * MICRO,
            priority=priority,
            synced_at=clock.now(),
        )


def _stripe_customer(history: History) -> str:
    of_account = StripeCustomer.account_id == history.account_id
    return db.session.scalars(select(StripeCustomer.stripe_id).where(of_account)).one()


def _payment_intent(payment_id: str) -> str:
    of_payment = PaymentIntentLink.payment_id == payment_id
    return db.session.scalars(select(PaymentIntentLink.payment_intent_id).where(of_payment)).one()


def _last_seq(history: History) -> int:
    query = select(func.max(Account.last_seq)).where(Account.account_id == history.account_id)
    return int(connection().scalar(query) or 0)


def _seq_of(ledger_id: str) -> int:
    return int(ledger_id.rpartition("_")[2])
