"""Proving the books: the whole audit against the least query that adds them up, and what is new against the whole."""

from __future__ import annotations

import resource
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

from bench import debiting
from bench.history import make_histories
from bench.postgresql import Postgresql
from bench.rounds import Effort, Figure
from bench.saldo import Saldo
from billing import audit, clock
from billing.db import db, snapshot

ACCOUNTS, ENTRIES = 1_000, 1_000
MOVED = 0.02
"""The share of accounts that have spent again since the audit before."""
AGO = timedelta(days=2)

SUM = "SELECT account_id, sum(amount) FROM entries GROUP BY account_id"


def audit_1m_vs_sum(server: Postgresql, folder: Path, effort: Effort) -> Figure:
    """Seconds of every invariant over a million entries ÷ seconds of adding up each account's amounts."""
    saldo = Saldo(folder, server.new_database())
    accounts = max(10, round(ACCOUNTS * effort.scale))
    pairs, problems = [], []
    with saldo.inside():
        make_histories(accounts, ENTRIES)
        for _ in range(_rounds(effort)):
            summed = min(_seconds(_sum) for _ in range(3))
            pairs.append((_seconds(lambda: problems.extend(_audited())), summed))
    about = f"{accounts * ENTRIES} entries: {{:.1f}} s for all invariants, {{:.3f}} s for the sums"
    return _figure(pairs, about, problems)


def audit_incremental_vs_full(server: Postgresql, folder: Path, effort: Effort) -> Figure:
    """Seconds of an audit since the last one, after 2 % of the accounts have moved ÷ seconds of the whole."""
    clock_file = folder / "clock"
    clock_file.write_text(str(-AGO.total_seconds()))
    saldo = Saldo(folder, server.new_database(), TEST_CLOCK_FILE=str(clock_file))
    accounts = max(50, round(ACCOUNTS * effort.scale))
    pairs, problems = [], []
    with saldo.inside():
        customers = make_histories(accounts, ENTRIES)
        clock_file.write_text("0")
        since = clock.now()
        for account_id in debiting.account_ids(customers[:: round(1 / MOVED)]):
            debiting.debit(account_id)
        for _ in range(_rounds(effort)):
            new = _seconds(lambda: problems.extend(_audited(since)))
            pairs.append((new, _seconds(lambda: problems.extend(_audited()))))
    about = f"{accounts * ENTRIES} entries: {{:.1f}} s since the last audit, {{:.1f}} s for all"
    return _figure(pairs, about, problems)


def _rounds(effort: Effort) -> int:
    """A whole audit takes a minute: few rounds tell enough."""
    return max(1, effort.rounds // 3)


def _audited(since: datetime | None = None) -> list[str]:
    return [each.line for each in audit.audit(since=since)]


def _sum() -> None:
    with snapshot() as connection:
        connection.exec_driver_sql(SUM).all()


def _seconds(act: Callable[[], object]) -> float:
    db.session.remove()
    begun_at = time.perf_counter()
    act()
    return time.perf_counter() - begun_at


def _figure(pairs: list[tuple[float, float]], about: str, problems: list[str]) -> Figure:
    first, second = pairs[-1]
    mebibytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    text = f"{about.format(first, second)}; {mebibytes} MiB at most"
    return Figure([each / other for each, other in pairs], text, problems[:3])
