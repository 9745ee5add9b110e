"""Everything that happened on one account, as one list for whoever helps the customer: newest first, page by page.

What came in (events, payments), what went back (refunds, disputes), what it did to the credits (entries), and what
staff did or tried. Each kind is read by its own keyset query and the pages are merged, so a long history costs no
more than a short one.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from heapq import merge
from itertools import islice
from typing import Any, Literal, NamedTuple

from sqlalchemy import ColumnElement, and_, select
from sqlalchemy.orm import InstrumentedAttribute

from billing import accounts, audit_log
from billing.audit_log import AuditView
from billing.clock import to_rfc3339
from billing.db import connection
from billing.errors import InvalidCursor
from billing.ledger.history import EntryView, views_of
from billing.models import AuditRecord, Dispute, Entry, Payment, Refund, StripeEvent

Kind = Literal["act", "event", "payment", "dispute", "refund", "entry"]

KINDS: tuple[Kind, ...] = ("act", "event", "payment", "dispute", "refund", "entry")
"""In the order in which one leads to the next, for what bears the same time."""


class _Place(NamedTuple):
    """Where an item stands; of two, the greater is the newer."""

    at: datetime
    rank: int
    key: int | str


@dataclass(frozen=True, slots=True)
class EventView:
    """A Stripe event of the account, without its payload."""

    id: str
    type: str
    status: str
    note: str | None


@dataclass(frozen=True, slots=True)
class MoneyView:
    """A payment, refund or dispute; money in minor units, `bought` is kind, item and tier of what was paid for."""

    id: str
    payment_id: str
    amount_minor: int
    currency: str
    status: str | None = None
    reason: str | None = None
    actor: str | None = None
    stripe_id: str | None = None
    bought: tuple[str, str, str | None] | None = None


@dataclass(frozen=True, slots=True)
class TimelineItem:
    """One thing that happened; `what` is an `EntryView`, `MoneyView`, `EventView` or `AuditView` by its kind."""

    kind: Kind
    at: datetime
    what: EntryView | MoneyView | EventView | AuditView


@dataclass(frozen=True, slots=True)
class TimelinePage:
    """Items, newest first, and what to pass as `before` for older ones, if there are any."""

    items: list[TimelineItem]
    older: str | None


def read_timeline(account_id: int, before: str | None = None, limit: int = 50) -> TimelinePage:
    """One page of an account's history. Raises `InvalidCursor` for a `before` that no page gave out."""
    accounts.ensure_up_to_date(account_id)
    place = _read_cursor(before) if before is not None else None
    found = merge(*(read(account_id, place, limit + 1) for read in _READERS), key=lambda pair: pair[0], reverse=True)
    shown = list(islice(found, limit + 1))
    older = _write_cursor(shown[limit - 1][0]) if len(shown) > limit else None
    return TimelinePage([item for _, item in shown[:limit]], older)


_Found = Iterator[tuple[_Place, TimelineItem]]


def _rows(
    model: Any,
    account_id: int,
    kind: Kind,
    at: InstrumentedAttribute[datetime],
    key: InstrumentedAttribute[Any],
    place: _Place | None,
    limit: int,
    *conditions: ColumnElement[bool],
) -> list[Any]:
    query = select(model.__table__).where(model.account_id == account_id, *conditions)
    if place is not None:
        query = query.where(_is_older(kind, at, key, place))
    return list(connection().execute(query.order_by(at.desc(), key.desc()).limit(limit)).all())


def _is_older(
    kind: Kind, at: InstrumentedAttribute[datetime], key: InstrumentedAttribute[Any], place: _Place
) -> ColumnElement[bool]:
    rank = KINDS.index(kind)
    if rank > place.rank:
        return at < place.at
    if rank < place.rank:
        return at <= place.at
    return (at < place.at) | and_(at == place.at, key < place.key)


def _entries(account_id: int, place: _Place | None, limit: int) -> _Found:
    rows = _rows(Entry, account_id, "entry", Entry.at, Entry.seq, place, limit)
    for view in views_of(account_id, rows):
        yield _item("entry", view.at, view.seq, view)


def _payments(account_id: int, place: _Place | None, limit: int) -> _Found:
    for row in _rows(Payment, account_id, "payment", Payment.paid_at, Payment.id, place, limit):
        view = MoneyView(
            id=row.id,
            payment_id=row.id,
            amount_minor=row.amount_minor,
            currency=row.currency,
            stripe_id=row.session_id or row.invoice_id,
            bought=(row.kind, row.item, row.tier),
        )
        yield _item("payment", row.paid_at, row.id, view)


def _refunds(account_id: int, place: _Place | None, limit: int) -> _Found:
    for row in _rows(Refund, account_id, "refund", Refund.created_at, Refund.id, place, limit):
        view = MoneyView(
            id=row.id,
            payment_id=row.payment_id,
            amount_minor=row.amount_minor,
            currency=row.currency,
            status=row.status,
            reason=row.reason,
            actor=row.actor,
            stripe_id=row.stripe_id,
        )
        yield _item("refund", row.created_at, row.id, view)


def _disputes(account_id: int, place: _Place | None, limit: int) -> _Found:
    rows = _rows(Dispute, account_id, "dispute", Dispute.opened_at, Dispute.stripe_id, place, limit)
    for row in rows:
        view = MoneyView(
            id=row.stripe_id,
            payment_id=row.payment_id,
            amount_minor=row.amount_minor,
            currency=row.currency,
            status=row.status,
            reason=row.reason,
            stripe_id=row.stripe_id,
        )
        yield _item("dispute", row.opened_at, row.stripe_id, view)


def _events(account_id: int, place: _Place | None, limit: int) -> _Found:
    # By Stripe's time, not by ours: an event that came late still stands beside what it tells of. What was ignored
    # changed nothing here, and would bury the rest; the inbox has it.
    at, key, heeded = StripeEvent.created_at, StripeEvent.id, StripeEvent.status != "ignored"
    for row in _rows(StripeEvent, account_id, "event", at, key, place, limit, heeded):
        yield _item("event", row.created_at, row.id, EventView(row.id, row.type, row.status, row.note))


def _acts(account_id: int, place: _Place | None, limit: int) -> _Found:
    for row in _rows(AuditRecord, account_id, "act", AuditRecord.at, AuditRecord.id, place, limit):
        yield _item("act", row.at, row.id, audit_log.view(row))


_READERS: tuple[Callable[[int, _Place | None, int], _Found], ...] = (
    _entries,
    _payments,
    _refunds,
    _disputes,
    _events,
    _acts,
)


def _item(
    kind: Kind, at: datetime, key: int | str, what: EntryView | MoneyView | EventView | AuditView
) -> tuple[_Place, TimelineItem]:
    return _Place(at, KINDS.index(kind), key), TimelineItem(kind, at, what)


def _write_cursor(place: _Place) -> str:
    text = json.dumps([to_rfc3339(place.at), place.rank, place.key])
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _read_cursor(cursor: str) -> _Place:
    try:
        text = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        at, rank, key = json.loads(text)
        place = _Place(datetime.fromisoformat(at), rank, key)
        if KINDS[rank] in ("entry", "act"):
            known = isinstance(key, int) and 0 < key < 2**63
        else:
            known = isinstance(key, str) and key.isascii() and key.isprintable()
    except (binascii.Error, ValueError, TypeError, IndexError, RecursionError):
        raise InvalidCursor() from None
    if not known or place.at.tzinfo is None or rank < 0:
        raise InvalidCursor()
    return place
