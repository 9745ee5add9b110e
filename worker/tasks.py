"""What there is to do again and again: how to find what is due, and the rule that does it.

Everything here may run in several workers at once, and beside the server: each rule locks what it works on and does
nothing twice.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import select

from billing import (
    accounts,
    attempts,
    catalog_sync,
    clock,
    erasure,
    events,
    links,
    mails,
    quotes,
    reconcile,
    refunds,
    replies,
)
from billing.db import connection, transaction
from billing.models import Account
from webhooks import inbox
from worker.mails import send

MAX_ACCOUNTS = 500
"""How many accounts one round takes on, so that a backlog does not keep other work waiting."""


@dataclass(frozen=True, slots=True)
class Task:
    """Work that comes again: every so often `find` names what is due (ids only), and `do` does one of them.

    `do` answers whether the item is finished; one that is not is left alone for longer and longer.
    """

    name: str
    every: timedelta
    find: Callable[[], Iterable[int | str]]
    do: Callable[[int | str], bool]


def _due_accounts() -> list[int]:
    """Accounts on which something ends, comes or expires by now (R5)."""
    query = (
        select(Account.account_id)
        .where(Account.next_due_at <= clock.now())
        .order_by(Account.next_due_at)
        .limit(MAX_ACCOUNTS)
    )
    return list(connection().scalars(query))


def _book_due(account_id: int | str) -> bool:
    accounts.ensure_up_to_date(int(account_id))
    return True


def _finish_refund(refund_id: int | str) -> bool:
    return refunds.resume_refund(str(refund_id)).status not in ("pending", "requires_action")


def _due_events() -> list[str]:
    # The inbox tells time by the real clock: a test clock must not make it give up on an event.
    return events.events_to_retry(clock.wall_now())


def _replay_event(event_id: int | str) -> bool:
    inbox.replay(str(event_id))
    return True


def _reconcile(_name: int | str) -> bool:
    reconcile.reconcile()
    return True


def _send_mail(mail_id: int | str) -> bool:
    return send(int(mail_id))


def _forget(_name: int | str) -> bool:
    """What is over: links, mails long sent, attempts long ago, and what Stripe still told of who was erased."""
    attempts.forget_attempts()
    with transaction():
        links.forget_links()
        mails.forget_mails()
    erasure.erase_late_events()
    return True


def _erase_at_stripe(account_id: int | str) -> bool:
    return erasure.erase_at_stripe(int(account_id))


def _forget_replies(_name: int | str) -> bool:
    replies.forget_old()
    quotes.forget_old(clock.now())
    return True


def _unsynced_influencers() -> list[str]:
    return ["stripe"] if catalog_sync.unsynced_tiers() else []


def _sync_influencers(_name: int | str) -> bool:
    catalog_sync.sync_added_influencers()
    return True


TASKS = (
    Task("book what is due", timedelta(seconds=5), _due_accounts, _book_due),
    Task("finish refunds", timedelta(seconds=30), refunds.pending_refunds, _finish_refund),
    Task("retry events", timedelta(seconds=30), _due_events, _replay_event),
    Task("send mail", timedelta(seconds=2), mails.due_mails, _send_mail),
    Task("finish erasures", timedelta(minutes=1), erasure.unfinished_erasures, _erase_at_stripe),
    Task("forget old links", timedelta(hours=1), lambda: ["links"], _forget),
    Task("forget old replies and quotes", timedelta(hours=1), lambda: ["replies"], _forget_replies),
    Task("put new tiers to Stripe", timedelta(seconds=10), _unsynced_influencers, _sync_influencers),
    Task("reconcile", timedelta(hours=1), lambda: ["stripe"], _reconcile),
)
