"""Several statements in one trip to PostgreSQL: the pipeline of libpq itself, for the hot path (ADR 0011).

The driver has a pipeline of its own, which sends each statement as it comes and keeps books on each: most of what a
debit cost. Here all leave together. Values are converted, answers awaited and read and errors made by the driver's own
parts; a statement is prepared when a connection first runs it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from psycopg import Connection, errors, generators, pq
from psycopg.abc import PQGen
from psycopg.adapt import PyFormat, Transformer

MOST_PREPARED = 300
"""Statements that one connection keeps prepared; batches of any length make many, and each costs memory there."""

Sent = tuple[str, Sequence[Any]]
"""A statement's text, its parameters as `$1`, and their values."""

_DONE = (pq.ExecStatus.TUPLES_OK, pq.ExecStatus.COMMAND_OK)
_Key = tuple[str, tuple[int, ...]]


@dataclass(slots=True)
class Prepared:
    """What one connection has prepared: the names by text and types of the values."""

    names: dict[_Key, bytes] = field(default_factory=dict)
    made: int = 0

    def name(self, key: _Key) -> bytes:
        """A new name, never one that stands for something else."""
        self.made += 1
        self.names[key] = b"saldo_%d" % self.made
        return self.names[key]


def run(
    driver: Connection[Any], prepared: Prepared, statements: Sequence[Sent], *, commit: bool = False
) -> list[list[Any]]:
    """The rows of each of these statements, run one after the other in one trip; with `commit` they are committed.

    Begins a transaction unless one is open or the connection is to have none. Raises the driver's errors, that of the
    first statement that failed: after it none was run, and nothing is committed.
    """
    with driver.lock:
        return driver.wait(_run(driver, prepared, statements, commit))


def _run(
    driver: Connection[Any], prepared: Prepared, statements: Sequence[Sent], commit: bool
) -> PQGen[list[list[Any]]]:
    wire = driver.pgconn
    if wire.status != pq.ConnStatus.OK:
        raise errors.OperationalError("the connection is closed")
    values = Transformer(driver)
    fresh: list[_Key] = []
    whose: list[int | None] = []  # which statement each answer is of, or None for what is not asked for
    answers: list[pq.abc.PGresult] = []
    wire.enter_pipeline_mode()
    try:
        if not driver.autocommit and wire.transaction_status == pq.TransactionStatus.IDLE:
            wire.send_query_params(_begin(driver), None)
            whose.append(None)
        for number, (text, parameters) in enumerate(statements):
            bound = values.dump_sequence(parameters, [PyFormat.AUTO] * len(parameters))
            types = values.types or ()
            name = prepared.names.get((text, types))
            if name is None and len(prepared.names) < MOST_PREPARED:
                fresh.append((text, types))
                name = prepared.name((text, types))
                wire.send_prepare(name, text.encode(), types)
                whose.append(None)
            if name is None:
                wire.send_query_params(text.encode(), bound, types, values.formats)
            else:
                wire.send_query_prepared(name, bound, values.formats)
            whose.append(number)
        if commit:
            wire.send_query_params(b"COMMIT", None)
            whose.append(None)
        wire.pipeline_sync()
        yield from generators.send(wire)
        for _ in whose:
            answers += yield from generators.fetch_many(wire)
        yield from generators.fetch_many(wire)  # that all have been answered
        wire.exit_pipeline_mode()
    except BaseException:
        driver.close()  # nobody could tell what the next answer would be of
        raise
    failed = next((answer for answer in answers if answer.status not in _DONE), None)
    if failed is not None:
        for key in fresh:
            del prepared.names[key]
        raise errors.error_from_result(failed, encoding=driver.info.encoding)
    rows: list[list[Any]] = [[] for _ in statements]
    for asked, answer in zip(whose, answers, strict=True):
        if asked is not None and answer.nfields:
            values.set_pgresult(answer)
            rows[asked] = values.load_rows(0, answer.ntuples, tuple)
    return rows


def _begin(driver: Connection[Any]) -> bytes:
    """What begins a transaction as this connection wants it."""
    words = ["BEGIN"]
    if driver.isolation_level is not None:
        words += ["ISOLATION LEVEL", driver.isolation_level.name.replace("_", " ")]
    if driver.read_only:
        words.append("READ ONLY")
    return " ".join(words).encode()
