"""The doctor of books and Stripe: what only Stripe knows is booked, what differs set right, what only we know told.

Stripe's own lists go through the same functions as events do. They reach further back than the 30 days that Stripe
keeps events (F035). Safe beside live webhooks and other reconciles: everything is booked once by its business key, and
what differs is looked at again under the account's lock.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Protocol, TypeVar

import structlog
from sqlalchemy import select

from billing import clock, corrections, fulfilment, only_here, payments, stripe_customers, stripe_gateway
from billing.db import db, transaction
from billing.errors import StripeUnavailable
from billing.fulfilment import Booking
from billing.models import Dispute, Payment, Subscription
from billing.only_here import Kind, Ours
from billing.stripe_facts import CheckoutSessionFacts, CreditNoteFacts, DisputeFacts, InvoiceFacts
from billing.stripe_gateway import StripeNotFound
from billing.subscriptions import Overtaken

DEFAULT_REACH = timedelta(days=35)
"""How far back a reconcile looks by itself: a whole monthly period, and beyond the events' 30 days."""

BEGINNING = datetime(2011, 1, 1, tzinfo=UTC)
"""Before Stripe's first object."""

DECIDED = ("won", "lost", "warning_closed", "prevented")
"""Where a dispute ends, unless somebody appeals; then it is in the lists of its days again only by an event."""

_BOOKED = ("granted", "done", "corrected")
"""What a word begins with that a booking answers when it has changed something."""

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing of which Stripe and our books do not, or did not, say the same; ``created_at`` where it is known."""

    kind: Kind
    stripe_id: str
    word: str
    created_at: datetime | None = None
    customer: str | None = None


@dataclass(slots=True)
class ReconcileReport:
    """How many things were looked at, and what came of it. On a dry run the first two are what would be done.

    ``booked`` was missing here, ``repaired`` stood here otherwise; ``only_here`` is not at Stripe, and only people can
    explain why; ``parked`` and ``failed`` could not be booked.
    """

    looked_at: int = 0
    booked: list[Finding] = field(default_factory=list)
    repaired: list[Finding] = field(default_factory=list)
    only_here: list[Finding] = field(default_factory=list)
    parked: list[Finding] = field(default_factory=list)
    failed: list[Finding] = field(default_factory=list)

    @property
    def is_clean(self) -> bool:
        """Whether both sides said the same."""
        return not (self.booked or self.repaired or self.only_here or self.parked or self.failed)

    @property
    def is_unsolved(self) -> bool:
        """Whether something is left that people have to look at."""
        return bool(self.only_here or self.parked or self.failed)


def reconcile(since: datetime | None = None, dry_run: bool = False) -> ReconcileReport:
    """Bring the books in line with every session, invoice, refund, credit note and dispute since `since`, once.

    `since` is 35 days ago by default. Living subscriptions and undecided disputes are copied anew, however old. With
    `dry_run` each booking is rolled back, so that the report says what would be done. One thing that fails does not
    stop the others. Raises `StripeUnavailable` when a list cannot be read.
    """
    return _Run(since or clock.now() - DEFAULT_REACH, dry_run).run()


class _Undo(Exception):
    """Ends a dry run's transaction."""


class _Listed(Protocol):
    @property
    def id(self) -> str: ...
    @property
    def created(self) -> datetime: ...


_Thing = TypeVar("_Thing", bound=_Listed)


class _Run:
    def __init__(self, since: datetime, dry_run: bool) -> None:
        self.since = since
        self.dry_run = dry_run
        self.report = ReconcileReport()

    def run(self) -> ReconcileReport:
        """In the order in which things depend on each other: what came in, then what went back."""
        gateway, since = stripe_gateway.current(), self.since
        for stripe_id in _living_subscriptions():
            self.report.looked_at += 1
            word = self._look("subscription", stripe_id, None, partial(fulfilment.prepare_subscription, stripe_id))
            if word == "foreign":
                self.report.only_here += _only_here(only_here.find_one("subscription", stripe_id), "subscription")
        sessions = gateway.list_checkout_sessions(created_gte=since, status="complete")
        self._each("checkout.session", sessions, _session_of_ours, _correct_session)
        # Oldest first, as they were paid.
        invoices = reversed(list(gateway.list_paid_invoices(created_gte=since)))
        self._each("invoice", invoices, _invoice_of_ours, _correct_invoice)
        given_back = reversed(list(gateway.list_refunds(created_gte=since)))
        self._each("refund", given_back, fulfilment.prepare_fresh_refund, fulfilment.prepare_corrected_refund)
        notes = _credit_notes(since)
        if notes is not None:
            self._each("credit_note", reversed(notes), fulfilment.prepare_credit_note)
        complaints = list(gateway.list_disputes(created_gte=since))
        complaints += _older_disputes({dispute.id for dispute in complaints})
        self._each("dispute", complaints, fulfilment.prepare_fresh_dispute)
        return self.report

    def _each(
        self,
        kind: Kind,
        things: Iterable[_Thing],
        prepare: Callable[[_Thing], Booking | None],
        correct: Callable[[_Thing], Booking | None] | None = None,
    ) -> None:
        """Book what a list names, set right what differs, and name what our books know beside it."""
        # Read to the end first: the list's pages and the bookings would otherwise wait for each other.
        listed = list(things)
        for thing in listed:
            self.report.looked_at += 1
            word = self._look(kind, thing.id, thing.created, partial(prepare, thing))
            if correct is not None and not _has_changed(word):
                self._look(kind, thing.id, thing.created, partial(correct, thing))
        found = only_here.find(kind, {thing.id for thing in listed}, self.since)
        self.report.only_here += _only_here(found, kind)

    def _look(
        self, kind: Kind, stripe_id: str, created_at: datetime | None, prepare: Callable[[], Booking | None]
    ) -> str:
        """Book one thing as far as it is not; notes and answers what came of it."""
        was_known = only_here.is_known(kind, stripe_id)
        try:
            booking = prepare()
            word = self._book(booking) if booking is not None else "nothing to book"
        except Overtaken:
            word = "duplicate"  # somebody wrote a newer answer this very moment
        except StripeUnavailable:
            raise
        except Exception as error:
            word = type(error).__name__
            _log.error("reconcile_failed", kind=kind, stripe_id=stripe_id, error=word)
            self.report.failed.append(Finding(kind, stripe_id, word, created_at))
            return word
        found = Finding(kind, stripe_id, word, created_at)
        if _has_changed(word):
            (self.report.repaired if was_known else self.report.booked).append(found)
        elif word.startswith("parked"):
            self.report.parked.append(found)
        return word

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


def _has_changed(word: str) -> bool:
    return word.partition(":")[0] in _BOOKED


def _living_subscriptions() -> list[str]:
    living = select(Subscription.stripe_id).where(Subscription.ended_at.is_(None))
    return list(db.session.scalars(living.order_by(Subscription.stripe_id)))


def _older_disputes(listed: Collection[str]) -> list[DisputeFacts]:
    """Disputes that a list has not, because they were opened before it begins, and that had no end yet."""
    undecided = select(Dispute.stripe_id).where(Dispute.status.not_in(DECIDED)).order_by(Dispute.stripe_id)
    older = [stripe_id for stripe_id in db.session.scalars(undecided).all() if stripe_id not in listed]
    found = []
    for stripe_id in older:
        with suppress(StripeNotFound):
            found.append(stripe_gateway.current().retrieve_dispute(stripe_id))
    return found


def _credit_notes(since: datetime) -> list[CreditNoteFacts] | None:
    """Stripe's credit notes; none where a stand-in for Stripe has no such thing."""
    try:
        return list(stripe_gateway.current().list_credit_notes(created_gte=since))
    except StripeNotFound:
        return None


def _session_of_ours(session: CheckoutSessionFacts) -> Booking | None:
    if stripe_customers.account_of(session.customer) is None:
        return None
    return fulfilment.prepare_session(session)


def _invoice_of_ours(invoice: InvoiceFacts) -> Booking | None:
    if stripe_customers.account_of(invoice.customer) is None:
        return None
    return fulfilment.prepare_found_invoice(invoice)


def _correct_session(session: CheckoutSessionFacts) -> Booking | None:
    return _corrected(payments.payment_of_session(session.id), session.amount_total, session.currency)


def _correct_invoice(invoice: InvoiceFacts) -> Booking | None:
    return _corrected(payments.payment_of_invoice(invoice.id), max(0, invoice.total), invoice.currency)


def _corrected(payment: Payment | None, amount_minor: int, currency: str) -> Booking | None:
    if payment is None or (payment.amount_minor, payment.currency) == (amount_minor, currency):
        return None
    return partial(corrections.correct_payment, payment.id, amount_minor, currency)


def _only_here(found: Iterable[Ours], kind: Kind) -> list[Finding]:
    return [Finding(kind, each.stripe_id, "not at Stripe", each.at, each.customer) for each in found]
