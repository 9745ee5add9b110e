"""Moving the clock: every due moment is visited in order, and the receiver sees each before the next."""

from __future__ import annotations

import logging

from sandbox.billing.due import next_due, run_due
from sandbox.world import World

log = logging.getLogger("sandbox.clock")


def advance_to(world: World, target: int, settle: bool = True) -> int:
    """Move virtual time to ``target``; returns the time reached.

    At each due moment the clock (and its file) is set first, then the work is done, then its webhooks are awaited
    for a bounded time. With ``settle`` the advance goes on past the target until renewals that have begun are
    finalized, so that "one month on" never stops within the hour in which invoices are drafts.
    """
    with world.advancing:
        while True:
            with world.turn():
                due = next_due(world, target)
                if due is None and settle:
                    target = max([target, *_ends_of_drafts(world)])
                    due = next_due(world, target)
                if due is None:
                    world.clock.step_to(target)
                    break
                world.clock.step_to(due.at)
                due.run()
            _await_webhooks(world)
    return world.now()


def tick(world: World) -> None:
    """Do what real time alone has made due."""
    if world.advancing.acquire(blocking=False):
        try:
            with world.turn():
                run_due(world)
        finally:
            world.advancing.release()


def _ends_of_drafts(world: World) -> list[int]:
    """When the drafts that are there will be finalized; one may say it began a second after its due moment."""
    return [
        invoice["automatically_finalizes_at"]
        for invoice in world.store.where("invoice", status="draft")
        if invoice["automatically_finalizes_at"] is not None
    ]


def _await_webhooks(world: World) -> None:
    if not world.sender.flush(world.settings.step_wait_seconds):
        log.warning("webhooks of this step were still under way after %s s", world.settings.step_wait_seconds)
