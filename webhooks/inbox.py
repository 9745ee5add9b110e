"""Every event once: kept on arrival, and marked handled in the same transaction as its effect (I23).

An event that failed is not acknowledged; the next delivery, a replay or `retry_unfinished` runs it again. One that
is parked was acknowledged and waits, durably, for something staff must put right.
"""

from __future__ import annotations

import json
from datetime import timedelta

import structlog
from sqlalchemy import or_, select, update

from billing import clock, stripe_customers, stripe_gateway
from billing.db import db, insert_if_new, transaction
from billing.errors import NotFound
from billing.models import StripeEvent
from billing.stripe_facts import EventFacts, Malformed, fields, read_event
from billing.stripe_gateway import StripeNotFound
from billing.subscriptions import Overtaken
from webhooks import registry
from webhooks.outcome import Effect, Outcome

MAX_TRIES = 3
LEASE = timedelta(minutes=10)
"""How long an event may be in work before `retry_unfinished` takes it for abandoned."""

_log = structlog.get_logger(__name__)


def receive(event: EventFacts, payload: str) -> str:
    """Keep the event and run it: `done`, `duplicate`, `ignored` or `parked`, all of them committed.

    Raises whatever the handler raised, after noting the failure: the caller must not acknowledge then.
    """
    if _keep(event, payload) == "done":
        return "duplicate"
    return _run(event)


def replay(event_id: str) -> str:
    """Run an event again, whatever became of it: effects are exactly-once by business key (R6).

    One that never came in is read from Stripe, which keeps events for 30 days. Raises `NotFound`, `StripeUnavailable`.
    """
    row = db.session.get(StripeEvent, event_id)
    if row is not None:
        return _run(read_event(json.loads(row.payload)), again=True)
    try:
        payload = stripe_gateway.current().retrieve_event_payload(event_id)
    except StripeNotFound:
        raise NotFound() from None
    event = read_event(payload)
    _keep(event, json.dumps(payload, default=str))
    return _run(event, again=True)


def retry_unfinished(limit: int = 500) -> dict[str, str]:
    """Run failed, parked and abandoned events again, oldest first; what became of each, `failed` included."""
    abandoned = clock.wall_now() - LEASE
    ids = db.session.scalars(
        select(StripeEvent.id)
        .where(
            or_(
                StripeEvent.status.in_(("failed", "parked")),
                (StripeEvent.status == "received") & (StripeEvent.received_at < abandoned),
            )
        )
        .order_by(StripeEvent.created_at, StripeEvent.id)
        .limit(limit)
    ).all()
    results = {}
    for event_id in ids:
        try:
            results[event_id] = replay(event_id)
        except Exception as error:
            _log.error("webhook_failed", event_id=event_id, error=type(error).__name__)
            results[event_id] = "failed"
    return results


def _keep(event: EventFacts, payload: str) -> str:
    """Store the event if it is new; its status, also when it came before."""
    with transaction() as connection:
        new = connection.scalar(
            insert_if_new(StripeEvent)
            .values(
                id=event.id,
                type=event.type,
                object_id=event.object_id,
                status="received",
                attempts=0,
                payload=payload,
                created_at=event.created,
                received_at=clock.wall_now(),
            )
            .returning(StripeEvent.status)
        )
        return str(new or connection.scalar(select(StripeEvent.status).where(StripeEvent.id == event.id)))


def _run(event: EventFacts, again: bool = False) -> str:
    """Prepare and book, until nobody overtakes; on failure note it and raise."""
    for number in range(1, MAX_TRIES + 1):
        try:
            return _book(event, _prepare(event), again)
        except Overtaken:
            if number == MAX_TRIES:
                _note_failure(event, "Overtaken")
                raise
        except Exception as error:
            _note_failure(event, type(error).__name__)
            raise
    raise AssertionError("unreachable")


def _prepare(event: EventFacts) -> Effect:
    """The effect of an event; what is not for us is settled here, before anything is read from Stripe."""
    if event.account is not None:
        return lambda: Outcome("ignored", "of a connected account")
    if event.livemode != stripe_gateway.current().livemode:
        _log.warning("webhook_of_other_mode", event_id=event.id, livemode=event.livemode)
        return lambda: Outcome("ignored", "live mode" if event.livemode else "test mode")
    handler = registry.handler_of(event.type)
    if handler is None:
        return lambda: Outcome("ignored", "unhandled type")
    try:
        return handler.prepare(event)
    except Malformed as error:
        # Signed by Stripe, in a shape we cannot read: acknowledged and kept, until Saldo learns to.
        note = f"unreadable: {error}"
        return lambda: Outcome("parked", note)


def _book(event: EventFacts, effect: Effect, again: bool) -> str:
    """Run the effect and mark the event handled, both or neither; a twin that was faster makes it `duplicate`."""
    with transaction():
        row = db.session.get_one(StripeEvent, event.id, with_for_update=True, populate_existing=True)
        if row.status == "done" and not again:
            return "duplicate"
        outcome = effect()
        # Asked before the row changes: each question has the session write what it has so far.
        account_id = outcome.account_id or _account_of(event)
        row.status, row.account_id = outcome.status, account_id
        row.note = (outcome.note or "")[:500] or None
        row.attempts += 1
        row.handled_at = clock.wall_now()
    if outcome.status == "parked":
        _log.error("webhook_parked", event_id=event.id, type=event.type, note=outcome.note)
    return outcome.status


def _account_of(event: EventFacts) -> int | None:
    """Whose timeline the event belongs to."""
    source = event.object
    try:
        customer = fields.reference(source, "id" if source.get("object") == "customer" else "customer")
    except Malformed:
        return None
    return stripe_customers.account_of(customer)


def _note_failure(event: EventFacts, why: str) -> None:
    """Remember that the event failed, in a transaction of its own; where even that fails, Stripe remembers."""
    try:
        with transaction() as connection:
            connection.execute(
                update(StripeEvent)
                .where(StripeEvent.id == event.id, StripeEvent.status != "done")
                .values(status="failed", note=why[:500], attempts=StripeEvent.attempts + 1)
            )
    except Exception as error:
        _log.error("webhook_failure_not_noted", event_id=event.id, error=type(error).__name__)
