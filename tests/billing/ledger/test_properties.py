"""Anything, in any order: the ledger does what a small independent model does, and every invariant holds."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import time_machine
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from billing import accounts, audit, clock, spending
from billing.db import snapshot
from billing.errors import InsufficientCredits
from billing.ledger import due, grants
from billing.ledger.book import Book
from billing.ledger.invariants import check_books
from billing.ledger.posting import post_entry
from billing.ledger.states import GrantState
from billing.money import MICRO
from billing.money_invariants import check_payments, unsteady_payments
from tests.billing.ledger.model import Deal, Job, Lot, Model
from tests.engines import Engine
from tests.factories import (
    Bought,
    buy_pack,
    make_customer,
    make_grant,
    tell_dispute,
    tell_refund,
    use_catalog,
)

AMOUNTS = st.integers(1, 60)
ANY = st.integers(0, 10**6)
SCOPES = st.sampled_from([None, None, "luna"])
TIMES = st.sampled_from([timedelta(minutes=20), timedelta(hours=13), timedelta(days=2), timedelta(days=8)])
LIVES = st.sampled_from([None, timedelta(hours=12), timedelta(days=1), timedelta(days=5)])


class Books(RuleBasedStateMachine):
    """One account of the real ledger and its model, side by side."""

    @initialize()
    def open(self) -> None:
        self.time = time_machine.travel(datetime(2026, 1, 1, tzinfo=UTC), tick=False)
        self.traveller = self.time.start()
        self.account = make_customer()
        self.model = Model()
        self.debits: list[tuple[str, Job]] = []
        self.holds: list[tuple[str, Job]] = []
        self.packs: list[tuple[Bought, Deal]] = []

    def teardown(self) -> None:
        if hasattr(self, "time"):
            self.time.stop()

    @rule(delta=TIMES)
    def time_goes_by(self, delta: timedelta) -> None:
        self.traveller.shift(delta)
        self.model.book_due(clock.now())

    @rule(credits=AMOUNTS, scope=SCOPES, priority=st.sampled_from([0, 50]), life=LIVES)
    def grant(self, credits: int, scope: str | None, priority: int, life: timedelta | None) -> None:
        expires_at = clock.now() + life if life is not None else None
        seq = make_grant(self.account, credits, expires_at=expires_at, scope=scope, priority=priority)
        self.model.grant(Lot(seq, credits, False, scope, priority, expires_at))

    @rule(credits=AMOUNTS, price=st.sampled_from([999, 1000, 70]), days=st.sampled_from([None, 1, 5]))
    def purchase(self, credits: int, price: int, days: int | None) -> None:
        bought = buy_pack(self.account, credits, price, expires_after_days=days)
        expires_at = clock.now() + timedelta(days=days) if days is not None else None
        lot = Lot(bought.seq, credits, True, None, 50, expires_at)
        lot.deal = Deal(price, lot)
        self.packs.append((bought, lot.deal))
        self.model.grant(lot)

    @rule(amount=AMOUNTS, scope=SCOPES)
    def debit(self, amount: int, scope: str | None) -> None:
        order = spending.Order(amount=amount * MICRO, influencer=scope)
        if amount > self.model.available(scope, clock.now()):
            with pytest.raises(InsufficientCredits):
                spending.debit(self.account, order, actor="app:test")
            return
        entry = spending.debit(self.account, order, actor="app:test").entry
        self.debits.append((entry.id, self.model.debit(self.model.pick(amount, scope, clock.now()))))

    @rule(amount=AMOUNTS, scope=SCOPES, seconds=st.sampled_from([900, 86_400]))
    def hold(self, amount: int, scope: str | None, seconds: int) -> None:
        order = spending.Order(amount=amount * MICRO, influencer=scope)
        if amount > self.model.available(scope, clock.now()):
            with pytest.raises(InsufficientCredits):
                spending.place_hold(self.account, order, seconds, actor="app:test")
            return
        placed = spending.place_hold(self.account, order, seconds, actor="app:test")
        parts = self.model.pick(amount, scope, clock.now())
        self.holds.append((placed.id, self.model.hold(parts, clock.now() + timedelta(seconds=seconds))))

    def _live_holds(self) -> list[tuple[str, Job]]:
        return [each for each in self.holds if each[1] in self.model.holds]

    @precondition(lambda self: self._live_holds())
    @rule(which=ANY, percent=st.sampled_from([1, 50, 100]))
    def capture(self, which: int, percent: int) -> None:
        live = self._live_holds()
        hold_id, hold = live[which % len(live)]
        amount = max(1, sum(part for _, part in hold.parts) * percent // 100)
        _, entry = spending.capture_hold(hold_id, amount * MICRO)
        self.debits.append((entry.id, self.model.resolve(hold, amount, clock.now())))

    @precondition(lambda self: self._live_holds())
    @rule(which=ANY)
    def void(self, which: int) -> None:
        live = self._live_holds()
        hold_id, hold = live[which % len(live)]
        spending.void_hold(hold_id)
        self.model.resolve(hold, 0, clock.now())

    def _refundable_debits(self) -> list[tuple[str, Job]]:
        return [each for each in self.debits if sum(part for _, part in each[1].parts)]

    @precondition(lambda self: self._refundable_debits())
    @rule(which=ANY, percent=st.sampled_from([30, 100]))
    def give_back(self, which: int, percent: int) -> None:
        left = self._refundable_debits()
        debit_id, debit = left[which % len(left)]
        amount = max(1, sum(part for _, part in debit.parts) * percent // 100)
        spending.refund_debit(debit_id, amount * MICRO, actor="app:test")
        self.model.give_back(debit, amount, clock.now())

    @precondition(lambda self: self.packs)
    @rule(which=ANY, percent=st.sampled_from([10, 33, 50, 100]), status=st.sampled_from(["succeeded", "pending"]))
    def refund(self, which: int, percent: int, status: str) -> None:
        bought, deal = self.packs[which % len(self.packs)]
        left = deal.price - sum(amount for amount, state in deal.refunds.values() if state != "failed")
        amount = min(left, max(1, deal.price * percent // 100))
        if amount:
            refund = tell_refund(bought, amount, status)
            deal.refunds[refund] = (amount, status)
            self.model.follow(deal, refund, clock.now())

    def _running_refunds(self) -> list[tuple[Bought, Deal, str]]:
        refunds = [(*pack, refund) for pack in self.packs for refund in pack[1].refunds]
        return [each for each in refunds if each[1].refunds[each[2]][1] != "failed"]

    @precondition(lambda self: self._running_refunds())
    @rule(which=ANY, status=st.sampled_from(["succeeded", "failed"]))
    def refund_changes(self, which: int, status: str) -> None:
        running = self._running_refunds()
        bought, deal, refund = running[which % len(running)]
        amount = deal.refunds[refund][0]
        tell_refund(bought, amount, status, refund)
        deal.refunds[refund] = (amount, status)
        self.model.follow(deal, refund, clock.now())

    @precondition(lambda self: self.packs)
    @rule(which=ANY, percent=st.sampled_from([40, 100]), inquiry=st.booleans())
    def dispute(self, which: int, percent: int, inquiry: bool) -> None:
        bought, deal = self.packs[which % len(self.packs)]
        if len(deal.disputes) < 2:
            amount = max(1, deal.price * percent // 100)
            status = "warning_needs_response" if inquiry else "needs_response"
            dispute = tell_dispute(bought, status, amount)
            deal.disputes[dispute] = (amount, status)
            self.model.follow(deal, dispute, clock.now())

    @precondition(lambda self: any(deal.disputes for _, deal in self.packs))
    @rule(which=ANY, status=st.sampled_from(["needs_response", "lost", "won"]))
    def dispute_changes(self, which: int, status: str) -> None:
        disputes = [(*pack, dispute) for pack in self.packs for dispute in pack[1].disputes]
        bought, deal, dispute = disputes[which % len(disputes)]
        amount = deal.disputes[dispute][0]
        tell_dispute(bought, status, amount, dispute)
        deal.disputes[dispute] = (amount, status)
        self.model.follow(deal, dispute, clock.now())

    @invariant()
    def books_equal_the_model(self) -> None:
        if not hasattr(self, "model"):
            return
        view = accounts.read_balance(self.account)
        model, now = self.model, clock.now()
        assert {
            "balance": view.balance,
            "available": view.available,
            "held": view.held,
            "frozen": view.frozen,
            "debt": view.debt,
            "grants": {grant.seq: grant.remaining for grant in view.grants},
            "scoped": view.scoped.get("luna", view.available),
        } == {
            "balance": model.balance * MICRO,
            "available": model.available(None, now) * MICRO,
            "held": sum(part for hold in model.holds for _, part in hold.parts) * MICRO,
            "frozen": sum(model.frozen(lot) for lot in model.lots) * MICRO,
            "debt": model.debt * MICRO,
            "grants": {lot.number: lot.left * MICRO for lot in model.lots if lot.left},
            "scoped": model.available("luna", now) * MICRO,
        }

    @invariant()
    def every_invariant_holds(self) -> None:
        if not hasattr(self, "account"):
            return
        with snapshot() as connection:
            unsteady = unsteady_payments(connection, self.account)
            assert list(check_books(connection, self.account, unsteady)) == []
            assert list(check_payments(connection, self.account)) == []


def run(examples: int, steps: int, *, anew: bool = False, hunting: bool = False) -> None:
    """Run the machine on the same examples each time, or `anew` on others.

    `hunting` looks for a planted mistake and stops at the first sight of it.
    """
    phases = [Phase.generate] if hunting else [Phase.explicit, Phase.generate, Phase.shrink]
    run_state_machine_as_test(  # type: ignore[no-untyped-call]
        Books,
        settings=settings(
            max_examples=examples,
            stateful_step_count=steps,
            deadline=None,
            database=None,
            derandomize=not anew,
            phases=phases,
            report_multiple_bugs=False,
            suppress_health_check=list(HealthCheck),
        ),
    )


EXAMPLES = {"Sqlite": 8, "Postgresql": 3}


@pytest.mark.parametrize(
    "times", [1, pytest.param(3, marks=pytest.mark.force), pytest.param(25, marks=pytest.mark.slow)]
)
def test_ledger_does_what_the_model_does(engine: Engine, database: None, tmp_path: Path, times: int) -> None:
    use_catalog(tmp_path)
    run(EXAMPLES[type(engine).__name__] * times, steps=30, anew=times > 3)
    assert list(audit.audit()) == []


def _let_expiry_eat_what_was_bought(monkeypatch: pytest.MonkeyPatch) -> None:
    real = grants.end_grant

    def end_grant(book: Book, grant: GrantState, at: datetime) -> None:
        real(book, grant, at)
        for other in [other for other in book.grants.values() if other.purchased and other.free]:
            rest = other.free
            book.add_use(post_entry(book, "DEBIT", "expired", -rest, at=at).seq, other, rest)

    monkeypatch.setattr(due, "end_grant", end_grant)


def _burn_the_oldest_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(grants, "burn_key", lambda grant: grant.seq)


def _let_income_leave_debt_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(grants, "pay_debts", lambda book, grant: None)


def _let_disputed_credits_be_spent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(GrantState, "frozen", property(lambda grant: 0))


MISTAKES: list[Callable[[pytest.MonkeyPatch], None]] = [
    _let_expiry_eat_what_was_bought,
    _burn_the_oldest_first,
    _let_income_leave_debt_alone,
    _let_disputed_credits_be_spent,
]


# On one engine: the rules are the same code on both.
@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
@pytest.mark.parametrize(
    "plant",
    [MISTAKES[0], *(pytest.param(plant, marks=pytest.mark.force) for plant in MISTAKES[1:])],
    ids=lambda plant: plant.__name__.strip("_"),
)
def test_machine_finds_a_planted_mistake(
    plant: Callable[[pytest.MonkeyPatch], None],
    database: None,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    use_catalog(tmp_path)
    plant(monkeypatch)
    with pytest.raises(AssertionError):
        run(200, 30, hunting=True)
