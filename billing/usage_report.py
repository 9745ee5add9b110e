"""What was used, by day and by one further trait: for the pages with charts, and for the files made from them.

What counts is `billing.usage_sums`'s to say. Days are UTC's.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Literal, get_args

from sqlalchemy import select, tuple_

from billing import catalog
from billing.catalog import Catalog
from billing.db import connection, utc_day
from billing.errors import UnitOutOfRange, UnknownAction
from billing.models import Customer, Usage
from billing.pricing import price_action
from billing.usage_sums import Sums, counted, read_sums, sum_columns

Trait = Literal["action", "model", "agent", "thread", "influencer"]
TRAITS: tuple[Trait, ...] = get_args(Trait)

BATCH = 500
"""So many rows of an export are read at once."""


@dataclass(frozen=True, slots=True)
class DayUse:
    """What one day's uses with the same trait came to; `key` is None where they had none."""

    day: date
    key: str | None
    sums: Sums


@dataclass(frozen=True, slots=True)
class Use:
    """One use, as an export lists it."""

    customer: str
    number: int
    occurred_at: datetime
    action: str | None
    model: str | None
    agent: str | None
    thread: str | None
    execution: str | None
    influencer: str | None
    reference: str | None
    quantity: int
    input_tokens: int | None
    output_tokens: int | None
    credits: int
    cost_nano_usd: int | None
    state: str


@dataclass(frozen=True, slots=True)
class CheaperModel:
    """The same tokens of one action, at the list price of the model used and of the cheapest; micro-credits."""

    action: str
    model: str
    credits: int
    cheapest: str
    cheapest_credits: int


def read_days(account_id: int | None, from_: datetime, to: datetime, by: Trait) -> list[DayUse]:
    """Uses from `from_` to before `to`, of one account or (None) of all, the oldest day first."""
    day, key = utc_day(Usage.occurred_at), getattr(Usage, by)
    query = (
        select(day, key, *sum_columns()).where(*counted(account_id, from_, to)).group_by(day, key).order_by(day, key)
    )
    return [DayUse(date.fromisoformat(row[0]), row[1], read_sums(row[2:])) for row in connection().execute(query)]


def read_uses(account_id: int | None, from_: datetime, to: datetime) -> Iterator[Use]:
    """Single uses, read batch by batch in an order that others who write do not disturb."""
    after = (0, 0)
    while True:
        query = (
            select(Usage.__table__, Customer.public_id)
            .join(Customer, Customer.account_id == Usage.account_id)
            .where(*counted(account_id, from_, to), tuple_(Usage.account_id, Usage.number) > after)
            .order_by(Usage.account_id, Usage.number)
            .limit(BATCH)
        )
        rows = connection().execute(query).all()
        yield from map(_read_use, rows)
        if len(rows) < BATCH:
            return
        after = (rows[-1].account_id, rows[-1].number)


def find_cheaper_models(account_id: int | None, from_: datetime, to: datetime) -> list[CheaperModel]:
    """For each action that is priced by tokens, the models that another would have undercut, dearest first."""
    known = catalog.current()
    query = (
        select(Usage.action, Usage.model, *sum_columns())
        .where(*counted(account_id, from_, to), Usage.model.is_not(None))
        .group_by(Usage.action, Usage.model)
    )
    found = [_compare(known, row.action, row.model, read_sums(row[2:])) for row in connection().execute(query)]
    return sorted((each for each in found if each), key=lambda each: each.cheapest_credits - each.credits)


def _compare(known: Catalog, action_id: str | None, model: str, used: Sums) -> CheaperModel | None:
    action = known.actions.get(action_id or "")
    if action is None or action.kind != "tokens" or model not in action.models:
        return None
    try:
        prices = {
            name: price_action(
                known, action.id, model=name, input_tokens=used.input_tokens, output_tokens=used.output_tokens
            ).amount_micro
            for name in action.models
        }
    except (UnitOutOfRange, UnknownAction):
        return None  # more than one call may cost: nothing that a price list can say
    cheapest = min(prices, key=lambda name: prices[name])
    if prices[cheapest] >= prices[model]:
        return None
    return CheaperModel(action.id, model, prices[model], cheapest, prices[cheapest])


def _read_use(row: Any) -> Use:
    return Use(
        customer=row.public_id,
        number=row.number,
        occurred_at=row.occurred_at,
        action=row.action,
        model=row.model,
        agent=row.agent,
        thread=row.thread,
        execution=row.execution,
        influencer=row.influencer,
        reference=row.reference,
        quantity=row.quantity,
        input_tokens=row.input_tokens,
        output_tokens=row.output_tokens,
        credits=row.charged - row.given_back,
        cost_nano_usd=row.cost_nano_usd,
        state=row.state,
    )
