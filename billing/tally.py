"""How much of each resource an account has used, by month or for a lifetime; what holds reserve included.

A count belongs to a resource and a period (``2026-11``, ``lifetime``), so a month that ends needs nobody to end it.
What holds reserve counts while they last and is never booked: it is read from the jobs that are held.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import cast

from sqlalchemy import Table, bindparam, select

from billing import catalog, clock
from billing.catalog import Action
from billing.db import connection
from billing.models import QuotaUse, Usage
from billing.statements import (
    Asked,
    Row,
    Statement,
    insert_into,
    read_together,
    update_of,
    update_parameters,
    write_later,
)

LIFETIME = "lifetime"

_QUOTA_USES = cast(Table, QuotaUse.__table__)
_COUNTS = Statement(
    select(QuotaUse.resource, QuotaUse.period, QuotaUse.used, QuotaUse.counted_after).where(
        QuotaUse.account_id == bindparam("account_id"),
        # Also later months: the books may be opened when this one has ended. And `lifetime` comes after all of them.
        QuotaUse.period >= bindparam("month"),
    )
)
_HELD = Statement(
    select(Usage.number, Usage.quantity, Usage.quotas, Usage.expires_at).where(
        Usage.account_id == bindparam("account_id"),
        Usage.state == "held",
        Usage.expires_at > bindparam("now"),
        Usage.quotas.is_not(None),
    )
)


@dataclass(slots=True)
class _Count:
    used: int = 0
    counted_after: int = 0
    is_new: bool = True
    has_changed: bool = False


Key = tuple[str, str]
"""A resource and its period."""


def keys_of(action: Action | None, now: datetime) -> list[Key]:
    """What an action counts against at that moment."""
    rules = catalog.current().quotas
    return [(name, period_of(rules[name].period, now)) for name in (action.quotas if action is not None else ())]


def write_keys(keys: Iterable[Key]) -> str | None:
    """Keys as a job keeps them: ``images:lifetime searches:2026-11``."""
    return " ".join(f"{resource}:{period}" for resource, period in keys) or None


def read_keys(text: str | None) -> list[Key]:
    """What ``write_keys`` wrote."""
    return [(resource, period) for resource, _, period in (word.partition(":") for word in (text or "").split())]


class Tally:
    """The counts of one account while its books are open; ``save`` writes what has changed."""

    def __init__(self, account_id: int, now: datetime) -> None:
        self._account_id = account_id
        self._now = now
        self._counts: dict[Key, _Count] | None = None
        self._held: dict[int, tuple[int, list[Key]]] = {}

    def used(self, key: Key) -> int:
        """How much is used, with what active holds reserve."""
        count = self._count(key)
        reserved = (
            quantity for number, (quantity, keys) in self._held.items() if key in keys and number > count.counted_after
        )
        return count.used + sum(reserved)

    def count(self, keys: Iterable[Key], quantity: int, number: int) -> None:
        """Count what job ``number`` has used; nothing where a reset has forgiven it (negative: given back)."""
        for key in keys:
            count = self._count(key)
            if number > count.counted_after:
                count.used += quantity
                count.has_changed = True

    def reserve(self, keys: list[Key], quantity: int, number: int) -> None:
        """Count as used what a hold reserves, as long as it is active."""
        if keys:
            self._load()
            self._held[number] = (quantity, keys)

    def release(self, number: int) -> None:
        """The hold of this job is over."""
        self._load()
        self._held.pop(number, None)

    def reset(self, key: Key, last_job: int) -> int:
        """Set a count back to nothing, what jobs up to ``last_job`` reserve included; answers what was used."""
        before = self.used(key)
        count = self._count(key)
        count.used, count.counted_after, count.has_changed = 0, last_job, True
        return before

    def save(self) -> None:
        """Write every count that has changed."""
        for (resource, period), count in (self._counts or {}).items():
            if not count.has_changed:
                continue
            row = {
                "account_id": self._account_id,
                "resource": resource,
                "period": period,
                "used": count.used,
                "counted_after": count.counted_after,
            }
            if count.is_new:
                write_later(connection(), insert_into(_QUOTA_USES), [row])
            else:
                changed = ("used", "counted_after")
                write_later(
                    connection(), update_of(_QUOTA_USES, changed), [update_parameters(_QUOTA_USES, row, changed)]
                )
            count.is_new = count.has_changed = False

    def _count(self, key: Key) -> _Count:
        counts = self._load()
        if key not in counts:
            resource, period = key
            row = (
                connection()
                .execute(
                    select(QuotaUse.used, QuotaUse.counted_after).filter_by(
                        account_id=self._account_id, resource=resource, period=period
                    )
                )
                .first()
            )
            counts[key] = _Count() if row is None else _Count(row.used, row.counted_after, is_new=False)
        return counts[key]

    def _load(self) -> dict[Key, _Count]:
        """The counts of the running periods and what is held, read once."""
        if self._counts is None:
            self.take(*read_together(connection(), tally_asked(self._account_id, self._now)))
        assert self._counts is not None
        return self._counts

    def take(self, counts: Iterable[Row], held: Iterable[Row]) -> None:
        """Take in what ``tally_asked`` has read."""
        self._counts = {
            (row["resource"], row["period"]): _Count(row["used"], row["counted_after"], is_new=False) for row in counts
        }
        self._held = {
            row["number"]: (row["quantity"], read_keys(row["quotas"])) for row in held if row["expires_at"] > self._now
        }


def tally_asked(account_id: int, now: datetime) -> list[Asked]:
    """What to read for ``Tally.take`` together with an account's books."""
    return [
        (_COUNTS, {"account_id": account_id, "month": period_of("month", now)}),
        (_HELD, {"account_id": account_id, "now": now}),
    ]


def period_of(kind: str, now: datetime) -> str:
    """The period that runs now for a quota counted by ``month``, or for a ``lifetime``."""
    return clock.month_name(now) if kind == "month" else LIFETIME
