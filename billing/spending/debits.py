"""Spending at once, and giving it back."""

from __future__ import annotations

from dataclasses import dataclass

from billing import catalog, quotas
from billing.errors import InvalidAmount
from billing.ids import ledger_id, parse_ledger_id
from billing.jobs import Job
from billing.ledger.balances import BalanceView, view_of
from billing.ledger.giving_back import give_back
from billing.ledger.history import EntryView, read_entry, view_new_entry
from billing.ledger.posting import Note, posted_seq
from billing.money import MAX_MOVE
from billing.orders import Order, check_order
from billing.quotas import QuotaView
from billing.till import Till, open_till


@dataclass(frozen=True, slots=True)
class Charge:
    """What a debit came to. ``amount`` is the price in micro-credits; there is no ``entry`` where nothing was taken:
    free, unlimited, or observed while credits were short. ``quotas``: the limits it counts against, as they are now.
    """

    usage_id: str
    entry: EntryView | None
    amount: int
    would_refuse: str | None
    balance: BalanceView
    quotas: list[QuotaView]


@dataclass(frozen=True, slots=True)
class Spent:
    """A debit given back, with the balance right after it."""

    entry: EntryView
    balance: BalanceView


def debit(account_id: int, order: Order, *, actor: str, source: str | None = None) -> Charge:
    """Spend at once, in burn order. The same ``source`` again answers the first debit and spends nothing.

    Raises ``SubscriptionRequired``, ``QuotaExceeded``, ``InsufficientCredits`` (unless the action is only observed),
    ``UnknownAction``, ``UnitOutOfRange``, ``Invalid``, ``InvalidAmount``, ``NotFound``.
    """
    check_order(order)
    with open_till(account_id) as till:
        job = till.job_of_source(source)
        if job is not None:
            entry = read_entry(account_id, job.entry_seq) if job.entry_seq is not None else None
            return _charge(till, job, entry)
        job, row = till.charge(order, actor=actor, source=source)
        return _charge(till, job, view_new_entry(till.book, row) if row is not None else None)


def refund_debit(
    entry_id: str,
    amount: int | None = None,
    *,
    actor: str,
    reason: str | None = None,
    source: str | None = None,
) -> Spent:
    """Give a debit back, whole or in part; the sum never exceeds it. All of it also gives the quota back.

    Raises ``NotFound``, ``RefundExceeds``, ``InvalidAmount``.
    """
    account_id, seq = parse_ledger_id("en", entry_id)
    if amount is not None and not 0 < amount <= MAX_MOVE:
        raise InvalidAmount("amount: more than 0 and at most 1000000000 credits")
    with open_till(account_id) as till:
        posted = posted_seq(account_id, source)
        if posted is None:
            note = Note(actor=actor, description=reason)
            row = give_back(till.book, till.book.entry(seq), amount, note=note, source=source)
            job = till.job_of_entry(seq)
            if job is not None:
                till.give_back(job, row.amount)
            posted = row.seq
        till.book.flush()
        entry = read_entry(account_id, posted)
        assert entry is not None
        return Spent(entry, view_of(till.book))


def limits_of(till: Till, job: Job) -> list[QuotaView]:
    """The limits that a job counts against as they are now, the customer's own monthly one last."""
    action = catalog.current().actions.get(job.action) if job.action is not None else None
    views = []
    if action is not None and action.quotas:
        plan = till.entitlement(action).plan
        views = quotas.views_of(till.tally, plan, till.book.now, action.quotas)
    spending = quotas.spending_view(till.book)
    return [*views, *([spending] if spending is not None else [])]


def _charge(till: Till, job: Job, entry: EntryView | None) -> Charge:
    return Charge(
        usage_id=ledger_id("us", job.account_id, job.number),
        entry=entry,
        amount=job.amount,
        would_refuse=job.would_refuse,
        balance=view_of(till.book),
        quotas=limits_of(till, job),
    )
