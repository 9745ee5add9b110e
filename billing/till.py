"""Where an account is charged while its books are open: jobs are recorded, counted and paid, one or many at a time.

A job is a row of usage: a debit is done at once, a hold's is held until it is captured, fails, is voided or runs out
of time. The credits are the ledger's; what costs none is a job all the same.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from functools import cached_property

from sqlalchemy import select, update

from billing import catalog, clock
from billing.accounts import open_account
from billing.catalog import FREE_PLAN, Action
from billing.check import Clearance, check
from billing.db import connection, transaction
from billing.entitlements import Entitlement, entitlement_in, entitlement_of, plan_asked
from billing.errors import CaptureExceedsHold, HoldAlreadyCaptured, HoldAlreadyVoided, HoldExpired, NotFound
from billing.jobs import Job
from billing.ledger import holds
from billing.ledger.book import Book
from billing.ledger.grants import burn_down
from billing.ledger.shelf import Shelf
from billing.ledger.states import EntryRow
from billing.models import Usage
from billing.money import dumps
from billing.orders import Cost, Order, cost_of
from billing.statements import Row
from billing.tally import Tally, keys_of, read_keys, tally_asked, write_keys


@contextmanager
def open_till(account_id: int) -> Iterator[Till]:
    """The account's till, its books locked until the transaction ends; what was done is saved at the block's end.

    Raises ``NotFound`` without such an account.
    """
    # Where there are limits, they are read in the same trip as the books.
    has_quotas = bool(catalog.current().quotas)
    besides = [plan_asked(account_id), *tally_asked(account_id, clock.now())] if has_quotas else []
    with transaction(), open_account(account_id, besides=besides) as book:
        till = Till(book)
        if book.besides:
            till.take(*book.besides)
        yield till
        till.save()


class Till:
    """Charges one account whose books are open."""

    def __init__(self, book: Book) -> None:
        self.book = book
        self.tally = Tally(book.account_id, book.now)
        self._plan: list[Row] | None = None
        self._jobs = Shelf(book.account_id, Usage.__table__, "number", Job)

    def take(self, plan: list[Row], counts: list[Row], held: list[Row]) -> None:
        """Take in what was read together with the books."""
        self._plan = plan
        self.tally.take(counts, held)

    # what is known

    def job_of_source(self, source: str | None) -> Job | None:
        """The job that a business key has had already (R6)."""
        return self._find(Usage.source == source) if source is not None else None

    def job_of_entry(self, entry_seq: int) -> Job | None:
        """The job that an entry paid, if one did."""
        return self._find(Usage.entry_seq == entry_seq)

    def job(self, number: int) -> Job:
        """The job of that number; raises ``NotFound``."""
        job = self._find(Usage.number == number)
        if job is None:
            raise NotFound()
        return job

    def entitlement(self, action: Action | None) -> Entitlement:
        """Whose limits hold, and whether anything costs; not looked up where nothing in the catalog depends on it."""
        has_unlimited = any(plan.unlimited for plan in catalog.current().plans.values())
        depends = has_unlimited or (action is not None and bool(action.quotas))
        return self._entitlement if depends else Entitlement(FREE_PLAN, unlimited=False)

    def clear(self, order: Order, cost: Cost) -> Clearance:
        """Ask the one check."""
        action = catalog.current().action(order.action) if order.action is not None else None
        return check(self.book, self.tally, self.entitlement(action), order, cost.amount)

    # what is done

    def charge(
        self, order: Order, *, actor: str, source: str | None = None, occurred_at: datetime | None = None
    ) -> tuple[Job, EntryRow | None]:
        """Do a job and charge it at once; raises what stops it, unless that is only observed."""
        cost = cost_of(self.book.account_id, order, self.book.now)
        clearance = self.clear(order, cost)
        clearance.insist()
        entry = None
        if clearance.charge:
            reason = "action" if order.action else "amount"
            entry = burn_down(
                self.book, clearance.charge, reason, scope=order.influencer, note=order.note(actor), source=source
            )
        job = self._record(order, cost, clearance, actor=actor, source=source)
        job.occurred_at = occurred_at or job.occurred_at
        job.charged = clearance.charge
        job.entry_seq = entry.seq if entry is not None else None
        self._keep_words(job, order, entry is not None)
        self._count(job)
        return job, entry

    def reserve(self, order: Order, expires_at: datetime, *, actor: str, source: str | None = None) -> Job:
        """Begin a job whose credits and quota are reserved until it ends; raises as ``charge`` does."""
        cost = cost_of(self.book.account_id, order, self.book.now)
        clearance = self.clear(order, cost)
        clearance.insist()
        self._note_expired()
        job = self._record(order, cost, clearance, actor=actor, source=source)
        job.state, job.expires_at = "held", expires_at
        if clearance.charge:
            job.hold = holds.place_hold(
                self.book,
                clearance.charge,
                expires_at=expires_at,
                scope=order.influencer,
                note=order.note(actor),
                source=source,
            ).number
        self._keep_words(job, order, job.hold is not None)
        self.tally.reserve(read_keys(job.quotas), job.quantity, job.number)
        return job

    def capture(self, job: Job, order: Order, cost: Cost) -> EntryRow | None:
        """End a held job as ``order`` says it was done, at most as much as was reserved; what is left is free.

        Raises ``CaptureExceedsHold``, ``HoldAlreadyCaptured``, ``HoldAlreadyVoided``, ``HoldExpired``.
        """
        self.insist_held(job)
        if cost.amount > job.amount or order.quantity > job.quantity:
            raise CaptureExceedsHold()
        job.amount, job.cost_nano_usd = cost.amount, cost.cost_nano_usd
        job.quantity, job.units = order.quantity, order.units
        job.input_tokens, job.output_tokens = order.input_tokens, order.output_tokens
        entry = self._pay(job, cost.amount)
        job.state = "done"
        self.tally.release(job.number)
        self._count(job)
        return entry

    def fail(self, job: Job, reason: str, amount: int) -> EntryRow | None:
        """End a held job that failed and costs ``amount`` micro-credits all the same; raises as ``capture`` does."""
        self.insist_held(job)
        entry = self._pay(job, amount)
        job.state, job.failure = "failed", reason
        self.tally.release(job.number)
        self._count(job)
        return entry

    def void(self, job: Job, failure: str | None = None) -> None:
        """End a held job without charging or counting anything; raises as ``capture`` does."""
        self.insist_held(job)
        self._pay(job, 0)
        job.state, job.failure = "voided", failure
        self.tally.release(job.number)

    def give_back(self, job: Job, amount: int) -> None:
        """Note that so much of what the job cost was given back; all of it also gives the quota back."""
        job.given_back += amount
        if job.given_back == job.charged and job.counts:
            job.counts = False
            self.tally.count(read_keys(job.quotas), -job.quantity, job.number)

    def insist_held(self, job: Job) -> None:
        """Raise what a job answers that is not held any more: each end is final (I13)."""
        if job.has_expired(self.book.now):
            raise HoldExpired()
        if job.state in ("done", "failed"):
            raise HoldAlreadyCaptured()
        if job.state == "voided":
            raise HoldAlreadyVoided()

    def save(self) -> None:
        """Write the jobs and counts that are new or have changed."""
        self._jobs.write()
        self.tally.save()

    # within

    @cached_property
    def _entitlement(self) -> Entitlement:
        if self._plan is None:
            return entitlement_of(self.book.account_id, self.book.now)
        return entitlement_in(self._plan, self.book.now)

    def _find(self, condition: object) -> Job | None:
        found = connection().scalar(
            select(Usage.number).where(Usage.account_id == self.book.account_id, condition)  # type: ignore[arg-type]
        )
        if found is None:
            return None
        self._jobs.load(Usage.number == found)
        return self._jobs.states[found]

    def _record(self, order: Order, cost: Cost, clearance: Clearance, *, actor: str, source: str | None) -> Job:
        action = catalog.current().action(order.action) if order.action is not None else None
        self.book.last_usage += 1
        job = Job(
            account_id=self.book.account_id,
            number=self.book.last_usage,
            state="done",
            source=source,
            recorded_at=self.book.now,
            occurred_at=self.book.now,
            expires_at=None,
            action=order.action,
            quantity=order.quantity,
            units=order.units,
            model=order.model,
            input_tokens=order.input_tokens,
            output_tokens=order.output_tokens,
            influencer=order.influencer,
            agent=order.agent,
            thread=order.thread,
            execution=order.execution,
            reference=order.reference,
            amount=cost.amount,
            charged=0,
            given_back=0,
            cost_nano_usd=cost.cost_nano_usd,
            price_version=cost.price_version,
            quote_id=cost.quote_id,
            unlimited=clearance.unlimited,
            would_refuse=clearance.blocked_by,
            quotas=write_keys(keys_of(action, self.book.now)),
            counts=False,
            failure=None,
            hold=None,
            entry_seq=None,
            actor=actor,
            description=None,
            details=None,
        )
        self._jobs.states[job.number] = job
        return job

    def _keep_words(self, job: Job, order: Order, are_kept_elsewhere: bool) -> None:
        """Keep here what was said about a job that no entry or hold tells of."""
        if not are_kept_elsewhere:
            job.description = order.description
            job.details = dumps(order.metadata) if order.metadata else None

    def _count(self, job: Job) -> None:
        job.counts = True
        self.tally.count(read_keys(job.quotas), job.quantity, job.number)

    def _pay(self, job: Job, amount: int) -> EntryRow | None:
        """Take so much of what a job reserved, if it reserved anything, and let the rest go."""
        if job.hold is None:
            return None
        hold = self.book.hold(job.hold)
        if not amount:
            holds.void_hold(self.book, hold)
            return None
        entry = holds.capture_hold(self.book, hold, amount)
        job.charged, job.entry_seq = amount, entry.seq
        return entry

    def _note_expired(self) -> None:
        """Note which earlier holds are out of time, so that those that last stay few."""
        connection().execute(
            update(Usage)
            .where(Usage.account_id == self.book.account_id, Usage.state == "held", Usage.expires_at <= self.book.now)
            .values(state="expired")
        )
