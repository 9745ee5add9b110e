"""Which uses count, and what they come to: one rule for the API's sums, the pages' charts and the files.

Only work that was done counts, also in part (`failed`, with its share of the price): what is still held, was called
off or ran out has used nothing. Credits are those that were charged and not given back.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, func

from billing.models import Usage


@dataclass(frozen=True, slots=True)
class Sums:
    """Sums over some uses: how many, tokens, micro-credits, and what models' makers ask in billionths of a dollar."""

    calls: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    credits: int = 0
    cost_nano_usd: int = 0

    def __add__(self, other: Sums) -> Sums:
        return Sums(
            self.calls + other.calls,
            self.input_tokens + other.input_tokens,
            self.output_tokens + other.output_tokens,
            self.credits + other.credits,
            self.cost_nano_usd + other.cost_nano_usd,
        )


def counted(account_id: int | None, from_: datetime, to: datetime) -> list[ColumnElement[bool]]:
    """The conditions of a use that counts, from `from_` to before `to`, of one account or (None) of all."""
    limits = [Usage.state.in_(("done", "failed")), Usage.occurred_at >= from_, Usage.occurred_at < to]
    return limits if account_id is None else [Usage.account_id == account_id, *limits]


def sum_columns() -> tuple[Any, ...]:
    """What to select of uses for `read_sums`."""
    return (
        func.count(),
        func.sum(Usage.input_tokens),
        func.sum(Usage.output_tokens),
        func.sum(Usage.charged - Usage.given_back),
        func.sum(Usage.cost_nano_usd),
    )


def read_sums(values: Any) -> Sums:
    """The sums in a row's values of `sum_columns`; no uses, or none that says it, are 0."""
    return Sums(*(int(value or 0) for value in values))
