"""What is due, in the order in which it falls due."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

from sandbox.billing import invoicing, lines, renewing, schedules
from sandbox.billing.collecting import collect
from sandbox.billing.ending import end_subscription
from sandbox.billing.starting import TRIAL_NOTICE_SECONDS
from sandbox.checkout.paying import expire, settle
from sandbox.events import emit, emit_updated
from sandbox.store import Obj
from sandbox.world import World


class Due(NamedTuple):
    """One piece of work; of several at the same second, the lower rank goes first."""

    at: int
    rank: int
    run: Callable[[], object]


def next_due(world: World, until: int) -> Due | None:
    """The earliest work that falls due by ``until``, or ``None``."""
    found = [due for due in _all(world) if due.at <= until]
    return min(found, key=lambda due: due[:2], default=None)


def run_due(world: World) -> None:
    """Do everything that is due now. The caller holds the world's turn."""
    while (due := next_due(world, world.now())) is not None:
        due.run()


def _all(world: World) -> Iterator[Due]:
    for session in world.store.where("checkout.session", status="open"):
        yield Due(session["expires_at"], 0, lambda s=session: expire(world, s))  # type: ignore[misc]
    for session in world.store.where("checkout.session", status="complete", payment_status="unpaid"):
        if session.get("_settles_at"):
            yield Due(session["_settles_at"], 8, lambda s=session: settle(world, s, "succeeded"))  # type: ignore[misc]
    for subscription in world.store.all("subscription"):
        if subscription["ended_at"] is None:
            yield from _of_subscription(world, subscription)
    for invoice in world.store.all("invoice"):
        yield from _of_invoice(world, invoice)


def _of_subscription(world: World, subscription: Obj) -> Iterator[Due]:
    if subscription["status"] == "incomplete":
        if not _processing(world, subscription):
            expires_at = subscription["created"] + world.settings.incomplete_expires_after_seconds
            yield Due(expires_at, 7, lambda: end_subscription(world, subscription, None, status="incomplete_expired"))
        return
    end = lines.period_end(world, subscription)
    if subscription["status"] == "trialing" and not subscription["_trial_notice_sent"]:
        yield Due(subscription["trial_end"] - TRIAL_NOTICE_SECONDS, 1, lambda: _announce_trial_end(world, subscription))
    if subscription["cancel_at"] is not None:
        yield Due(subscription["cancel_at"], 2, lambda: end_subscription(world, subscription, "cancellation_requested"))
    schedule = world.store.get("subscription_schedule", subscription["schedule"] or "")
    turn_at = schedules.next_turn(schedule) if schedule else None
    if schedule is not None and turn_at is not None:
        yield Due(turn_at, 3, lambda: schedules.turn(world, schedule, turn_at))
    pending = subscription["pending_update"]
    if pending is not None:
        yield Due(pending["expires_at"], 4, lambda: _expire_pending(world, subscription))
    pause = subscription["pause_collection"]
    if pause is not None and pause["resumes_at"] is not None:
        yield Due(
            pause["resumes_at"],
            4,
            lambda: emit_updated(world, "customer.subscription.updated", subscription, pause_collection=None),
        )
    yield Due(end, 5, lambda: renewing.renew(world, subscription, end))


def _of_invoice(world: World, invoice: Obj) -> Iterator[Due]:
    if invoice["status"] == "draft" and invoice["automatically_finalizes_at"] is not None:
        yield Due(invoice["automatically_finalizes_at"], 6, lambda: renewing.finish_draft(world, invoice))
    if invoice["status"] == "open" and invoice["next_payment_attempt"] is not None:
        yield Due(invoice["next_payment_attempt"], 7, lambda: collect(world, invoice))


def _processing(world: World, subscription: Obj) -> bool:
    payment = invoicing.payment_of(world, world.need("invoice", subscription["latest_invoice"]))
    if payment is None:
        return False
    return bool(world.need("payment_intent", payment["payment"]["payment_intent"])["status"] == "processing")


def _announce_trial_end(world: World, subscription: Obj) -> None:
    world.store.update(subscription, _trial_notice_sent=True)
    emit(world, "customer.subscription.trial_will_end", subscription)


def _expire_pending(world: World, subscription: Obj) -> None:
    """The invoice of a pending update was not paid in time: drop both."""
    invoice = world.need("invoice", subscription["_pending"]["invoice"])
    if invoice["status"] == "open":
        invoicing.void(world, invoice)
    world.store.update(subscription, pending_update=None, _pending=None)
    emit(world, "customer.subscription.pending_update_expired", subscription)
