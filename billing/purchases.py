"""What a paid Checkout Session is worth: a pack is granted, a subscription only linked (its invoice grants)."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import select

from billing import catalog, prices, quotas, stripe_customers
from billing.accounts import open_account
from billing.db import db, transaction
from billing.ledger.grants import Terms, open_grant
from billing.ledger.posting import Note, is_posted
from billing.models import Checkout
from billing.payments import NewPayment, add_lot, book_payment, link_payment_intent
from billing.stripe_facts import CheckoutSessionFacts


def fulfil_checkout(session: CheckoutSessionFacts) -> str:
    """Book what a completed session stands for, once (R6: the session is a pack's business key).

    Answers ``granted``, ``duplicate``, ``pending`` (a delayed method has not paid yet), ``linked`` (a subscription)
    or ``foreign``. Webhook, landing page and reconcile all come here, in any order and at once. What it is worth is
    decided by our own record of the session, never by metadata (R15); which quotas it resets, by the catalog.
    """
    account_id = stripe_customers.account_of(session.customer)
    if account_id is None or session.status != "complete":
        return "foreign"
    with transaction(), open_account(account_id) as book:
        checkout = checkout_of(account_id, session)
        if checkout is None:
            return "foreign"
        if checkout.status == "failed" and not session.is_paid:
            return "duplicate"  # still complete and unpaid at Stripe, and the delayed payment will not come
        checkout.status = "complete"
        checkout.payment_status = session.payment_status
        if checkout.kind != "pack":
            return "linked"
        if not session.is_paid:
            return "pending"
        source = f"checkout:{session.id}"
        if is_fulfilled(source):
            return "duplicate"
        price = prices.price_of(checkout.price_id)
        assert price is not None, "a checkout is made for a price of ours"
        amount = checkout.credits * checkout.quantity
        payment = book_payment(
            account_id,
            NewPayment(
                kind="pack",
                description=price.lookup_key,
                item=checkout.item,
                tier=None,
                amount_minor=session.amount_total,
                currency=session.currency,
                paid_at=book.now,
                session_id=session.id,
            ),
        )
        if session.payment_intent is not None:
            link_payment_intent(payment, session.payment_intent, session.amount_total)
        if amount:
            add_lot(payment, "pack", amount)
            days = price.expires_after_days
            open_grant(
                book,
                "PURCHASE",
                "pack",
                amount,
                at=book.now,
                terms=Terms(
                    expires_at=book.now + timedelta(days=days) if days is not None else None,
                    priority=price.priority,
                    payment_id=payment.id,
                    lot="pack",
                    label=checkout.item,
                ),
                note=Note(actor="stripe"),
                source=source,
            )
        pack = catalog.current().packs.get(checkout.item)
        quotas.reset_by_pack(book, pack.resets if pack is not None else (), source)
        return "granted"


def is_fulfilled(source: str) -> bool:
    """Whether this session has brought its credits, or its reset where it sells nothing else. Ask under the lock."""
    return is_posted(source) or quotas.is_reset(source)


def close_checkout(session: CheckoutSessionFacts, outcome: str) -> str:
    """A session ended without money: ``expired`` unpaid, or ``failed`` when a delayed payment did not come."""
    account_id = stripe_customers.account_of(session.customer)
    if account_id is None:
        return "foreign"
    with transaction(), open_account(account_id):
        checkout = checkout_of(account_id, session)
        if checkout is None:
            return "foreign"
        if is_fulfilled(f"checkout:{session.id}"):
            return "duplicate"
        checkout.status = outcome
        checkout.payment_status = session.payment_status
        return outcome


def checkout_of(account_id: int, session: CheckoutSessionFacts) -> Checkout | None:
    """Our own record of a session of this account.

    Where the answer to its creation was lost, the session says which record it was made from; that the record is
    this customer's, and for the same thing, is checked here.
    """
    checkout = db.session.scalar(select(Checkout).where(Checkout.session_id == session.id))
    if checkout is None:
        named = db.session.get(Checkout, session.metadata.get("saldo_checkout", ""))
        is_pack = session.mode == "payment"
        if named is None or named.session_id is not None or (named.kind == "pack") != is_pack:
            return None
        if named.account_id != account_id:
            return None
        named.session_id = session.id
        checkout = named
    return checkout if checkout.account_id == account_id else None
