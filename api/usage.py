"""`POST /usage` in batches; what was used, in sums by day or trait, and job by job."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, cast

from flask import Response, g, request

from api import query
from api.answers import answer, credits, page, time
from api.auth import actor
from api.blueprint import bp
from api.body import Body, read_body
from api.orders import FIELDS, read_order
from api.paths import customer_at, read_customer_id
from billing import clock, influencers, usage
from billing.usage import EventResult, GroupBy, UsageEvent, UsageLine, UsageRow

MAX_ID_CHARACTERS = 200
DEFAULT_SPAN = timedelta(days=30)


@bp.post("/usage")
def record_usage() -> Response:
    """Charge what has been done already, each event once for its id; a rejected one does not stop the others."""
    body = read_body("events")
    read = body.items("events", "id", "customer", "occurred_at", *FIELDS, most=usage.MAX_EVENTS)
    events = [_read_event(each) for each in read]
    body.check()
    named = {event.order.influencer for event in events if event.order.influencer is not None}
    unknown = {name for name in named if not influencers.is_known(name)}
    known = [event for event in events if event.order.influencer not in unknown]
    recorded = iter(usage.record_events(g.api_key.app, known, actor=actor()) if known else ())
    results = [
        EventResult(event.id, "rejected", code="not_found") if event.order.influencer in unknown else next(recorded)
        for event in events
    ]
    return answer({"results": [_write_result(result) for result in results]})


@bp.get("/customers/<public_id>/usage")
def sum_up_customer(public_id: str) -> Response:
    """What one customer used, by a trait and in all; without a span the last 30 days."""
    return _sums(customer_at(public_id).account_id)


@bp.get("/usage")
def sum_up_all() -> Response:
    """What all customers used, by a trait and in all."""
    return _sums(None)


@bp.get("/customers/<public_id>/usage-events")
def list_usage_events(public_id: str) -> Response:
    """What one customer used, job by job, newest first."""
    found = usage.list_events(
        customer_at(public_id).account_id,
        from_=query.moment("from"),
        to=query.moment("to"),
        limit=query.limit(),
        cursor=request.args.get("cursor"),
    )
    return page([_write_row(row) for row in found.rows], found.next_cursor)


def _sums(account_id: int | None) -> Response:
    to = query.moment("to") or clock.now()
    from_ = query.moment("from") or _start_of_span(to)
    group_by = cast(GroupBy, query.choice("group_by", usage.GROUPS) or "day")
    lines, total = usage.summarize(account_id, from_, to, group_by)
    return answer({"data": [_write_line(line) for line in lines], "total": _write_line(total)})


def _start_of_span(to: datetime) -> datetime:
    """So long before; at the calendar's edge, its first day."""
    first = datetime.min.replace(tzinfo=UTC)
    return to - DEFAULT_SPAN if to - first > DEFAULT_SPAN else first


def _read_event(body: Body) -> UsageEvent:
    return UsageEvent(
        id=body.text("id", required=True, longest=MAX_ID_CHARACTERS) or "",
        customer=read_customer_id(body),
        order=read_order(body),
        occurred_at=body.moment("occurred_at"),
    )


def _write_result(result: EventResult) -> dict[str, Any]:
    written: dict[str, Any] = {
        "id": result.id,
        "status": result.status,
        "amount": None if result.amount is None else credits(result.amount),
    }
    return written if result.code is None else {**written, "code": result.code}


def _write_line(line: UsageLine) -> dict[str, Any]:
    return {
        "key": line.key,
        "calls": line.calls,
        "input_tokens": line.input_tokens,
        "output_tokens": line.output_tokens,
        "credits": credits(line.credits),
        "cost_usd": _dollars(line.cost_usd),
    }


def _write_row(row: UsageRow) -> dict[str, Any]:
    return {
        "id": row.id,
        "state": row.state,
        "action": row.action,
        "quantity": row.quantity,
        "units": row.units,
        "model": row.model,
        "input_tokens": row.input_tokens,
        "output_tokens": row.output_tokens,
        "influencer": row.influencer,
        "agent": row.agent,
        "thread": row.thread,
        "execution": row.execution,
        "reference": row.reference,
        "amount": credits(row.amount),
        "credits": credits(row.credits),
        "cost_usd": None if row.cost_usd is None else _dollars(row.cost_usd),
        "would_refuse": row.would_refuse,
        "failure": row.failure,
        "debit": row.debit,
        "occurred_at": time(row.occurred_at),
    }


def _dollars(amount: Decimal) -> int | Decimal:
    """As credits are written: `2`, `0.003`."""
    return int(amount) if amount == int(amount) else amount
