"""What an action costs, and how prices compare. Pure: a catalog and numbers in, micro-credits out.

Everything is exact until one rounding at the very end, half up to a micro-credit (R1).
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Protocol

from billing.catalog import Action, ActionKind, Catalog, ModelPrice, Pack, Plan, Step
from billing.errors import UnitOutOfRange, UnknownAction
from billing.money import MAX_MOVE, MICRO, format_credits_plain, round_half_up

NO_OVERRIDE = ModelPrice()


@dataclass(frozen=True, slots=True)
class Priced:
    """What an action costs, and the parts that explain it to people; `amount_micro` is what is charged.

    It is `quantity` times `cost_each_micro`. For `per_unit` that is the cost of `blocks` times `per` units
    begun; for `steps` the cost of the step that goes `up_to` so many units. For `tokens` only the whole is
    rounded, so there is no cost each; `cost_usd` is what the model's maker asks, before markup.
    """

    amount_micro: int
    action: str
    kind: ActionKind
    quantity: int
    model: str | None = None
    cost_each_micro: int | None = None
    unit: str | None = None
    units: int | None = None
    per: int | None = None
    blocks: int | None = None
    up_to: int | None = None
    input_tokens: int | None = None
    output_tokens: int | None = None
    cost_usd: Fraction | None = None


class Work(Protocol):
    """What is priced: an order before it is done, or the record of a job after it."""

    @property
    def action(self) -> str | None: ...
    @property
    def quantity(self) -> int: ...
    @property
    def units(self) -> int | None: ...
    @property
    def model(self) -> str | None: ...
    @property
    def input_tokens(self) -> int | None: ...
    @property
    def output_tokens(self) -> int | None: ...


def price_work(catalog: Catalog, work: Work) -> Priced:
    """The price of work on an action, by all that is measured of it; raises what ``price_action`` raises."""
    assert work.action is not None
    return price_action(
        catalog,
        work.action,
        quantity=work.quantity,
        units=work.units,
        model=work.model,
        input_tokens=work.input_tokens,
        output_tokens=work.output_tokens,
    )


def price_action(
    catalog: Catalog,
    action_id: str,
    *,
    quantity: int = 1,
    units: int | None = None,
    model: str | None = None,
    input_tokens: int | None = None,
    output_tokens: int | None = None,
) -> Priced:
    """The price of doing an action `quantity` times, by the catalog's price list.

    `units` (seconds, characters…) are those of one time, and needed for `per_unit` and `steps`; tokens for
    `tokens`, where a missing count is 0. A model without a price of its own costs what the action costs, but
    for tokens, which only a model prices. Numbers that a kind does not need are not looked at.

    Raises `UnknownAction` for an action or token model that the catalog does not price, and `UnitOutOfRange`
    when a number is missing, not positive, beyond the catalog's last step or maximum, or makes more than one
    call may move.
    """
    action = catalog.action(action_id)
    if quantity < 1:
        raise UnitOutOfRange("quantity: expected 1 or more")
    priced = _price(catalog, action, quantity, units, model, input_tokens, output_tokens)
    if priced.amount_micro > MAX_MOVE:
        most = format_credits_plain(MAX_MOVE)
        raise UnitOutOfRange(f"this would cost more than the {most} credits that one call may move")
    return priced


def _price(
    catalog: Catalog,
    action: Action,
    quantity: int,
    units: int | None,
    model: str | None,
    input_tokens: int | None,
    output_tokens: int | None,
) -> Priced:
    if action.kind == "tokens":
        return _price_tokens(catalog, action, quantity, model, input_tokens, output_tokens)
    override = action.models.get(model, NO_OVERRIDE) if model is not None else NO_OVERRIDE
    cost = action.cost if override.cost is None else override.cost
    if action.kind == "flat":
        return Priced(cost * quantity, action.id, "flat", quantity, model=model, cost_each_micro=cost)
    units = _require_units(action, units)
    if action.kind == "steps":
        step = _find_step(action, override.steps or action.steps, units)
        return Priced(
            step.cost * quantity,
            action.id,
            "steps",
            quantity,
            model=model,
            cost_each_micro=step.cost,
            unit=action.unit,
            units=units,
            up_to=step.up_to,
        )
    if action.max_units is not None and units > action.max_units:
        raise UnitOutOfRange(f"units: expected at most {action.max_units} ({action.unit})")
    blocks = -(-units // action.per)  # a block begun is a block paid
    return Priced(
        cost * blocks * quantity,
        action.id,
        "per_unit",
        quantity,
        model=model,
        cost_each_micro=cost * blocks,
        unit=action.unit,
        units=units,
        per=action.per,
        blocks=blocks,
    )


def _require_units(action: Action, units: int | None) -> int:
    if units is None or units < 1:
        raise UnitOutOfRange(f"units: expected 1 or more ({action.unit})")
    return units


def _find_step(action: Action, steps: tuple[Step, ...], units: int) -> Step:
    for step in steps:
        if units <= step.up_to:
            return step
    raise UnitOutOfRange(f"units: expected at most {steps[-1].up_to} ({action.unit})")


def _price_tokens(
    catalog: Catalog,
    action: Action,
    quantity: int,
    model: str | None,
    input_tokens: int | None,
    output_tokens: int | None,
) -> Priced:
    if input_tokens is None and output_tokens is None:
        raise UnitOutOfRange("input_tokens, output_tokens: expected at least one of them")
    tokens_in, tokens_out = input_tokens or 0, output_tokens or 0
    if tokens_in < 0 or tokens_out < 0:
        raise UnitOutOfRange("input_tokens, output_tokens: expected 0 or more")
    price = action.models.get(model) if model is not None else None
    if price is None or price.input_per_million_usd is None or price.output_per_million_usd is None:
        raise UnknownAction(f"model: expected one of {', '.join(action.models)}")
    assert catalog.credit_value_usd is not None  # reading the catalog insists on it for this kind
    cost_usd = quantity * (
        Fraction(tokens_in, 10**6) * price.input_per_million_usd
        + Fraction(tokens_out, 10**6) * price.output_per_million_usd
    )
    return Priced(
        round_half_up(cost_usd * action.markup / catalog.credit_value_usd * MICRO),
        action.id,
        "tokens",
        quantity,
        model=model,
        input_tokens=tokens_in,
        output_tokens=tokens_out,
        cost_usd=cost_usd,
    )


def yearly_saving_percent(plan: Plan) -> int | None:
    """Whole percent that a year saves against 12 months, rounded down so that no page promises too much.

    0 when the year saves nothing or even costs more; None when the plan is not sold both ways.
    """
    if "month" not in plan.prices or "year" not in plan.prices:
        return None
    twelve_months = 12 * plan.prices["month"]
    return max(0, (twelve_months - plan.prices["year"]) * 100 // twelve_months)


def price_per_credit(pack: Pack) -> Fraction | None:
    """Exact minor units of money per credit of a pack, its bonus counted; None when it sells no credits.

    `money.format_unit_price` writes it for people.
    """
    credits = pack.credits + pack.bonus
    return Fraction(pack.price * MICRO, credits) if credits else None
