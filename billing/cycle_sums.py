"""What paid invoice lines are worth in credits (R9); pure arithmetic, so that any order of arrival ends alike."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction

from billing.models import Price
from billing.money import MICRO
from billing.stripe_facts import LineFacts


@dataclass(frozen=True, slots=True)
class CycleLine:
    """One paid line in its cycle; ``worth`` in micro-credits, negative for a proration that gives back."""

    line_id: str
    starts_at: datetime
    worth: int


def kind_of(line: LineFacts, price: Price) -> str:
    """``proration``, ``trial`` (a line of amount 0 that no discount explains) or ``full``."""
    if line.proration:
        return "proration"
    return "trial" if is_on_trial(line, price) else "full"


def is_on_trial(line: LineFacts, price: Price) -> bool:
    """Whether the line cost nothing, and no discount and no price of nothing explains it."""
    return line.amount == 0 and not line.discounted and line.quantity > 0 and price.amount_minor > 0


def units(line: LineFacts, price: Price) -> int:
    """How many times the price's credits: by seat, or once; a quantity of 0 is worth nothing."""
    return line.quantity if price.per_seat else min(line.quantity, 1)


def worth(line: LineFacts, price: Price, cycle_starts_at: datetime, cycle_ends_at: datetime) -> int:
    """Micro-credits the line stands for: a full line N, a proration ± N × its length / its cycle's length."""
    if is_on_trial(line, price):
        # A change on trial makes no difference.
        return 0 if line.proration else price.trial_credits
    full = price.credits * units(line, price)
    if not line.proration:
        return full
    length = (cycle_ends_at - max(line.period_start, cycle_starts_at)).total_seconds()
    share = Fraction(int(length), int((cycle_ends_at - cycle_starts_at).total_seconds()))
    share = min(max(share, Fraction(0)), Fraction(1))
    signed = -full if line.amount < 0 else full
    return _half_up(signed * share)


def rolled_over(amount: int, price: Price) -> int:
    """The part of a grant that lives for one cycle more (R10), in whole credits."""
    return amount * price.rollover_percent // 100 // MICRO * MICRO


def contributions(lines: Sequence[CycleLine]) -> dict[str, int]:
    """What each line grants: what lifts the running sum above its highest so far, in whole credits.

    The sum runs in the order of the lines' start, what gives back before what gives at the same moment. Where the
    cycle is a month that a year grants by itself, it counts from that.
    """
    total = highest = 0
    granted = {}
    for line in sorted(lines, key=lambda line: (line.starts_at, line.worth, line.line_id)):
        total += line.worth
        before, highest = highest, max(highest, total)
        granted[line.line_id] = whole_credits(highest) - whole_credits(before)
    return granted


def whole_credits(amount: int) -> int:
    """Micro-credits rounded half up to whole credits."""
    return _half_up(Fraction(amount, MICRO)) * MICRO


def _half_up(value: Fraction | int) -> int:
    value = Fraction(value)
    return (2 * value.numerator + value.denominator) // (2 * value.denominator)
