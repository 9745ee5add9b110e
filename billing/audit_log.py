"""What staff did or tried to do: one record for each act, written in the same transaction as the act.

A record names who, what, on whose account and in which request. The words of the act (an amount, a reason)
are `detail`, small and structured; personal data and free text stay where the act itself keeps them.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import structlog
from sqlalchemy import insert, select

from billing import clock
from billing.db import connection, transaction
from billing.models import AuditRecord

MAX_DETAIL_CHARACTERS = 200
"""The longest value of a detail that is kept; an act's full words stand with the act."""

Detail = Mapping[str, str | int | bool | None]


@dataclass(frozen=True, slots=True)
class AuditView:
    """One record; `number` grows with time and is what pages continue from."""

    number: int
    at: datetime
    actor: str
    action: str
    account_id: int | None
    subject: str | None
    allowed: bool
    detail: dict[str, str | int | bool | None]
    request_id: str | None


def record(
    action: str,
    *,
    actor: str,
    account_id: int | None = None,
    subject: str | None = None,
    allowed: bool = True,
    detail: Detail | None = None,
) -> None:
    """Write that `actor` (`staff:<id>`, `operator`) did this, or tried to and was refused (`allowed` false).

    Joins the open transaction, so that record and act stand or fall together (I33); a refusal is written on
    its own. The request's id comes from the log context.
    """
    with transaction() as connection:
        connection.execute(
            insert(AuditRecord),
            {
                "at": clock.now(),
                "actor": actor,
                "action": action,
                "account_id": account_id,
                "subject": subject,
                "allowed": allowed,
                "detail": _written(detail) if detail else None,
                "request_id": structlog.contextvars.get_contextvars().get("request_id"),
            },
        )


def list_records(*, account_id: int | None = None, before: int | None = None, limit: int = 50) -> list[AuditView]:
    """The newest records, of one account or of all; `before` is the number of the last one already seen."""
    query = select(AuditRecord.__table__).order_by(AuditRecord.id.desc()).limit(limit)
    if account_id is not None:
        query = query.where(AuditRecord.account_id == account_id)
    if before is not None:
        query = query.where(AuditRecord.id < before)
    return [view(row) for row in connection().execute(query)]


def view(row: Any) -> AuditView:
    """A row of the table as others see it."""
    return AuditView(
        number=row.id,
        at=row.at,
        actor=row.actor,
        action=row.action,
        account_id=row.account_id,
        subject=row.subject,
        allowed=row.allowed,
        detail=json.loads(row.detail) if row.detail else {},
        request_id=row.request_id,
    )


def _written(detail: Detail) -> str:
    kept = {name: value[:MAX_DETAIL_CHARACTERS] if isinstance(value, str) else value for name, value in detail.items()}
    return json.dumps(kept, ensure_ascii=False)
