"""Screening ahead: while one batch of accounts is replayed, PostgreSQL looks at the next on connections of its own."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from itertools import chain
from queue import SimpleQueue

from sqlalchemy.engine import Connection

from billing.db import snapshot
from billing.ledger.invariants.screening import entries_to_replay

READERS = 2
"""How many batches are looked at at once, each on one core of the database's machine."""

Batch = list[int]
ToReplay = dict[int, list[int]]


def screen(connection: Connection, batches: Iterator[Batch]) -> Iterator[tuple[Batch, ToReplay]]:
    """Each batch of accounts with what `entries_to_replay` says of it, in their order; PostgreSQL only.

    If there is one batch only, it is asked on this connection; else this has to be that of a ``snapshot()``.
    """
    first, second = next(batches, None), next(batches, None)
    if first is None:
        return
    if second is None:
        yield first, entries_to_replay(connection, first)
        return
    with ExitStack() as stack:
        idle: SimpleQueue[Connection] = SimpleQueue()
        for _ in range(READERS):
            idle.put(stack.enter_context(snapshot(like=connection)))
        threads = stack.enter_context(ThreadPoolExecutor(READERS))

        def look_at(batch: Batch) -> ToReplay:
            reader = idle.get()
            try:
                return entries_to_replay(reader, batch)
            finally:
                idle.put(reader)

        under_way: deque[tuple[Batch, Future[ToReplay]]] = deque()
        for batch in chain((first, second), batches):
            under_way.append((batch, threads.submit(look_at, batch)))
            if len(under_way) > READERS:
                yield _answered(under_way)
        while under_way:
            yield _answered(under_way)


def _answered(under_way: deque[tuple[Batch, Future[ToReplay]]]) -> tuple[Batch, ToReplay]:
    batch, answer = under_way.popleft()
    return batch, answer.result()
