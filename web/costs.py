"""The price list of actions in words a customer can reckon with."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from flask_babel import gettext, lazy_gettext, ngettext

from billing.catalog import Action, Catalog, ModelPrice, Step
from billing.money import MICRO, round_half_up
from web.formats import credits

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


@dataclass(frozen=True)
class CostRow:
    """One action and its cost, a line for each step or model."""

    action: Action
    lines: list[str]


def cost_rows(catalog: Catalog) -> list[CostRow]:
    """Every action of the catalog with what it costs, in the order of the file."""
    return [CostRow(action, _lines(catalog, action)) for action in catalog.actions.values()]


def _lines(catalog: Catalog, action: Action) -> list[str]:
    if action.kind == "tokens":
        return [_tokens(catalog, action, model, price) for model, price in action.models.items()]
    lines = _steps(action.steps, action.unit) if action.kind == "steps" else [_plain(action, action.cost)]
    for model, price in action.models.items():
        costs = _steps(price.steps, action.unit) if price.steps else [_plain(action, price.cost or 0)]
        lines += [gettext("%(model)s: %(cost)s", model=model, cost=cost) for cost in costs]
    return lines


def _plain(action: Action, cost: int) -> str:
    if not cost:
        return gettext("free")
    if action.kind != "per_unit":
        return gettext("%(cost)s each time", cost=_credits(cost))
    unit = _unit(action.unit, action.per)
    if action.per == 1:
        return gettext("%(cost)s per %(unit)s", cost=_credits(cost), unit=unit)
    return gettext("%(cost)s per %(count)s %(unit)s begun", cost=_credits(cost), count=action.per, unit=unit)


def _steps(steps: tuple[Step, ...], unit: str | None) -> list[str]:
    return [
        gettext(
            "up to %(count)s %(unit)s: %(cost)s",
            count=step.up_to,
            unit=_unit(unit, step.up_to),
            cost=_credits(step.cost),
        )
        for step in steps
    ]


def _tokens(catalog: Catalog, action: Action, model: str, price: ModelPrice) -> str:
    return gettext(
        "%(model)s: %(input)s in, %(output)s out, per million tokens",
        model=model,
        input=_credits(_token_cost(catalog, action, price.input_per_million_usd)),
        output=_credits(_token_cost(catalog, action, price.output_per_million_usd)),
    )


def _token_cost(catalog: Catalog, action: Action, per_million_usd: Fraction | None) -> int:
    value = catalog.credit_value_usd
    if per_million_usd is None or value is None:
        return 0
    return round_half_up(per_million_usd * action.markup / value * MICRO)


def _credits(micro: int) -> str:
    # A translated plural needs a whole number; a fraction of a credit reads like many.
    number = micro // MICRO if micro % MICRO == 0 else 2
    return ngettext("%(amount)s credit", "%(amount)s credits", number, amount=credits(micro))


def _unit(unit: str | None, count: int) -> str:
    word = unit or ""
    known = UNITS.get(word) or UNITS.get(word.removesuffix("s"))
    return str(known[count != 1]) if known else word
