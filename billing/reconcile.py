"""Find and book what webhooks missed: Stripe's own lists go through the same functions as events do.

Lists reach further back than the 30 days that Stripe keeps events (F035). Safe beside live webhooks and other
reconciles: everything is booked once by its business key.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TypeVar

import structlog
from sqlalchemy import select

from billing import clock, fulfilment, stripe_customers, stripe_gateway
from billing.db import db, transaction
from billing.errors import StripeUnavailable
from billing.fulfilment import Booking
from billing.models import Subscription
from billing.stripe_facts import CheckoutSessionFacts, CreditNoteFacts, InvoiceFacts
from billing.stripe_gateway import StripeNotFound
from billing.subscriptions import Overtaken

DEFAULT_REACH = timedelta(days=35)
"""How far back a reconcile looks by itself: a whole monthly period, and beyond the events' 30 days."""

T = TypeVar("T")

_BOOKED = ("granted", "done")
"""Words of a booking that changed something."""

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing at Stripe that is not, or was not, in our books as it should be."""

    kind: str
    stripe_id: str
    word: str


@dataclass(slots=True)
class ReconcileReport:
    """How many things were looked at; what was missing and is booked now (dry run: would be); what cannot be."""

    looked_at: int = 0
    booked: list[Finding] = field(default_factory=list)
    parked: list[Finding] = field(default_factory=list)
    failed: list[Finding] = field(default_factory=list)


def reconcile(since: datetime | None = None, dry_run: bool = False) -> ReconcileReport:
    """Book every paid session and invoice, refund, credit note and dispute since `since` (default 35 days ago), once.

    Living subscriptions are copied anew too. With `dry_run` each booking is rolled back, so that the report says
    what is missing. One thing that fails does not stop the others. Raises `StripeUnavailable` when a list
    cannot be read.
    """
    return _Run(since or clock.now() - DEFAULT_REACH, dry_run).run()


class _Undo(Exception):
    """Ends a dry run's transaction."""


class _Run:
    def __init__(self, since: datetime, dry_run: bool) -> None:
        self.since = since
        self.dry_run = dry_run
        self.report = ReconcileReport()

    def run(self) -> ReconcileReport:
        """In the order in which things depend on each other: what came in, then what went back."""
        gateway, since = stripe_gateway.current(), self.since
        self._each("subscription", self._living_subscriptions(), str, fulfilment.prepare_subscription)
        self._each(
            "checkout.session",
            gateway.list_checkout_sessions(created_gte=since, status="complete"),
            lambda session: session.id,
            _session_of_ours,
        )
        self._each(
            "invoice",
            # Oldest first, as they were paid.
            reversed(list(gateway.list_paid_invoices(created_gte=since))),
            lambda invoice: invoice.id,
            _invoice_of_ours,
        )
        self._each(
            "refund",
            reversed(list(gateway.list_refunds(created_gte=since))),
            lambda refund: refund.id,
            fulfilment.prepare_fresh_refund,
        )
        self._each("credit_note", reversed(_credit_notes(since)), lambda note: note.id, fulfilment.prepare_credit_note)
        self._each(
            "dispute",
            gateway.list_disputes(created_gte=since),
            lambda dispute: dispute.id,
            fulfilment.prepare_fresh_dispute,
        )
        return self.report

    def _living_subscriptions(self) -> list[str]:
        return list(
            db.session.scalars(
                select(Subscription.stripe_id).where(Subscription.ended_at.is_(None)).order_by(Subscription.stripe_id)
            )
        )

    def _each(
        self,
        kind: str,
        things: Iterable[T],
        name: Callable[[T], str],
        prepare: Callable[[T], Booking | None],
    ) -> None:
        # Read to the end first: the list's pages and the bookings would otherwise wait for each other.
        for thing in list(things):
            self.report.looked_at += 1
            try:
                booking = prepare(thing)
                word = self._book(booking) if booking is not None else "foreign"
            except Overtaken:
                word = "duplicate"  # somebody wrote a newer answer this very moment
            except StripeUnavailable:
                raise
            except Exception as error:
                _log.error("reconcile_failed", kind=kind, stripe_id=name(thing), error=type(error).__name__)
                self.report.failed.append(Finding(kind, name(thing), type(error).__name__))
                continue
            if word in _BOOKED:
                self.report.booked.append(Finding(kind, name(thing), word))
            elif word.startswith("parked"):
                self.report.parked.append(Finding(kind, name(thing), word))

    def _book(self, booking: Booking) -> str:
        if not self.dry_run:
            return booking()
        word = "duplicate"
        try:
            with transaction():
                word = booking()
                raise _Undo
        except _Undo:
            return word


def _credit_notes(since: datetime) -> list[CreditNoteFacts]:
    """Stripe's credit notes; a stand-in that knows of none has none."""
    try:
        return list(stripe_gateway.current().list_credit_notes(created_gte=since))
    except StripeNotFound:
        return []


def _session_of_ours(session: CheckoutSessionFacts) -> Booking | None:
    if stripe_customers.account_of(session.customer) is None:
        return None
    return fulfilment.prepare_session(session)


def _invoice_of_ours(invoice: InvoiceFacts) -> Booking | None:
    if stripe_customers.account_of(invoice.customer) is None:
        return None
    return fulfilment.prepare_found_invoice(invoice)
