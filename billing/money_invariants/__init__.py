"""The invariants that need to know of money, Stripe and staff, as named checks beside those of the ledger.

Each check's docstring is the invariant it holds (FAULTS.md). They read rows and work out again what must stand
there: none borrows the arithmetic of the rule that it checks.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from sqlalchemy.engine import Connection

from billing.ledger.invariants.finding import Finding
from billing.ledger.invariants.streams import Chosen
from billing.money_invariants import desk, jobs, money_back, money_in, staff_acts, stripe_side
from billing.money_invariants.reading import AccountMoney, read_money, unsteady_payments

__all__ = ["check_money", "check_payments", "unsteady_payments"]

OF_ACCOUNT: tuple[Callable[[AccountMoney], Iterator[Finding]], ...] = (
    money_in.evidence,
    money_in.pack_size,
    money_in.line_worth,
    money_in.cycle_sum,
    money_in.month_size,
    money_in.lot_size,
    money_back.taking_back,
    money_back.refund_money,
    money_back.taking_has_its_cause,
    money_back.succeeded_refund_has_settled,
    money_back.frozen,
)
OF_ALL: tuple[Callable[[Connection, int | None], Iterator[Finding]], ...] = (
    money_in.without_payment,
    money_in.next_month,
    stripe_side.handled_with_effect,
    stripe_side.nothing_left_in_work,
    stripe_side.subscription_states,
    stripe_side.paid_until,
    stripe_side.one_customer_each,
    stripe_side.one_owner,
    jobs.paid_by_their_entries,
    jobs.quota_counts,
    staff_acts.staff_refunds,
    desk.second_person,
    desk.counted_days,
    desk.nothing_forgetful,
    desk.no_secrets,
)
OF_BOOKS: tuple[Callable[[Connection, Chosen], Iterator[Finding]], ...] = (
    jobs.month_spent,
    staff_acts.staff_entries,
)
"""What has to read every entry of the books that it checks."""


def check_payments(connection: Connection, account_id: int | None = None) -> Iterator[Finding]:
    """Check only that what payments granted is of the right size, and follows their money."""
    for money in read_money(connection, account_id):
        for check in OF_ACCOUNT:
            yield from check(money)


def check_money(connection: Connection, account_id: int | None = None, chosen: Chosen = None) -> Iterator[Finding]:
    """Check the money of one account, or of all; what takes reading their entries, in the chosen books only."""
    yield from check_payments(connection, account_id)
    for check_all in OF_ALL:
        yield from check_all(connection, account_id)
    for check_chosen in OF_BOOKS:
        yield from check_chosen(connection, chosen)
