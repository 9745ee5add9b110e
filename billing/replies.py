"""One effect per Idempotency-Key, and the first answer again (R6, CONTRACT 3).

A request claims its key before it looks at anything else. Twins at once therefore wait for each other at the
key, and the second finds the first's answer; key after look would let both through.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, delete, select, tuple_, update

from billing import clock
from billing.db import connection, insert_if_new, transaction
from billing.errors import IdempotencyInProgress, IdempotencyKeyReused, SaldoError
from billing.models import Reply

KEPT_FOR = timedelta(days=30)
"""How long an answer is kept; those of debits and credits are kept for ever."""

LEASE = timedelta(seconds=90)
"""How long a request that calls Stripe counts as under way; each of its calls ends within 15 seconds."""

REMEMBERED_REFUSALS = (404, 422)
"""What is refused by these will be refused again; anything else may go differently the next time."""

SWEPT_AT_ONCE = 1000


@dataclass(frozen=True, slots=True)
class Asked:
    """A request: whose it is, which call (method and path), its key, and a hash of what it says."""

    app: str
    call: str
    key: str
    request_hash: bytes
    for_ever: bool = False


@dataclass(frozen=True, slots=True)
class Answer:
    """Status and body as they were first given; ``replayed`` tells that this is a repetition."""

    status: int
    body: str
    replayed: bool = False


Run = Callable[[], Answer]
Refuse = Callable[[SaldoError], Answer]


def once(asked: Asked, run: Run, refuse: Refuse) -> Answer:
    """Run what only touches the database, and remember its answer in the very transaction of its effect.

    A twin at once waits and gets the first's answer. What ``run`` raises undoes everything and is answered by
    ``refuse``. Raises ``IdempotencyKeyReused`` for a key that came with another request.
    """
    try:
        with transaction():
            known = _claim(asked)
            if known is not None:
                return known
            answer = run()
            _keep(asked, answer)
            return answer
    except IdempotencyKeyReused:
        raise
    except SaldoError as error:
        answer = refuse(error)
    if answer.status not in REMEMBERED_REFUSALS:
        return answer
    with transaction():
        known = _claim(asked)
        if known is not None:
            return known
        _keep(asked, answer)
    return answer


def once_beyond_the_database(asked: Asked, run: Run, refuse: Refuse) -> Answer:
    """Run what calls Stripe, where no transaction may stay open: the key is leased meanwhile.

    If this process dies, the lease ends and the request may be sent again; what it did is found by the business
    keys of the verbs themselves. Raises ``IdempotencyInProgress`` while a twin is under way, and
    ``IdempotencyKeyReused``.
    """
    with transaction():
        known = _claim(asked, leased_until=clock.wall_now() + LEASE)
    if known is not None:
        return known
    try:
        answer = run()
    except SaldoError as error:
        answer = refuse(error)
    except BaseException:
        _release(asked)
        raise
    if answer.status >= 400 and answer.status not in REMEMBERED_REFUSALS:
        _release(asked)
    else:
        with transaction():
            _keep(asked, answer)
    return answer


def forget_old() -> int:
    """Delete answers that have been kept long enough; how many. For the worker."""
    forgotten = 0
    while True:
        with transaction():
            keys = select(Reply.app, Reply.call, Reply.key).where(Reply.kept_until <= clock.wall_now())
            old = [tuple(row) for row in connection().execute(keys.limit(SWEPT_AT_ONCE))]
            if not old:
                return forgotten
            connection().execute(delete(Reply).where(tuple_(Reply.app, Reply.call, Reply.key).in_(old)))
        forgotten += len(old)


def _claim(asked: Asked, leased_until: datetime | None = None) -> Answer | None:
    """Take the key for this request; the answer that it has had already, if any."""
    if _is_new(asked, leased_until):
        return None
    row = connection().execute(select(Reply.__table__).where(_is(asked)).with_for_update()).first()
    if row is None:  # released between the two statements
        return _claim(asked, leased_until)
    if row.request_hash != asked.request_hash:
        raise IdempotencyKeyReused()
    if row.status is not None:
        return Answer(row.status, row.body, replayed=True)
    if row.leased_until > clock.wall_now():
        raise IdempotencyInProgress()
    connection().execute(update(Reply).where(_is(asked)).values(leased_until=leased_until))
    return None


def _is_new(asked: Asked, leased_until: datetime | None) -> bool:
    claimed = connection().execute(
        insert_if_new(Reply)
        .values(
            app=asked.app,
            call=asked.call,
            key=asked.key,
            request_hash=asked.request_hash,
            leased_until=leased_until,
            kept_until=None if asked.for_ever else clock.wall_now() + KEPT_FOR,
        )
        .returning(Reply.key)
    )
    return claimed.first() is not None


def _keep(asked: Asked, answer: Answer) -> None:
    connection().execute(
        update(Reply)
        .where(_is(asked), Reply.status.is_(None))
        .values(status=answer.status, body=answer.body, leased_until=None)
    )


def _release(asked: Asked) -> None:
    """Let the same key be tried again."""
    with transaction():
        connection().execute(delete(Reply).where(_is(asked), Reply.status.is_(None)))


def _is(asked: Asked) -> ColumnElement[bool]:
    return (Reply.app == asked.app) & (Reply.call == asked.call) & (Reply.key == asked.key)
