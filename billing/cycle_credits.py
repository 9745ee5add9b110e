"""What a paid invoice is worth: subscription credits come from its lines, each line once (R9–R11)."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlalchemy import func, select

from billing import clawback, freezing, grace, prices, stripe_customers, stripe_gateway, yearly
from billing.accounts import book_due, open_account
from billing.clock import add_months
from billing.cycle_sums import CycleLine, contributions, kind_of, rolled_over, worth
from billing.db import db, transaction
from billing.ledger.book import Book
from billing.ledger.grants import Terms, open_grant
from billing.ledger.posting import Note
from billing.models import InvoiceLine, Payment, Price
from billing.months import ROLLED_OVER
from billing.paid_periods import refresh_paid_until
from billing.payments import NewPayment, add_lot, book_payment, link_payment_intent
from billing.stripe_facts import InvoiceFacts, LineFacts

LATE = timedelta(days=7)
"""How long credits live that are granted after their period's end (R10)."""

GRANT_REASONS = {"full": "cycle", "trial": "trial", "proration": "upgrade"}
"""Why a line's credits were granted, by the kind of line."""


@dataclass(frozen=True)
class PaidInvoice:
    """A paid invoice with all its lines, and, where prorations need them, the subscription's other paid ones."""

    invoice: InvoiceFacts
    siblings: tuple[InvoiceFacts, ...] = ()

    @property
    def all(self) -> list[InvoiceFacts]:
        """Every invoice of it, the oldest first."""
        return sorted((self.invoice, *self.siblings), key=lambda invoice: (invoice.created, invoice.id))


def read_paid_invoice(invoice: InvoiceFacts) -> PaidInvoice:
    """Read from Stripe what is not in the event: lines past ``has_more``, other invoices of a prorated cycle.

    Raises ``StripeUnavailable``. An invoice of full lines alone needs no call, so it can be granted while Stripe
    is away.
    """
    invoice = _with_all_lines(invoice)
    if invoice.subscription is None or not any(line.proration for line in invoice.lines):
        return PaidInvoice(invoice)
    paid = stripe_gateway.current().list_paid_invoices(subscription=invoice.subscription)
    return PaidInvoice(invoice, tuple(_with_all_lines(other) for other in paid if other.id != invoice.id))


def _with_all_lines(invoice: InvoiceFacts) -> InvoiceFacts:
    if not invoice.has_more_lines:
        return invoice
    lines = tuple(stripe_gateway.current().list_invoice_lines(invoice.id))
    return replace(invoice, lines=lines, has_more_lines=False)


def grant_cycle_credits(paid: PaidInvoice) -> str:
    """Grant what the paid lines are worth, once: ``granted``, ``duplicate``, ``foreign`` or ``parked: why``.

    ``duplicate`` means that nothing was left to grant. A price of one of our products that is missing from the
    price table parks the invoice (R9). What was paid before its customer was imported is ``foreign``: an earlier
    system granted it, and what was left of it came along as a balance.
    """
    account_id = stripe_customers.account_of(paid.invoice.customer)
    if account_id is None or paid.invoice.status != "paid":
        return "foreign"
    imported_at = stripe_customers.imported_at(paid.invoice.customer)
    priced: list[tuple[InvoiceFacts, list[tuple[LineFacts, Price]]]] = []
    for invoice in paid.all:
        if imported_at is not None and (invoice.paid_at or invoice.created) < imported_at:
            continue
        ours = []
        for line in _subscription_lines(invoice):
            price = prices.price_of(line.price)
            if price is None and prices.is_our_product(line.product):
                return f"parked: price {line.price} is not in the price table"
            if price is not None and price.kind != "pack":
                ours.append((line, price))
        priced.append((invoice, ours))
    if not any(ours for _, ours in priced):
        return "foreign"
    with transaction(), open_account(account_id) as book:
        before = book.last_seq
        cycles: dict[tuple[str, datetime], None] = {}
        fresh = False
        for invoice, ours in priced:
            for item, ends_at, is_new in _book_lines(book, invoice, ours):
                cycles[item, ends_at] = None
                fresh = fresh or is_new
        for item, ends_at in cycles:
            _grant_cycle(book, item, ends_at)
        if fresh:
            _follow_earlier_refunds(book, cycles)
        book_due(book)
        for subscription_id in {line.subscription for _, ours in priced for line, _ in ours}:
            if subscription_id is not None:
                refresh_paid_until(subscription_id)
        return "granted" if fresh or book.last_seq > before else "duplicate"


def _subscription_lines(invoice: InvoiceFacts) -> list[LineFacts]:
    """The lines that are for a subscription, full ones first: they say how long the cycle of the others is."""
    lines = [line for line in invoice.lines if line.subscription or invoice.subscription]
    return sorted(lines, key=lambda line: line.proration)


def _book_lines(
    book: Book, invoice: InvoiceFacts, ours: list[tuple[LineFacts, Price]]
) -> list[tuple[str, datetime, bool]]:
    """Note each line with its worth on first sight; answers the cycles (item, end) that they belong to."""
    if not ours:
        return []
    payment = _payment_of(book, invoice, ours)
    cycles = []
    for line, price in ours:
        item = line.subscription_item or line.subscription or line.id
        known = db.session.get(InvoiceLine, (book.account_id, line.id))
        if known is not None:
            cycles.append((item, known.ends_at, False))
            continue
        month = yearly.running_month(book, item, line.period_start) if line.proration else None
        starts_at, ends_at = month or _cycle(book, item, line, price)
        kind = kind_of(line, price)
        by_month = yearly.grants_by_month(price) and kind == "full"
        if yearly.grants_by_month(price) and month is None and yearly.is_whole_year(line):
            # A switch to a year begins its months, whichever way Stripe marks the line (R12).
            kind, by_month = "full", True
        db.session.add(
            InvoiceLine(
                account_id=book.account_id,
                line_id=line.id,
                invoice_id=invoice.id,
                payment_id=payment.id,
                subscription_id=line.subscription or invoice.subscription or "",
                stripe_item_id=item,
                price_id=price.stripe_id,
                kind=kind,
                quantity=line.quantity,
                starts_at=line.period_start,
                ends_at=ends_at,
                # A year that is granted by the month adds its months to the account, not to a running sum.
                worth=0 if by_month else worth(line, price, starts_at, ends_at),
                granted=0,
            )
        )
        db.session.flush()
        if by_month:
            yearly.plan_months(book, payment, line, price, item)
        elif month is not None and line.amount >= 0:
            yearly.change_months(book, item, line, price)
        cycles.append((item, ends_at, True))
    return cycles


def _cycle(book: Book, item: str, line: LineFacts, price: Price) -> tuple[datetime, datetime]:
    """The cycle that a line belongs to: it ends with the line's period and is one interval of its price long.

    Its full line knows when it began; counting back from the end would take Feb 28 for a cycle of 31 days (R9).
    """
    if not line.proration:
        return line.period_start, line.period_end
    known = db.session.scalar(
        select(func.min(InvoiceLine.starts_at)).where(
            InvoiceLine.account_id == book.account_id,
            InvoiceLine.stripe_item_id == item,
            InvoiceLine.ends_at == line.period_end,
            InvoiceLine.kind == "full",
        )
    )
    return known or add_months(line.period_end, -12 if price.interval == "year" else -1), line.period_end


def _payment_of(book: Book, invoice: InvoiceFacts, ours: list[tuple[LineFacts, Price]]) -> Payment:
    line, price = max(ours, key=lambda pair: pair[0].amount)
    payment = book_payment(
        book.account_id,
        NewPayment(
            kind="influencer" if price.kind == "influencer" else "plan",
            description=price.lookup_key,
            item=price.item,
            tier=price.tier,
            amount_minor=max(0, invoice.total),
            currency=invoice.currency,
            paid_at=invoice.paid_at or invoice.created,
            invoice_id=invoice.id,
            subscription_id=invoice.subscription or line.subscription,
        ),
    )
    if invoice.payment_intent is not None:
        link_payment_intent(payment, invoice.payment_intent, invoice.amount_paid, invoice.charge)
    return payment


def _grant_cycle(book: Book, item: str, ends_at: datetime) -> None:
    """Grant what the lines of one cycle add to its highest sum so far and have not granted yet."""
    lines = db.session.scalars(
        select(InvoiceLine).where(
            InvoiceLine.account_id == book.account_id,
            InvoiceLine.stripe_item_id == item,
            InvoiceLine.ends_at == ends_at,
        )
    ).all()
    due = contributions([CycleLine(line.line_id, line.starts_at, line.worth) for line in lines])
    left = sum(due.values()) - sum(line.granted for line in lines)
    for line in sorted(lines, key=lambda line: (line.starts_at, line.worth)):
        amount = min(left, due[line.line_id] - line.granted)
        if amount > 0:
            _grant_line(book, line, amount)
            line.granted += amount
            left -= amount
    grace.close_older_cycles(book, item, ends_at)


def _follow_earlier_refunds(book: Book, cycles: Collection[tuple[str, datetime]]) -> None:
    """What has just been granted for a payment whose money went back before goes at once (R6: in any order)."""
    payments = select(InvoiceLine.payment_id).where(
        InvoiceLine.account_id == book.account_id,
        InvoiceLine.stripe_item_id.in_({item for item, _ in cycles}),
        InvoiceLine.ends_at >= min(ends_at for _, ends_at in cycles),
    )
    for payment_id in db.session.scalars(payments.distinct().order_by(InvoiceLine.payment_id)).all():
        clawback.catch_up(book, payment_id)


def _expires_at(book: Book, line: InvoiceLine) -> datetime:
    """R10: the latest period end of the item's lines on the invoice, or the end of a month of a year."""
    latest = db.session.scalar(
        select(func.max(InvoiceLine.ends_at)).where(
            InvoiceLine.account_id == book.account_id,
            InvoiceLine.invoice_id == line.invoice_id,
            InvoiceLine.stripe_item_id == line.stripe_item_id,
        )
    )
    if latest is None or yearly.is_month(book, line.stripe_item_id, line.ends_at):
        latest = line.ends_at
    return latest if latest > book.now else book.now + LATE


def _grant_line(book: Book, line: InvoiceLine, amount: int) -> None:
    """Open the grant of one line, and the one that rolls over apart from it."""
    price = db.session.get_one(Price, line.price_id)
    rolled = rolled_over(amount, price)
    expires_at = _expires_at(book, line)
    reason = GRANT_REASONS[line.kind]
    source = f"line:{line.line_id}" if not line.granted else f"line:{line.line_id}:{line.granted}"
    payment = db.session.get_one(Payment, line.payment_id)
    for part, part_amount, part_expires_at in (
        ("", amount - rolled, expires_at),
        (ROLLED_OVER, rolled, add_months(expires_at, 12 if price.interval == "year" else 1)),
    ):
        if not part_amount:
            continue
        add_lot(payment, source + part, part_amount)
        ends_at = (
            grace.end_of(book, line.stripe_item_id, expires_at, subscription_id=line.subscription_id)
            if not part
            else part_expires_at
        )
        open_grant(
            book,
            "CREDIT",
            reason,
            part_amount,
            at=book.now,
            terms=Terms(
                expires_at=part_expires_at,
                ends_at=ends_at,
                scope=price.item if price.kind == "influencer" else None,
                priority=price.priority,
                payment_id=payment.id,
                lot=source + part,
                chain=line.stripe_item_id,
                label=price.item,
            ),
            note=Note(actor="stripe"),
            source=source + part,
            freeze=freezing.arrives_frozen(book, payment.id, source + part, part_amount),
        )
