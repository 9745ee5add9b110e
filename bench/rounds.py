"""Measuring in pairs, A/B/A/B, and what comes of it: the median of the ratios and how far they lie apart."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from statistics import median


class LeftOut(Exception):
    """A figure that cannot be had here; the text says why. It is left out, never made up."""


@dataclass(frozen=True, slots=True)
class Effort:
    """How much is measured: `rounds` pairs of `seconds` each, after a warm-up; `scale` shrinks amounts of data."""

    rounds: int
    seconds: float
    scale: float


FULL = Effort(rounds=7, seconds=4, scale=1)
QUICK = Effort(rounds=2, seconds=0.5, scale=0.02)


@dataclass(frozen=True, slots=True)
class Figure:
    """One ratio (or size): the median of its rounds. `about` says in words what the two sides did."""

    rounds: list[float]
    about: str
    problems: list[str] = field(default_factory=list)

    @property
    def value(self) -> float:
        """The median."""
        return median(self.rounds)


def in_turn(
    effort: Effort, first: Callable[[float], float], second: Callable[[float], float]
) -> list[tuple[float, ...]]:
    """What both measured in each round. Who begins changes from round to round, so that no drift favours one."""
    for side in (first, second):  # connections, prepared statements and caches are there before anything counts
        side(effort.seconds / 2)
    pairs = []
    for number in range(effort.rounds):
        if number % 2:
            later = second(effort.seconds)
            pairs.append((first(effort.seconds), later))
        else:
            pairs.append((first(effort.seconds), second(effort.seconds)))
    return pairs


def ratios(pairs: list[tuple[float, ...]], about: str, problems: list[str]) -> Figure:
    """The figure first ÷ second of each pair; `about` holds two places for the medians of both sides."""
    firsts, seconds = zip(*pairs, strict=True)
    return Figure([a / b for a, b in pairs], about.format(median(firsts), median(seconds)), problems)
