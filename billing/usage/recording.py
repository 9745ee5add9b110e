"""Work that has been done already, charged in batches: each event once, one lock and one commit per customer."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from billing import clock
from billing.db import connection
from billing.errors import Invalid, SaldoError
from billing.models import Customer, Usage
from billing.orders import Order, check_order
from billing.till import Till, open_till

MAX_EVENTS = 1000
MAX_ID_CHARACTERS = 200
CLOCK_SLACK = timedelta(minutes=5)
"""How far ahead of ours an app's clock may be."""
MAX_AGE = timedelta(days=366)


@dataclass(frozen=True, slots=True)
class UsageEvent:
    """Something that an app has done for a customer (named by the app's id of them); ``id`` makes it count once."""

    id: str
    customer: str
    order: Order
    occurred_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class EventResult:
    """What became of one event; ``amount`` is its price in micro-credits, ``code`` why it was rejected."""

    id: str
    status: Literal["recorded", "duplicate", "rejected"]
    amount: int | None = None
    code: str | None = None


def record_event(
    app: str, event_id: str, account_id: int, order: Order, occurred_at: datetime | None = None, *, actor: str
) -> EventResult:
    """Charge one job that was done already; the same ``(app, event_id)`` again changes nothing (R6)."""
    return _record_for(account_id, app, [UsageEvent(event_id, "", order, occurred_at)], actor)[0]


def record_events(app: str, events: Sequence[UsageEvent], *, actor: str) -> list[EventResult]:
    """Charge jobs that were done already: each once, one lock and one commit for all of a customer's.

    A rejected event stores nothing and may be sent again; the others count all the same. Answers in their order.
    """
    if not 1 <= len(events) <= MAX_EVENTS:
        raise Invalid(f"events: expected 1 to {MAX_EVENTS}")
    accounts = _accounts_of({event.customer for event in events})
    places: dict[str, list[int]] = {}
    for place, event in enumerate(events):
        places.setdefault(event.customer, []).append(place)
    results: dict[int, EventResult] = {}
    for customer, of_customer in places.items():
        mine = [events[place] for place in of_customer]
        if customer in accounts:
            found = _record_for(accounts[customer], app, mine, actor)
        else:
            found = [EventResult(event.id, "rejected", code="not_found") for event in mine]
        results.update(zip(of_customer, found, strict=True))
    return [results[place] for place in range(len(events))]


def _accounts_of(customers: Iterable[str]) -> dict[str, int]:
    rows = connection().execute(
        select(Customer.public_id, Customer.account_id).where(Customer.public_id.in_(sorted(customers)))
    )
    return {row.public_id: row.account_id for row in rows}


def _record_for(account_id: int, app: str, events: Sequence[UsageEvent], actor: str) -> list[EventResult]:
    try:
        return _record_once(account_id, app, events, actor)
    except IntegrityError:
        # The same id came for another customer at the same moment: look again, now it is known.
        return _record_once(account_id, app, events, actor)


def _record_once(account_id: int, app: str, events: Sequence[UsageEvent], actor: str) -> list[EventResult]:
    with open_till(account_id) as till:
        known = _known_amounts([_source(app, event.id) for event in events])
        return [_record(till, app, event, known, actor) for event in events]


def _record(till: Till, app: str, event: UsageEvent, known: dict[str, int], actor: str) -> EventResult:
    source = _source(app, event.id)
    if source in known:
        return EventResult(event.id, "duplicate", known[source])
    try:
        _check_id(event.id)
        check_order(event.order)
        _check_time(event.occurred_at)
        job, _ = till.charge(event.order, actor=actor, source=source, occurred_at=event.occurred_at)
    except SaldoError as error:
        return EventResult(event.id, "rejected", code=error.code)
    known[source] = job.amount
    return EventResult(event.id, "recorded", job.amount)


def _check_id(event_id: str) -> None:
    if not 0 < len(event_id) <= MAX_ID_CHARACTERS:
        raise Invalid(f"id: expected 1 to {MAX_ID_CHARACTERS} characters")


def _check_time(occurred_at: datetime | None) -> None:
    now = clock.now()
    if occurred_at is not None and not now - MAX_AGE <= occurred_at <= now + CLOCK_SLACK:
        raise Invalid("occurred_at: a time within the last year, and not in the future")


def _known_amounts(sources: list[str]) -> dict[str, int]:
    rows = connection().execute(select(Usage.source, Usage.amount).where(Usage.source.in_(sources)))
    return {row.source: row.amount for row in rows}


def _source(app: str, event_id: str) -> str:
    return f"usage:{app}:{event_id}"
