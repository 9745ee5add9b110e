"""Holds: a job's credits and quota reserved while it runs, then captured, voided, failed, or out of time (R4, I13)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from fractions import Fraction
from typing import get_args

from billing import catalog
from billing.catalog import FailureReason
from billing.errors import Invalid, InvalidAmount, NotFound
from billing.ids import ledger_id, parse_ledger_id
from billing.jobs import Job
from billing.ledger.balances import BalanceView, view_of
from billing.ledger.history import EntryView, view_new_entry
from billing.ledger.states import EntryRow
from billing.money import MAX_MOVE, round_half_up
from billing.orders import Cost, Order, check_order, price_of
from billing.quotas import QuotaView
from billing.spending.debits import limits_of
from billing.till import Till, open_till

DEFAULT_HOLD_SECONDS = 900
MAX_HOLD_SECONDS = 86_400

_STATUS = {"held": "active", "done": "captured", "failed": "captured", "voided": "voided", "expired": "expired"}


@dataclass(frozen=True, slots=True)
class HoldView:
    """A hold with the balance right after the call, in micro-credits.

    ``amount`` is what it reserves or reserved: 0 where the job costs nothing, and where it is only observed while
    credits are short. ``captured`` is what was charged of it.
    """

    id: str
    account_id: int
    amount: int
    captured: int
    status: str
    scope: str | None
    action: str | None
    expires_at: datetime
    reference: str | None
    failure: str | None
    would_refuse: str | None
    balance: BalanceView
    quotas: list[QuotaView]


def place_hold(
    account_id: int,
    order: Order,
    expires_in: int = DEFAULT_HOLD_SECONDS,
    *,
    actor: str,
    source: str | None = None,
) -> HoldView:
    """Reserve credits and quota for a job, for ``expires_in`` seconds (1–86400). Raises as ``debit`` does.

    The same ``source`` again answers the first hold as it is now.
    """
    check_order(order)
    if not 1 <= expires_in <= MAX_HOLD_SECONDS:
        raise Invalid(f"expires_in: a whole number of seconds from 1 to {MAX_HOLD_SECONDS}")
    with open_till(account_id) as till:
        job = till.job_of_source(source)
        if job is None:
            expires_at = till.book.now + timedelta(seconds=expires_in)
            job = till.reserve(order, expires_at, actor=actor, source=source)
        return _view(till, job)


def capture_hold(
    hold_id: str,
    amount: int | None = None,
    *,
    quantity: int | None = None,
    units: int | None = None,
    input_tokens: int | None = None,
    output_tokens: int | None = None,
) -> tuple[HoldView, EntryView | None]:
    """Charge what the job came to: ``amount`` micro-credits, or its price for what was really done (default: all).

    The rest is free at once. There is no entry where nothing was taken. Raises ``NotFound``, ``CaptureExceedsHold``,
    ``HoldAlreadyCaptured``, ``HoldAlreadyVoided``, ``HoldExpired``, ``Invalid``, ``UnitOutOfRange``.
    """
    account_id, number = parse_ledger_id("ho", hold_id)
    done = {"quantity": quantity, "units": units, "input_tokens": input_tokens, "output_tokens": output_tokens}
    measured = {name: count for name, count in done.items() if count is not None}
    if amount is not None and measured:
        raise Invalid("amount: give an amount or what was done, and not both")
    if amount is not None and not 0 < amount <= MAX_MOVE:
        raise InvalidAmount("amount: more than 0 and at most 1000000000 credits")
    with open_till(account_id) as till:
        job = _held_job(till, number)
        till.insist_held(job)
        entry = till.capture(job, *_measure(job, amount, measured))
        return _view(till, job), _entry_view(till, entry)


def void_hold(hold_id: str) -> HoldView:
    """Release a hold without charging anything; raises as ``capture_hold`` does."""
    account_id, number = parse_ledger_id("ho", hold_id)
    with open_till(account_id) as till:
        job = _held_job(till, number)
        till.void(job)
        return _view(till, job)


def fail_hold(hold_id: str, reason: str) -> HoldView:
    """The job failed: charge the share of it that the catalog gives for this reason, and release the rest.

    A share of 0 charges and counts nothing: the hold is voided. Raises ``Invalid``, else as ``capture_hold`` does.
    """
    account_id, number = parse_ledger_id("ho", hold_id)
    reasons: tuple[FailureReason, ...] = get_args(FailureReason)
    known = next((each for each in reasons if each == reason), None)
    if known is None:
        raise Invalid(f"reason: expected one of {', '.join(reasons)}")
    with open_till(account_id) as till:
        job = _held_job(till, number)
        action = catalog.current().actions.get(job.action) if job.action is not None else None
        share = action.on_failure[known] if action is not None else 0
        if share:
            till.fail(job, known, round_half_up(Fraction(job.amount * share, 100)))
        else:
            till.void(job, known)
        return _view(till, job)


def read_hold(hold_id: str) -> HoldView:
    """A hold as it is now; raises ``NotFound``."""
    account_id, number = parse_ledger_id("ho", hold_id)
    with open_till(account_id) as till:
        return _view(till, _held_job(till, number))


def _held_job(till: Till, number: int) -> Job:
    """The job of a hold; a debit's is none (R14: as if it were not there)."""
    job = till.job(number)
    if job.expires_at is None:
        raise NotFound()
    return job


def _measure(job: Job, amount: int | None, measured: dict[str, int]) -> tuple[Order, Cost]:
    """What was really done, and what that costs: no more than was held for it, whatever prices have done since."""
    as_held = Order(
        action=job.action,
        quantity=job.quantity,
        units=job.units,
        model=job.model,
        input_tokens=job.input_tokens,
        output_tokens=job.output_tokens,
        influencer=job.influencer,
    )
    if not measured:
        return as_held, Cost(job.amount if amount is None else amount, job.cost_nano_usd)
    if job.action is None:
        raise Invalid("amount: this hold is for no action, so only an amount can be captured")
    order = replace(as_held, **measured)  # type: ignore[arg-type]
    check_order(order)
    if order == as_held:
        return order, Cost(job.amount, job.cost_nano_usd)
    cost = price_of(order)
    no_more = all(count <= (getattr(as_held, name) or 0) for name, count in measured.items())
    return order, replace(cost, amount=min(cost.amount, job.amount)) if no_more else cost


def _view(till: Till, job: Job) -> HoldView:
    assert job.expires_at is not None
    hold = till.book.hold(job.hold) if job.hold is not None else None
    return HoldView(
        id=ledger_id("ho", job.account_id, job.number),
        account_id=job.account_id,
        amount=hold.amount if hold is not None else 0,
        captured=job.charged,
        status="expired" if job.has_expired(till.book.now) else _STATUS[job.state],
        scope=job.influencer,
        action=job.action,
        expires_at=job.expires_at,
        reference=job.reference,
        failure=job.failure,
        would_refuse=job.would_refuse,
        balance=view_of(till.book),
        quotas=limits_of(till, job),
    )


def _entry_view(till: Till, entry: EntryRow | None) -> EntryView | None:
    return view_new_entry(till.book, entry) if entry is not None else None
