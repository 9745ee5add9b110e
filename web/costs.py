"""The price list of actions in words a customer can reckon with, and how far an amount of credits goes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction

from flask_babel import gettext, lazy_gettext, ngettext

from billing.catalog import Action, Catalog, ModelPrice, Step
from billing.money import MICRO, round_half_up
from billing.pricing import Priced, price_action
from web.formats import in_credits, whole
from web.locale import page_locale

UNITS = {
    "second": (lazy_gettext("second"), lazy_gettext("seconds")),
    "minute": (lazy_gettext("minute"), lazy_gettext("minutes")),
    "character": (lazy_gettext("character"), lazy_gettext("characters")),
    "image": (lazy_gettext("image"), lazy_gettext("images")),
    "message": (lazy_gettext("message"), lazy_gettext("messages")),
    "video": (lazy_gettext("video"), lazy_gettext("videos")),
    "profile": (lazy_gettext("profile"), lazy_gettext("profiles")),
    "scene": (lazy_gettext("scene"), lazy_gettext("scenes")),
    "page": (lazy_gettext("page"), lazy_gettext("pages")),
}
"""Singular and plural of the units a catalog may count in; another word is shown as the catalog writes it."""


EXAMPLE_TOKENS = 100
"""A short message and its answer have about so many tokens each: what the worked examples reckon with."""


@dataclass(frozen=True)
class CostLine:
    """What one way of doing an action costs, and how far the credits go that were asked about."""

    cost: str
    reach: str


@dataclass(frozen=True)
class CostRow:
    """One action and its cost, a line for each step or model."""

    action: Action
    lines: list[CostLine]


@dataclass(frozen=True)
class ModelCard:
    """What a language model costs: a million tokens in and out, and a short message with its answer.

    `messages` says how many of those each offer pays for: the offer's name, then the number in words.
    """

    action: Action
    model: str
    tokens_in: str
    tokens_out: str
    message: str
    messages: list[tuple[str, str]]


def cost_rows(catalog: Catalog, budget: int) -> list[CostRow]:
    """Every action of the catalog with what it costs, in the order of the file; `budget` in micro-credits."""
    return [CostRow(action, _lines(catalog, action, budget)) for action in catalog.actions.values()]


def model_cards(catalog: Catalog) -> list[ModelCard]:
    """A card for each model that is priced by tokens."""
    offers = [(catalog.free_plan.name, catalog.free_plan.monthly_refill or catalog.free_plan.signup_credits)]
    offers += [(plan.name, plan.credits) for plan in catalog.plans.values() if not plan.unlimited]
    cards = []
    for action in catalog.actions.values():
        for model, price in action.models.items() if action.kind == "tokens" else ():
            each = _message_cost(catalog, action, model)
            cards.append(
                ModelCard(
                    action=action,
                    model=model,
                    tokens_in=in_credits(_token_cost(catalog, action, price.input_per_million_usd)),
                    tokens_out=in_credits(_token_cost(catalog, action, price.output_per_million_usd)),
                    message=in_credits(each),
                    messages=[(name.get(page_locale()), _times(has, each, _messages)) for name, has in offers if has],
                )
            )
    return cards


def explain_price(catalog: Catalog, priced: Priced) -> str:
    """How a price came about, in words that can be reckoned after: `40 seconds; 1 credit per 15 seconds begun`."""
    action = catalog.action(priced.action)
    each = priced.cost_each_micro or 0
    if priced.kind == "tokens":
        words = gettext(
            "%(input)s tokens in, %(output)s out; %(price)s",
            input=whole(priced.input_tokens or 0),
            output=whole(priced.output_tokens or 0),
            price=_tokens(catalog, action, priced.model or "", action.models[priced.model or ""]),
        )
    elif priced.kind == "flat":
        words = _plain(action, each)
    else:
        measured = f"{whole(priced.units or 0)} {_unit(priced.unit, priced.units or 0)}"
        blocks = priced.blocks or 1
        rule = (
            _plain(action, each // blocks) if priced.kind == "per_unit" else _step(priced.up_to or 0, priced.unit, each)
        )
        words = f"{measured}; {rule}"
    return words if priced.quantity == 1 else f"{whole(priced.quantity)} × ({words})"


def _lines(catalog: Catalog, action: Action, budget: int) -> list[CostLine]:
    if action.kind == "tokens":
        return [
            CostLine(
                _tokens(catalog, action, model, price),
                _times(budget, _message_cost(catalog, action, model), _messages),
            )
            for model, price in action.models.items()
        ]
    lines = (
        _steps(action.steps, action.unit, budget) if action.kind == "steps" else [_line(action, action.cost, budget)]
    )
    for model, price in action.models.items():
        own = _steps(price.steps, action.unit, budget) if price.steps else [_line(action, price.cost or 0, budget)]
        lines += [CostLine(gettext("%(model)s: %(cost)s", model=model, cost=each.cost), each.reach) for each in own]
    return lines


def _line(action: Action, cost: int, budget: int) -> CostLine:
    if action.kind != "per_unit":
        return CostLine(_plain(action, cost), _times(budget, cost, _repeats))
    return CostLine(
        _plain(action, cost),
        _times(budget * action.per, cost, lambda n: f"{whole(n)} {_unit(action.unit, n)}", action.per),
    )


def _times(budget: int, cost: int, in_words: Callable[[int], str], step: int = 1) -> str:
    """How often `budget` pays `cost`, in words; in whole steps of so many units."""
    if not cost:
        return gettext("as often as you like")
    return in_words(budget // (cost * step) * step)


def _repeats(number: int) -> str:
    return ngettext("%(count)s time", "%(count)s times", number, count=whole(number))


def _messages(number: int) -> str:
    return ngettext("about %(count)s message", "about %(count)s messages", number, count=whole(number))


def _message_cost(catalog: Catalog, action: Action, model: str) -> int:
    """Micro-credits of a short message and its answer."""
    return price_action(
        catalog, action.id, model=model, input_tokens=EXAMPLE_TOKENS, output_tokens=EXAMPLE_TOKENS
    ).amount_micro


def _plain(action: Action, cost: int) -> str:
    if not cost:
        return gettext("free")
    if action.kind != "per_unit":
        return gettext("%(cost)s each time", cost=in_credits(cost))
    unit = _unit(action.unit, action.per)
    if action.per == 1:
        return gettext("%(cost)s per %(unit)s", cost=in_credits(cost), unit=unit)
    return gettext("%(cost)s per %(count)s %(unit)s begun", cost=in_credits(cost), count=action.per, unit=unit)


def _steps(steps: tuple[Step, ...], unit: str | None, budget: int) -> list[CostLine]:
    return [CostLine(_step(step.up_to, unit, step.cost), _times(budget, step.cost, _repeats)) for step in steps]


def _step(up_to: int, unit: str | None, cost: int) -> str:
    return gettext("up to %(count)s %(unit)s: %(cost)s", count=up_to, unit=_unit(unit, up_to), cost=in_credits(cost))


def _tokens(catalog: Catalog, action: Action, model: str, price: ModelPrice) -> str:
    return gettext(
        "%(model)s: %(input)s in, %(output)s out, per million tokens",
        model=model,
        input=in_credits(_token_cost(catalog, action, price.input_per_million_usd)),
        output=in_credits(_token_cost(catalog, action, price.output_per_million_usd)),
    )


def _token_cost(catalog: Catalog, action: Action, per_million_usd: Fraction | None) -> int:
    value = catalog.credit_value_usd
    if per_million_usd is None or value is None:
        return 0
    return round_half_up(per_million_usd * action.markup / value * MICRO)


def _unit(unit: str | None, count: int) -> str:
    word = unit or ""
    known = UNITS.get(word) or UNITS.get(word.removesuffix("s"))
    return str(known[count != 1]) if known else word
