"""`python3 run.py bench [NAME…] [--json] [--quick]`: measure, compare with floor and goal, and say so.

Exit 0: every figure reaches its floor. 1: one does not, or the books were wrong. 2: one could not be measured.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path
from typing import Any

from bench.postgresql import DISK, Postgresql, postgresql
from bench.rounds import FULL, QUICK, Effort, Figure, LeftOut
from bench.table import ROWS, Row


def main(arguments: list[str]) -> int:
    """Measure the names asked for, by default all; answers the exit status."""
    options = _read(arguments)
    rows = [row for row in ROWS if row.name in (options.name or [each.name for each in ROWS])]
    effort = QUICK if options.quick else FULL
    told: list[dict[str, Any]] = []
    status = 0
    with postgresql() as server:
        for row in rows:
            try:
                figure = _measure(row, server, effort)
            except LeftOut as reason:
                print(f"{row.name}: left out: {reason}", file=sys.stderr)
                status = 2
                continue
            except Exception as error:
                print(f"{row.name}: could not be measured: {type(error).__name__}: {error}", file=sys.stderr)
                status = 2
                continue
            for problem in figure.problems:
                print(f"FAIL {row.name}: {problem}", file=sys.stderr)
            if figure.problems or not row.reaches(figure.value, row.floor):
                status = max(status, 1)
            told.append(_told(row, figure))
            if not options.json:
                print(_line(row, figure), flush=True)
    if options.json:
        print(json.dumps(told))
    return status


def _read(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="run.py bench", description=__doc__)
    parser.add_argument("name", nargs="*", help="; ".join(row.name for row in ROWS))
    parser.add_argument("--json", action="store_true", help="for a program to read")
    parser.add_argument("--quick", action="store_true", help="few short rounds on little data: does it run at all?")
    options = parser.parse_args(arguments)
    unknown = set(options.name) - {row.name for row in ROWS}
    if unknown:
        parser.error(f"unknown: {', '.join(sorted(unknown))}")
    return options


def _measure(row: Row, server: Postgresql, effort: Effort) -> Figure:
    with tempfile.TemporaryDirectory(prefix="saldo-bench-", dir=DISK if DISK.is_dir() else None) as folder:
        return row.measure(server, Path(folder), effort)


def _told(row: Row, figure: Figure) -> dict[str, Any]:
    return {
        "name": row.name,
        "value": round(figure.value, 3),
        "floor": row.floor,
        "goal": row.goal,
        "rounds": [round(each, 3) for each in figure.rounds],
    }


def _line(row: Row, figure: Figure) -> str:
    reached = [name for name in ("goal", "floor") if row.reaches(figure.value, getattr(row, name))]
    word = "FAIL" if figure.problems else next(iter(reached), "below the floor")
    sign = "≤" if row.at_most else "≥"
    spread = f"{min(figure.rounds):.3g}–{max(figure.rounds):.3g}"
    return (
        f"{row.name:<26}{figure.value:>8.3g}  ({spread}, {len(figure.rounds)} rounds)"
        f"  floor {sign} {row.floor:g}, goal {sign} {row.goal:g}: {word}\n{'':<26}{figure.about}"
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
