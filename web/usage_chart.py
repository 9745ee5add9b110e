"""Stacked bars as figures for a drawing: one bar a day, one colour for each of the biggest parts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from billing.usage_report import DayUse
from billing.usage_sums import Sums

COLOURS = 6
"""So many parts have a colour of their own; all others share one more."""

HEIGHT = 100
"""The height of the highest bar, in the drawing's own measure; a day is 10 wide."""

DAY_WIDTH = 10
BAR_WIDTH = 8


Measure = Callable[[Sums], int]


@dataclass(frozen=True, slots=True)
class Part:
    """What all uses with one trait came to; `colour` counts from 0, the biggest first."""

    key: str | None
    sums: Sums
    colour: int


@dataclass(frozen=True, slots=True)
class Block:
    """One coloured piece of a bar."""

    colour: int
    x: float
    y: float
    height: float


@dataclass(frozen=True, slots=True)
class Bar:
    """One day: its sums, its pieces from the bottom up."""

    day: date
    sums: Sums
    x: float
    blocks: list[Block]


@dataclass(frozen=True, slots=True)
class Chart:
    """All of it. `counts_calls`: the bars count uses, because none of them has cost anything."""

    parts: list[Part]
    bars: list[Bar]
    total: Sums
    counts_calls: bool
    highest: int

    @property
    def width(self) -> int:
        """The drawing's width in its own measure."""
        return len(self.bars) * DAY_WIDTH


def build_chart(uses: Sequence[DayUse], first: date, last: date) -> Chart:
    """The chart of these uses, with a bar for each day from `first` to `last`, also for those without any."""
    by_key: dict[str | None, Sums] = {}
    by_day: dict[date, dict[str | None, Sums]] = {}
    for use in uses:
        by_key[use.key] = by_key.get(use.key, Sums()) + use.sums
        by_day.setdefault(use.day, {})[use.key] = use.sums
    total = sum(by_key.values(), Sums())
    counts_calls = not total.credits

    def measure(sums: Sums) -> int:
        return sums.calls if counts_calls else sums.credits

    ranked = sorted(by_key.items(), key=lambda item: (-measure(item[1]), item[0] or ""))
    parts = [Part(key, sums, min(rank, COLOURS)) for rank, (key, sums) in enumerate(ranked)]
    highest = max((sum(map(measure, keys.values())) for keys in by_day.values()), default=0)
    days = [first + timedelta(days=number) for number in range((last - first).days + 1)]
    bars = [_bar(number, day, by_day.get(day, {}), parts, measure, highest) for number, day in enumerate(days)]
    return Chart(parts, bars, total, counts_calls, highest)


def _bar(
    number: int, day: date, keys: dict[str | None, Sums], parts: list[Part], measure: Measure, highest: int
) -> Bar:
    x = number * DAY_WIDTH + (DAY_WIDTH - BAR_WIDTH) / 2
    top, blocks = float(HEIGHT), []
    for part in parts:
        size = measure(keys[part.key]) if part.key in keys else 0
        if size > 0:
            height = HEIGHT * size / highest
            top -= height
            blocks.append(Block(part.colour, x, round(top, 3), round(height, 3)))
    return Bar(day, sum(keys.values(), Sums()), x, blocks)
