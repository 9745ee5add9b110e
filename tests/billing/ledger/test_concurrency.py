"""Several processes with several threads each, as in production, at one account at once; on both engines."""

from __future__ import annotations

import multiprocessing
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor, ThreadPoolExecutor
from datetime import timedelta
from itertools import chain
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from flask import current_app

from billing import accounts, audit, clock, payments, purchases, quotas, spending, usage
from billing.db import db, transaction
from billing.errors import SaldoError
from billing.money import MICRO
from tests.billing.ledger.acts import ACTOR, capture, debit, give_back, hold, told
from tests.conftest import rules_only
from tests.factories import CATALOG, buy_pack, make_customer, make_grant, make_session, use_catalog

pytestmark = pytest.mark.force

COUNTED = f"""{CATALOG}
quotas = {{ searches = 10 }}
[quotas.searches]
name = "Searches"
period = "month"
[actions.search]
name = "Search"
cost = 1
quotas = ["searches"]
"""
PROCESSES = 4
THREADS = 3


def _debit_once(account: int, credits: int, source: str) -> str:
    return spending.debit(account, spending.Order(amount=credits * MICRO), actor=ACTOR, source=source).entry.id


def _hold_and_debit(account: int) -> None:
    capture(hold(account, 2), 1)


def _debit_and_give_back(account: int) -> None:
    give_back(debit(account, 2), 1)


def _search(account: int) -> str:
    return spending.debit(account, spending.Order(action="search"), actor=ACTOR).usage_id


def _begin_search(account: int) -> str:
    return spending.place_hold(account, spending.Order(action="search"), actor=ACTOR).id


def _record(*customers: str) -> list[str]:
    order = spending.Order(action="search")
    events = [usage.UsageEvent("one-event", customer, order) for customer in customers]
    return [each.status for each in usage.record_events("test", events, actor=ACTOR)]


def _link(payment_id: str, payment_intents: int) -> None:
    for number in range(payment_intents):
        with transaction():
            payments.link_payment_intent(payments.get(payment_id), f"pi_{number}", 100, f"ch_{number}")


def _lowest_available(account: int, samples: int) -> int:
    return min(accounts.read_balance(account).available for _ in range(samples))


ACTS: dict[str, Callable[..., Any]] = {
    "capture": capture,
    "debit": debit,
    "debit once": _debit_once,
    "debit and give back": _debit_and_give_back,
    "fulfil": purchases.fulfil_checkout,
    "grant": lambda account, credits, source: make_grant(account, credits, source=source),
    "hold": hold,
    "hold and debit": _hold_and_debit,
    "look": accounts.read_balance,
    "link": _link,
    "lowest available": _lowest_available,
    "record": _record,
    "search": _search,
    "begin search": _begin_search,
    "void": spending.void_hold,
}
Job = tuple[str, tuple[Any, ...]]


def _work(url: str, jobs: list[Job], start_at: float) -> list[tuple[str, Any]]:
    """In another process: wait for the common start, then do the jobs in threads; the outcome of each in order."""
    with rules_only(url), TemporaryDirectory() as folder:
        use_catalog(Path(folder), COUNTED)
        app = current_app._get_current_object()  # type: ignore[attr-defined]

        def do(job: Job) -> tuple[str, Any]:
            with app.app_context():
                try:
                    return "ok", ACTS[job[0]](*job[1])
                except SaldoError as error:
                    return type(error).__name__, None
                finally:
                    db.session.remove()

        time.sleep(max(0.0, start_at - time.time()))
        with ThreadPoolExecutor(THREADS) as threads:
            return list(threads.map(do, jobs))


@pytest.fixture(scope="module")
def workers() -> Iterator[ProcessPoolExecutor]:
    """Processes of their own, begun afresh and not forked."""
    with ProcessPoolExecutor(PROCESSES, mp_context=multiprocessing.get_context("spawn")) as pool:
        yield pool


class Crowd:
    """Hands jobs out to all processes and starts them together."""

    def __init__(self, workers: ProcessPoolExecutor, url: str) -> None:
        self._workers = workers
        self._url = url

    def do(self, jobs: list[Job]) -> list[tuple[str, Any]]:
        """What became of each job, in the order of the jobs."""
        shares = [jobs[number::PROCESSES] for number in range(PROCESSES)]
        start_at = time.time() + 0.3
        running: list[Future[list[tuple[str, Any]]]] = [
            self._workers.submit(_work, self._url, share, start_at) for share in shares
        ]
        outcomes = [each.result(timeout=120) for each in running]
        db.session.remove()
        return [outcomes[number % PROCESSES][number // PROCESSES] for number in range(len(jobs))]

    def count(self, jobs: list[Job]) -> Counter[str]:
        """How often each outcome came."""
        return Counter(word for word, _ in self.do(jobs))


@pytest.fixture
def crowd(workers: ProcessPoolExecutor, database_url: str, database: None, tmp_path: Path) -> Crowd:
    """The crowd, at this test's database."""
    use_catalog(tmp_path, COUNTED)
    return Crowd(workers, database_url)


def balance(account: int) -> int:
    """The balance in whole credits, of books that are right."""
    assert [violation.line for violation in audit.audit()] == []
    return accounts.read_balance(account).balance // MICRO


def test_parallel_debits_never_overspend(crowd: Crowd) -> None:
    """F045."""
    account = make_customer()
    make_grant(account, 100)
    outcomes = crowd.count([("debit", (account, 10))] * 50)
    assert outcomes == {"ok": 10, "InsufficientCredits": 40}
    assert balance(account) == 0


def test_parallel_debits_with_one_key_are_one_entry(crowd: Crowd) -> None:
    """F046."""
    account = make_customer()
    make_grant(account, 100)
    outcomes = crowd.do([("debit once", (account, 10, "app:key"))] * 30)
    assert len(set(outcomes)) == 1
    assert outcomes[0][0] == "ok"
    assert balance(account) == 90


def test_first_grants_at_once_add_up(crowd: Crowd) -> None:
    account = make_customer()
    assert crowd.count([("grant", (account, 5, f"promo:{n}")) for n in range(20)]) == {"ok": 20}
    assert balance(account) == 100


def test_debit_beside_a_grant_either_finds_it_or_not(crowd: Crowd) -> None:
    """F051."""
    owners = [make_customer() for _ in range(20)]
    pairs = [(("debit", (each, 10)), ("grant", (each, 100, f"promo:{each}"))) for each in owners]
    outcomes = crowd.do(list(chain.from_iterable(pairs)))
    for number, account in enumerate(owners):
        (debited, _), (granted, _) = outcomes[2 * number : 2 * number + 2]
        assert granted == "ok"
        assert (debited, balance(account)) in {("ok", 90), ("InsufficientCredits", 100)}


def test_sweepers_at_once_book_one_expiry(crowd: Crowd) -> None:
    """F056."""
    account = make_customer()
    past = clock.now() - timedelta(days=2)
    for ends_after in (1, 2, 3):
        make_grant(account, 10, now=past, expires_at=past + timedelta(hours=ends_after))
    assert crowd.count([("look", (account,))] * 12) == {"ok": 12}
    assert told(account, reason="expired") == [("DEBIT", "expired", -10)] * 3
    assert balance(account) == 0


def test_two_accounts_worked_on_crosswise_stay_exact(crowd: Crowd) -> None:
    """F058."""
    one, other = make_customer(), make_customer()
    for account in (one, other):
        make_grant(account, 200)
    jobs: list[Job] = []
    for number in range(15):
        jobs += [("hold and debit", (one,)), ("debit and give back", (other,))]
        jobs += [("hold and debit", (other,)), ("grant", (one, 1, f"promo:{number}"))]
    assert crowd.count(jobs) == {"ok": 60}
    assert (balance(one), balance(other)) == (200, 170)


@pytest.mark.parametrize("rival", ["void", "capture"])
def test_capture_and_its_rival_end_a_hold_once(crowd: Crowd, rival: str) -> None:
    """F067."""
    account = make_customer()
    make_grant(account, 100)
    holds = [hold(account, 4) for _ in range(25)]
    outcomes = crowd.do(list(chain.from_iterable([("capture", (each,)), (rival, (each,))] for each in holds)))
    for number in range(len(holds)):
        first, second = (word for word, _ in outcomes[2 * number : 2 * number + 2])
        assert sorted([first == "ok", second == "ok"]) == [False, True]
        assert {first, second} - {"ok"} <= {"HoldAlreadyCaptured", "HoldAlreadyVoided"}
    assert balance(account) == 100 - 4 * len(told(account, kind="DEBIT"))


def test_holds_beside_debits_share_what_is_there(crowd: Crowd) -> None:
    """F074."""
    account = make_customer()
    make_grant(account, 100)
    jobs: list[Job] = [("debit", (account, 10)), ("hold", (account, 10))] * 30
    outcomes = crowd.do([("lowest available", (account, 10)), *jobs, ("lowest available", (account, 10))])
    words = Counter(word for word, _ in outcomes[1:-1])
    assert words == {"ok": 10, "InsufficientCredits": 50}
    assert min(outcomes[0][1], outcomes[-1][1]) >= 0
    view = accounts.read_balance(account)
    assert (view.available, view.balance) == (0, view.held)
    assert balance(account) == view.balance // MICRO


def test_one_session_told_at_once_is_granted_once(crowd: Crowd) -> None:
    account = make_customer()
    session = make_session(account, 100, 1000)
    outcomes = Counter(answer for _, answer in crowd.do([("fulfil", (session,))] * 20))
    assert outcomes == {"granted": 1, "duplicate": 19}
    assert balance(account) == 100


def test_parallel_jobs_never_pass_a_quota(crowd: Crowd) -> None:
    account = make_customer()
    make_grant(account, 100)
    outcomes = crowd.count([("search", (account,)), ("begin search", (account,))] * 15)
    assert outcomes == {"ok": 10, "QuotaExceeded": 20}
    assert quotas.list_quotas(account)[0].used == 10
    assert accounts.read_balance(account).available == 90 * MICRO
    assert list(audit.audit()) == []


def test_event_sent_at_once_for_two_customers_counts_once(crowd: Crowd) -> None:
    """Each holds the lock of another account, so only the key itself can tell that they are twins."""
    for name in ("ana", "bob"):
        make_grant(make_customer(name), 10)
    outcomes = crowd.do([("record", ("ana",)), ("record", ("bob",))] * 6)
    assert sorted(chain.from_iterable(found for _, found in outcomes)) == ["duplicate"] * 11 + ["recorded"]
    assert list(audit.audit()) == []


def test_event_and_reconcile_at_once_link_what_paid_once(crowd: Crowd) -> None:
    """F034: not each of them holds the account's lock."""
    payment_id = buy_pack(make_customer(), 10).payment_id
    assert crowd.count([("link", (payment_id, 40))] * 12) == {"ok": 12}
    assert payments.payment_of("pi_39").id == payment_id
    assert payments.payment_of(None, "ch_39").id == payment_id
