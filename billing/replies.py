"""One effect per Idempotency-Key, and the first answer again (R6, CONTRACT 3).

The key and its answer are one row, written in the transaction of the effect, and the database takes no second one:
twins at once wait for each other there. A call that goes to Stripe, where nothing can be undone, claims its key first.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NoReturn, cast

from sqlalchemy import ColumnElement, Table, delete, select, tuple_, update
from sqlalchemy.exc import IntegrityError

from billing import clock
from billing.db import connection, insert_if_new, transaction
from billing.errors import IdempotencyInProgress, IdempotencyKeyReused, SaldoError
from billing.models import Reply
from billing.statements import insert_into, write_later

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

    A key has one answer, which the database sees to: whoever comes second, at once or years later, has all undone
    that it did and gets the first's answer. So nobody else pays for looking. What ``run`` raises undoes everything
    too and is answered by ``refuse``. Raises ``IdempotencyKeyReused`` for a key that came with another request.
    """
    try:
        with transaction():
            answer = run()
            _remember(asked, answer)
        return answer
    except IntegrityError as error:
        return _had_before(asked) or _unexpected(error)
    except SaldoError as error:
        # What the first has changed may be why this one was refused: it is answered as the first all the same.
        known = _had_before(asked)
        if known is not None:
            return known
        answer = refuse(error)
    if answer.status in REMEMBERED_REFUSALS:
        try:
            with transaction():
                _remember(asked, answer)
        except IntegrityError as error:
            return _had_before(asked) or _unexpected(error)
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


def _remember(asked: Asked, answer: Answer) -> None:
    """Keep the answer with whatever the transaction writes next; a key that has one already ends it there."""
    row = {
        "app": asked.app,
        "call": asked.call,
        "key": asked.key,
        "request_hash": asked.request_hash,
        "status": answer.status,
        "body": answer.body,
        "leased_until": None,
        "kept_until": None if asked.for_ever else clock.wall_now() + KEPT_FOR,
    }
    write_later(connection(), insert_into(cast(Table, Reply.__table__)), [row])


def _had_before(asked: Asked) -> Answer | None:
    """The answer that the key has had, if any."""
    row = connection().execute(select(Reply.__table__).where(_is(asked))).first()
    if row is None:
        return None
    if row.request_hash != asked.request_hash:
        raise IdempotencyKeyReused()
    return Answer(row.status, row.body, replayed=True)


def _unexpected(error: IntegrityError) -> NoReturn:
    """The database refused something else than a second answer."""
    raise error


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
