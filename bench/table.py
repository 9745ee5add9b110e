"""The table: what is measured, the floor each figure must reach and the goal it should."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from bench import audits, debits, reads, storage, webhooks
from bench.postgresql import Postgresql
from bench.rounds import Effort, Figure

Measure = Callable[[Postgresql, Path, Effort], Figure]


@dataclass(frozen=True, slots=True)
class Row:
    """One name. `at_most` turns the comparison round: the smaller the better."""

    name: str
    measure: Measure
    floor: float
    goal: float
    at_most: bool = False

    def reaches(self, value: float, mark: float) -> bool:
        """Whether a value is as good as a mark."""
        return value <= mark if self.at_most else value >= mark


ROWS = [
    Row("debit_vs_bare", debits.debit_vs_bare, 0.6, 1.0),
    Row("debit_vs_orm", debits.debit_vs_orm, 2.5, 4),
    Row("batch_vs_single", debits.batch_vs_single, 8, 15),
    Row("hot_vs_many", debits.hot_vs_many, 0.75, 0.95),
    Row("debit_p99_p50", debits.debit_p99_p50, 4, 3, at_most=True),
    Row("balance_vs_bare", reads.balance_vs_bare, 0.35, 0.5),
    Row("webhook_vs_djstripe", webhooks.webhook_vs_djstripe, 10, 15),
    Row("history_1m_vs_1k", reads.history_1m_vs_1k, 1.3, 1.1, at_most=True),
    Row("bytes_per_entry", storage.bytes_per_entry, 350, 220, at_most=True),
    Row("sqlite_vs_minimal", storage.sqlite_vs_minimal, 0.5, 0.7),
    Row("audit_1m_vs_sum", audits.audit_1m_vs_sum, 60, 20, at_most=True),
    Row("audit_incremental_vs_full", audits.audit_incremental_vs_full, 0.2, 0.05, at_most=True),
]
