"""Bringing checked rows in: each in one transaction, once."""

from __future__ import annotations

from dataclasses import dataclass, field

from sqlalchemy.exc import IntegrityError

from billing import clock, customers, paid_periods, prices, stripe_gateway, subscriptions
from billing.accounts import open_account
from billing.catalog import Sellable
from billing.catalog_sync.worth import WORTH
from billing.customer_import.checking import Found, check_row, import_source
from billing.customer_import.reading import Problem, Row, read_rows
from billing.db import db, transaction
from billing.errors import SaldoError, StripeUnavailable
from billing.ledger.grants import Terms, open_grant
from billing.ledger.posting import Note, is_posted
from billing.models import StripeCustomer, Subscription
from billing.stripe_facts import PriceFacts, SubscriptionFacts

ACTOR = "operator"


@dataclass(slots=True)
class ImportReport:
    """How many rows there are, what they did (dry run: would do), and what is wrong; credits in micro-credits."""

    rows: int = 0
    created: int = 0
    granted: int = 0
    credits: int = 0
    subscriptions: int = 0
    unchanged: int = 0
    problems: list[Problem] = field(default_factory=list)


def import_customers(data: bytes, dry_run: bool = False) -> ImportReport:
    """Bring in the customers of a CSV or JSON file. With one mistake in it nothing is written.

    Raises `UnreadableFile`, and `StripeUnavailable` when Stripe cannot be asked; what was brought in by then stays,
    and the next run goes on after it.
    """
    rows, problems = read_rows(data)
    report = ImportReport(rows=len(rows), problems=problems)
    checked: list[tuple[Row, Found]] = []
    for row in rows:
        found, wrong = check_row(row)
        report.problems += wrong
        if found is not None:
            checked.append((row, found))
    report.problems.sort(key=lambda problem: problem.row)
    if report.problems:
        return report
    brought: set[str] = set()
    for row, found in checked:
        try:
            _count(report, row, found, is_new=found.account_id is None and row.id not in brought)
            brought.add(row.id)
            if not dry_run:
                _bring(row, found)
        except StripeUnavailable:
            raise
        except SaldoError as error:
            report.problems.append(Problem(row.row, "row", str(error)))
    return report


def _count(report: ImportReport, row: Row, found: Found, is_new: bool) -> None:
    grants = bool(row.balance) and not found.is_granted
    report.created += is_new
    report.granted += grants
    report.credits += row.balance if grants else 0
    report.subscriptions += found.subscription is not None
    report.unchanged += not (is_new or grants or found.subscription)


def _bring(row: Row, found: Found) -> None:
    try:
        _bring_once(row, found)
    except IntegrityError:  # a twin has brought it at the same moment: what it left to do is done now
        _bring_once(row, found)


def _bring_once(row: Row, found: Found) -> None:
    with transaction():
        account_id = customers.bring_customer(row.id, row.email, row.name, row.locale)[0].account_id
        if row.stripe_customer is not None:
            _link(account_id, row)
        if found.adopted is not None:
            _adopt(*found.adopted)
        if found.subscription is not None:
            _bring_subscription(found.subscription)
        if row.balance:
            _grant(account_id, row)


def _link(account_id: int, row: Row) -> None:
    link = db.session.get(StripeCustomer, row.stripe_customer)
    if link is None:
        db.session.add(
            StripeCustomer(
                stripe_id=row.stripe_customer,
                account_id=account_id,
                livemode=stripe_gateway.current().livemode,
                created_at=clock.now(),
                imported_at=row.as_of or clock.now(),
            )
        )
        db.session.flush()


def _adopt(price: PriceFacts, sellable: Sellable) -> None:
    """An earlier system's price, from now on worth what the plan is worth; it is sold to nobody new (R9)."""
    prices.remember(
        price.id,
        sellable.lookup_key,
        active=False,
        product_id=price.product,
        interval=price.interval,
        amount_minor=price.unit_amount,
        currency=price.currency,
        synced_at=clock.now(),
        **{name: getattr(sellable, name) for name in WORTH},
    )


def _bring_subscription(facts: SubscriptionFacts) -> None:
    """Its period was paid in the earlier system, unless it is overdue."""
    subscriptions.sync_subscription(facts)
    row = db.session.query(Subscription).filter_by(stripe_id=facts.id).one()
    if row.paid_elsewhere_until is None and row.paid_until is None and facts.status == "active":
        row.paid_elsewhere_until = facts.current_period_end
        db.session.flush()
        paid_periods.refresh_paid_until(facts.id)


def _grant(account_id: int, row: Row) -> None:
    with open_account(account_id) as book:
        if not is_posted(import_source(row)):
            open_grant(
                book,
                "CREDIT",
                "import",
                row.balance,
                at=book.now,
                terms=Terms(expires_at=row.expires_at),
                note=Note(actor=ACTOR, description=row.description),
                source=import_source(row),
            )
