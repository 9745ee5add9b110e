"""Counters of what the server does, one set for all its workers, written out as Prometheus reads them.

gunicorn's master imports this module before it forks, so that its workers share the memory below. Each writes a row
of its own, so none waits for another; whoever is asked adds the rows up. A worker that takes a dead one's place takes
over its row with all that was counted. Labels are fixed words: nothing of a request, no id and no name gets in here.
"""

from __future__ import annotations

import mmap
import threading
from bisect import bisect_left
from collections.abc import Iterator, Mapping
from functools import cache
from itertools import product

DOORS = ("api", "pages", "staff", "webhooks", "other")
STATUSES = ("2xx", "3xx", "4xx", "5xx")
REFUSALS = ("missing", "malformed", "mismatch", "out_of_tolerance", "unreadable")
BUCKETS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)
"""Seconds; what took longer than the last counts as `+Inf`."""
_BOUNDS = (*map(str, BUCKETS), "+Inf")

ROWS = 130
"""Twice the most workers that can be configured, for while they are replaced, and one for who has not forked."""

COUNTERS: Mapping[str, tuple[str, Mapping[str, tuple[str, ...]]]] = {
    "saldo_requests_total": ("Requests answered.", {"door": DOORS, "status": STATUSES}),
    "saldo_rate_limited_total": ("API calls refused because a key or address was over its limit.", {}),
    "saldo_webhooks_refused_total": ("Webhooks refused as not Stripe's, by cause.", {"why": REFUSALS}),
}
SECONDS = "saldo_request_seconds"


def _series(name: str, labels: Mapping[str, str]) -> str:
    inside = ",".join(f'{label}="{value}"' for label, value in labels.items())
    return f"{name}{{{inside}}}" if inside else name


def _all_series() -> Iterator[str]:
    for name, (_, labels) in COUNTERS.items():
        for values in product(*labels.values()):
            yield _series(name, dict(zip(labels, values, strict=True)))
    for door in DOORS:
        for bound in _BOUNDS:
            yield _series(f"{SECONDS}_bucket", {"door": door, "le": bound})
        yield _series(f"{SECONDS}_sum", {"door": door})


_PLACE = {series: place for place, series in enumerate(_all_series())}


@cache  # to spell a name out takes longer than to count
def _place(name: str, **labels: str) -> int:
    return _PLACE[_series(name, labels)]


# Anonymous and shared: a forked worker writes where its master and its siblings read.
_cells = memoryview(mmap.mmap(-1, ROWS * len(_PLACE) * 8)).cast("d")
_row = ROWS - 1
_lock = threading.Lock()


def use_row(row: int) -> None:
    """Count in this row from now on; gunicorn gives each of its workers another one."""
    global _row
    _row = row


def free_row(taken: set[int]) -> int:
    """The first row that nobody of `taken` writes."""
    return next(row for row in range(ROWS) if row not in taken)


def count(name: str, amount: float = 1, **labels: str) -> None:
    """Add to a counter; raises `KeyError` for a name or label that is not one of the fixed ones."""
    place = _row * len(_PLACE) + _place(name, **labels)
    with _lock:
        _cells[place] += amount


def observe_request(door: str, status: int, seconds: float) -> None:
    """One request answered by a door, with its status and how long it took."""
    count("saldo_requests_total", door=door, status=f"{status // 100}xx")
    bound = _BOUNDS[bisect_left(BUCKETS, seconds)]
    count(f"{SECONDS}_bucket", door=door, le=bound)
    count(f"{SECONDS}_sum", seconds, door=door)


def total(name: str, **labels: str) -> float:
    """What all workers together have counted in one series."""
    place = _place(name, **labels)
    return sum(_cells[row * len(_PLACE) + place] for row in range(ROWS))


def exposition() -> str:
    """All counters in Prometheus's text format, version 0.0.4."""
    lines: list[str] = []
    for name, (words, labels) in COUNTERS.items():
        lines += [f"# HELP {name} {words}", f"# TYPE {name} counter"]
        for values in product(*labels.values()):
            series = dict(zip(labels, values, strict=True))
            lines.append(sample(name, total(name, **series), **series))
    lines += [f"# HELP {SECONDS} Time to answer, by door.", f"# TYPE {SECONDS} histogram"]
    for door in DOORS:
        reached = 0.0
        for bound in _BOUNDS:
            reached += total(f"{SECONDS}_bucket", door=door, le=bound)
            lines.append(sample(f"{SECONDS}_bucket", reached, door=door, le=bound))
        lines.append(sample(f"{SECONDS}_sum", total(f"{SECONDS}_sum", door=door), door=door))
        lines.append(sample(f"{SECONDS}_count", reached, door=door))
    name = "saldo_worker_requests_total"
    lines += [f"# HELP {name} Requests answered, by worker.", f"# TYPE {name} counter"]
    lines += [sample(name, answered, worker=str(row)) for row in range(ROWS) if (answered := _answered(row))]
    return "\n".join(lines) + "\n"


def sample(name: str, value: float, **labels: str) -> str:
    """One line of the format: whole numbers as such."""
    return f"{_series(name, labels)} {int(value) if value == int(value) else value!r}"


def _answered(row: int) -> float:
    name, labels = "saldo_requests_total", product(DOORS, STATUSES)
    return sum(_cells[row * len(_PLACE) + _PLACE[_series(name, {"door": d, "status": s})]] for d, s in labels)
