"""Things that tests need, made the way the product makes them: through the real verbs, with no Stripe behind.

Amounts of credits are whole credits; ids are made up from one counter, so that they are the same in every run.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

from sqlalchemy import select

from billing import catalog, clock, customers, disputes, prices, purchases, refunds
from billing.accounts import open_account
from billing.db import db, transaction
from billing.ids import new_id
from billing.ledger.grants import Terms, open_grant
from billing.ledger.posting import Note
from billing.models import Checkout, Grant, Payment, Price, StripeCustomer
from billing.money import MICRO
from billing.stripe_facts import CheckoutSessionFacts, DisputeFacts, RefundFacts

CATALOG = """
currency = "usd"
[free_plan]
name = "Free"
signup_credits = 0
"""

_numbers = count(1)


def use_catalog(folder: Path, text: str = CATALOG) -> None:
    """A catalog in which nothing is given away at sign-up, unless ``text`` says otherwise."""
    file = folder / "catalog.toml"
    file.write_text(text)
    catalog.configure(catalog.load_catalog(file))


def make_id(prefix: str) -> str:
    """An id as Stripe would give one."""
    return f"{prefix}_{next(_numbers):06}"


def make_customer(public_id: str | None = None) -> int:
    """A customer an app names, linked to a Stripe customer of their own; answers the account."""
    account_id = customers.ensure_customer(public_id or make_id("user"))[0].account_id
    link = StripeCustomer(
        stripe_id=make_id("cus"), account_id=account_id, livemode=False, created_at=clock.now(), deleted_at=None
    )
    with transaction():
        db.session.add(link)
    return account_id


def make_grant(
    account_id: int,
    credits: int,
    *,
    now: datetime | None = None,
    reason: str = "promo",
    source: str | None = None,
    **terms: Any,
) -> int:
    """Credits granted for nothing; answers the grant's seq. ``terms``: expires_at, scope, priority …"""
    with transaction(), open_account(account_id, now) as book:
        return open_grant(
            book,
            "CREDIT",
            reason,
            credits * MICRO,
            at=book.now,
            terms=Terms(**terms),
            note=Note(actor="system"),
            source=source or make_id("promo"),
        ).seq


def make_price(
    item: str, credits: int, amount_minor: int, interval: str | None = None, *, kind: str = "pack", **terms: Any
) -> Price:
    """A price in the price table, as the catalog's sync puts it there."""
    with transaction():
        return prices.put_on_sale(
            make_id("price"),
            ":".join([kind, item, *([interval] if interval else [])]),
            **{
                "product_id": f"saldo_{kind}_{item}",
                "kind": kind,
                "item": item,
                "interval": interval,
                "amount_minor": amount_minor,
                "currency": "usd",
                "credits": credits * MICRO,
                "synced_at": clock.now(),
                **terms,
            },
        )


@dataclass(frozen=True, slots=True)
class Bought:
    """A pack that was paid: its payment and grant, and what Stripe calls them."""

    account_id: int
    payment_id: str
    seq: int
    session: CheckoutSessionFacts
    amount_minor: int


def make_session(account_id: int, credits: int, amount_minor: int, **terms: Any) -> CheckoutSessionFacts:
    """A completed and paid Checkout Session for a pack, with our record of it; not told to Saldo yet."""
    price = make_price(make_id("pack"), credits, amount_minor, **terms)
    session = CheckoutSessionFacts(
        id=make_id("cs"),
        mode="payment",
        status="complete",
        payment_status="paid" if amount_minor else "no_payment_required",
        client_reference_id=None,
        customer=db.session.scalar(select(StripeCustomer.stripe_id).where(StripeCustomer.account_id == account_id)),
        subscription=None,
        payment_intent=make_id("pi") if amount_minor else None,
        invoice=None,
        amount_total=amount_minor,
        currency="usd",
        metadata={},
        livemode=False,
        url=None,
        created=clock.now(),
        expires_at=clock.now() + timedelta(hours=24),
    )
    record = Checkout(
        id=new_id("co"),
        account_id=account_id,
        session_id=session.id,
        price_id=price.stripe_id,
        kind="pack",
        item=price.item,
        quantity=1,
        credits=price.credits + price.bonus,
        status="open",
        created_at=clock.now(),
        expires_at=session.expires_at,
    )
    with transaction():
        db.session.add(record)
    return session


def buy_pack(account_id: int, credits: int, amount_minor: int = 1000, **terms: Any) -> Bought:
    """A pack bought and granted; ``terms`` are the price's: expires_after_days, priority …"""
    session = make_session(account_id, credits, amount_minor, **terms)
    assert purchases.fulfil_checkout(session) == "granted"
    payment_id = db.session.scalars(select(Payment.id).where(Payment.session_id == session.id)).one()
    seq = db.session.scalars(select(Grant.seq).where(Grant.payment_id == payment_id)).one()
    return Bought(account_id, payment_id, seq, session, amount_minor)


def tell_refund(bought: Bought, amount_minor: int, status: str = "succeeded", stripe_id: str | None = None) -> str:
    """A refund of a pack as Stripe tells of it; answers Stripe's id. Tell it again to change its status."""
    stripe_id = stripe_id or make_id("re")
    facts = RefundFacts(
        id=stripe_id,
        amount=amount_minor,
        currency="usd",
        status=status,
        charge=None,
        payment_intent=bought.session.payment_intent,
        reason=None,
        failure_reason=None,
        metadata={},
        created=clock.now(),
    )
    assert refunds.record_refund(facts) in ("done", "duplicate")
    return stripe_id


def tell_dispute(bought: Bought, status: str, amount_minor: int | None = None, stripe_id: str | None = None) -> str:
    """A dispute of a pack as Stripe tells of it, by default over all of it; answers Stripe's id."""
    stripe_id = stripe_id or make_id("dp")
    facts = DisputeFacts(
        id=stripe_id,
        charge=make_id("ch"),
        payment_intent=bought.session.payment_intent,
        amount=bought.amount_minor if amount_minor is None else amount_minor,
        currency="usd",
        status=status,
        reason="fraudulent",
        due_by=None,
        created=clock.now(),
    )
    assert disputes.record_dispute(facts) in ("done", "duplicate")
    return stripe_id
