"""From something Stripe tells to a booking: read what is missing first, then book it in one transaction.

Webhooks, landing page and reconcile all come through here, so that each thing is booked the same way whoever
brings it. Every function calls Stripe as far as needed, with no transaction open, and returns the booking: a
function that only writes and answers with the verb's word (`granted`, `duplicate`, `foreign`, `parked: why` …).
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace

from sqlalchemy import select

from billing import (
    credit_notes,
    cycle_credits,
    disputes,
    fraud_warnings,
    payments,
    purchases,
    refunds,
    stripe_customers,
    stripe_gateway,
)
from billing import subscriptions as subscription_records
from billing.db import db, transaction
from billing.errors import StripeUnavailable
from billing.models import Payment, PaymentIntentLink
from billing.stripe_facts import (
    ChargeFacts,
    CheckoutSessionFacts,
    CreditNoteFacts,
    DisputeFacts,
    FraudWarningFacts,
    InvoiceFacts,
    InvoicePaymentFacts,
    RefundFacts,
    SubscriptionFacts,
)
from billing.stripe_gateway import StripeNotFound

Booking = Callable[[], str]


def prepare_session(session: CheckoutSessionFacts) -> Booking:
    """Book a completed Checkout Session: a pack's credits, or the subscription it began (its invoice grants)."""
    began = session.subscription if session.status == "complete" else None
    subscription = None
    if began is not None and stripe_customers.account_of(session.customer) is not None:
        subscription = _prepare_new_subscription(began)

    def book() -> str:
        with transaction():
            word = purchases.fulfil_checkout(session)
            if subscription is not None:
                subscription()
            return word

    return book


def prepare_invoice(invoice: InvoiceFacts) -> Booking:
    """Book a paid invoice: what its lines are worth, and until when its subscription is paid.

    An invoice of full lines alone is booked also while Stripe does not answer (F182).
    """
    if stripe_customers.account_of(invoice.customer) is None:
        return lambda: "foreign"
    subscription = _prepare_new_subscription(invoice.subscription) if invoice.subscription else None
    paid = cycle_credits.read_paid_invoice(invoice)

    def book() -> str:
        with transaction():
            if subscription is not None:
                subscription()
            return cycle_credits.grant_cycle_credits(paid)

    return book


def prepare_found_invoice(invoice: InvoiceFacts) -> Booking:
    """Book a paid invoice that was found in a list, and link what paid it: no event will say so any more."""
    booking = prepare_invoice(invoice)
    if not invoice.amount_paid or _is_linked(invoice.id):
        return booking
    paid = list(stripe_gateway.current().list_invoice_payments(invoice=invoice.id))

    def book() -> str:
        with transaction():
            word = booking()
            payment = payments.payment_of_invoice(invoice.id)
            for each in paid:
                if payment is not None and each.payment_intent is not None:
                    payments.link_payment_intent(payment, each.payment_intent, each.amount_paid, each.charge)
            return word

    return book


def prepare_invoice_payment(paid: InvoicePaymentFacts) -> Booking:
    """Link a PaymentIntent to the invoice it paid, booking that invoice first when it is not known yet (R6)."""
    payment_intent = paid.payment_intent
    if paid.status != "paid" or payment_intent is None:
        return lambda: "nothing to link"
    invoice = None
    if payments.payment_of_invoice(paid.invoice) is None:
        try:
            invoice = prepare_invoice(stripe_gateway.current().retrieve_invoice(paid.invoice))
        except StripeNotFound:
            return lambda: "foreign"

    def book() -> str:
        with transaction():
            word = invoice() if invoice is not None else "duplicate"
            payment = payments.payment_of_invoice(paid.invoice)
            if payment is None:
                return word
            payments.link_payment_intent(payment, payment_intent, paid.amount_paid, paid.charge)
            return "linked" if word == "duplicate" else word

    return book


def prepare_subscription(stripe_id: str, fallback: SubscriptionFacts | None = None) -> Booking:
    """Copy how a subscription stands at Stripe now, whatever state an event's snapshot shows.

    `fallback` is used where Stripe does not know it. The booking raises `subscriptions.Overtaken` when
    somebody wrote a newer answer meanwhile.
    """
    asked_at = subscription_records.state_of(stripe_id)
    try:
        facts = stripe_gateway.current().retrieve_subscription(stripe_id)
    except StripeNotFound:
        if fallback is None:
            return lambda: "foreign"
        facts = fallback
    return lambda: subscription_records.sync_subscription(facts, asked_at=asked_at)


def prepare_refund(refund: RefundFacts) -> Booking:
    """Book a refund as it stands at Stripe now, and first the payment it gives back, if that is not known (R6)."""
    # Where Stripe does not know it, the event's own snapshot is all there is.
    with suppress(StripeNotFound):
        refund = stripe_gateway.current().retrieve_refund(refund.id)
    return prepare_fresh_refund(refund)


def prepare_charge_refunds(charge: ChargeFacts) -> Booking:
    """Book every refund of a charge, each by its own id; a cumulative amount may be stale (R6)."""
    try:
        found = list(stripe_gateway.current().list_refunds(charge=charge.id))
    except StripeNotFound:
        return lambda: "foreign"
    # Oldest first, as they happened: rounding follows their order.
    bookings = [prepare_fresh_refund(each) for each in sorted(found, key=lambda each: (each.created, each.id))]

    def book() -> str:
        with transaction():
            words = [booking() for booking in bookings]
        if "done" in words:
            return "done"
        if parked := _parked(words):
            return parked
        ours = payments.payment_of(charge.payment_intent, charge.id) is not None
        return "duplicate" if ours else "foreign"

    return book


def prepare_fresh_refund(refund: RefundFacts) -> Booking:
    """Book a refund just read from Stripe."""
    payment_intent = refund.payment_intent or _payment_intent_of(refund.charge)
    refund = replace(refund, payment_intent=payment_intent)
    first = _prepare_payment(payment_intent, refund.charge)

    def book() -> str:
        with transaction():
            parked = _parked([booking() for booking in first])
            return parked or refunds.record_refund(refund)

    return book


def prepare_corrected_refund(listed: RefundFacts) -> Booking | None:
    """Set right what we have of a refund where a list tells otherwise; Stripe is asked anew, for lists grow old."""
    before = refunds.told_of(listed.id)
    if before is None or before == refunds.told_by(listed):
        return None
    try:
        fresh = stripe_gateway.current().retrieve_refund(listed.id)
    except StripeNotFound:
        return None
    return lambda: refunds.correct_refund(fresh, before)


def prepare_dispute(dispute: DisputeFacts) -> Booking:
    """Book a dispute as it stands at Stripe now; its status decides, not the event that brought it (R8)."""
    with suppress(StripeNotFound):
        dispute = stripe_gateway.current().retrieve_dispute(dispute.id)
    return prepare_fresh_dispute(dispute)


def prepare_fresh_dispute(dispute: DisputeFacts) -> Booking:
    """Book a dispute just read from Stripe."""
    payment_intent = dispute.payment_intent or _payment_intent_of(dispute.charge)
    dispute = replace(dispute, payment_intent=payment_intent)
    first = _prepare_payment(payment_intent, dispute.charge)

    def book() -> str:
        with transaction():
            parked = _parked([booking() for booking in first])
            return parked or disputes.record_dispute(dispute)

    return book


def prepare_credit_note(note: CreditNoteFacts) -> Booking:
    """Book a credit note, and first the invoice it is on, if that is not known yet (R6, R7)."""
    invoice = None
    if payments.payment_of_invoice(note.invoice) is None:
        try:
            invoice = prepare_found_invoice(stripe_gateway.current().retrieve_invoice(note.invoice))
        except StripeNotFound:
            return lambda: "foreign"

    def book() -> str:
        with transaction():
            parked = _parked([invoice()]) if invoice is not None else None
            return parked or credit_notes.record_credit_note(note)

    return book


def prepare_fraud_warning(warning: FraudWarningFacts) -> Booking:
    """Keep an early fraud warning, and book first what the payment bought, if that is not known yet."""
    payment_intent = warning.payment_intent or _payment_intent_of(warning.charge)
    warning = replace(warning, payment_intent=payment_intent)
    first = _prepare_payment(payment_intent, warning.charge)

    def book() -> str:
        with transaction():
            parked = _parked([booking() for booking in first])
            return parked or fraud_warnings.record_fraud_warning(warning)

    return book


def _is_linked(invoice_id: str) -> bool:
    links = select(PaymentIntentLink.payment_intent_id).join(Payment, Payment.id == PaymentIntentLink.payment_id)
    return db.session.scalar(links.where(Payment.invoice_id == invoice_id).limit(1)) is not None


def _prepare_new_subscription(stripe_id: str) -> Booking | None:
    """Book a subscription that we do not know yet; its own events keep it up to date afterwards."""
    if subscription_records.state_of(stripe_id):
        return None
    try:
        facts = stripe_gateway.current().retrieve_subscription(stripe_id)
    except (StripeNotFound, StripeUnavailable):
        return None
    return lambda: subscription_records.sync_subscription(facts)


def _parked(words: list[str]) -> str | None:
    """Why what was paid waits for staff; then what gives it back waits with it."""
    return next((word for word in words if word.startswith("parked")), None)


def _prepare_payment(payment_intent: str | None, charge: str | None) -> list[Booking]:
    """What a PaymentIntent paid, if it is not booked yet: the session of a pack, or invoices."""
    if payment_intent is None or payments.payment_of(payment_intent, charge) is not None:
        return []
    gateway = stripe_gateway.current()
    try:
        invoice_payments = list(gateway.list_invoice_payments(payment_intent=payment_intent))
        if invoice_payments:
            return [prepare_invoice_payment(each) for each in invoice_payments]
        sessions = list(gateway.list_checkout_sessions(payment_intent=payment_intent))
        return [prepare_session(each) for each in sessions]
    except StripeNotFound:
        return []


def _payment_intent_of(charge: str | None) -> str | None:
    if charge is None:
        return None
    try:
        return stripe_gateway.current().retrieve_charge(charge).payment_intent
    except StripeNotFound:
        return None
