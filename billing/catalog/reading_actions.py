"""Reads what actions cost: the part of the catalog with the most ways to say it."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import get_args

from billing.catalog.model import NO_TEXT, Action, ActionKind, Enforcement, FailureReason, ModelPrice, Step
from billing.catalog.table import MAX_NAME_LENGTH, Table

MAX_UNITS = 10**9
"""The most units of anything in one call: seconds, characters, pages."""


def read_actions(root: Table, quotas: Sequence[str], credit_value: Fraction | None) -> dict[str, Action]:
    """Every action below `[actions]`; mistakes are noted in the table's findings."""
    actions = {}
    for action_id, table in root.items("actions"):
        actions[action_id] = action = _read_action(action_id, table, quotas)
        if action.kind == "tokens" and credit_value is None:
            table.wrong("kind", "needs to know what a credit is worth: set credit_value_usd at the top")
        table.close()
    return actions


def _read_action(action_id: str, table: Table, quotas: Sequence[str]) -> Action:
    kind: ActionKind = table.choice("kind", get_args(ActionKind), "flat")
    counted = kind in ("per_unit", "steps")
    enforcement: Enforcement | None = None
    if table.knows("enforcement"):
        enforcement = table.choice("enforcement", get_args(Enforcement), None)
    return Action(
        id=action_id,
        name=table.text("name", max_length=MAX_NAME_LENGTH),
        description=table.text("description", NO_TEXT),
        kind=kind,
        cost=table.cost("cost") if kind in ("flat", "per_unit") else 0,
        unit=table.string("unit", pattern="[a-z]{1,32}", expected='a word like "second"', required=True)
        if counted
        else None,
        per=table.integer("per", 1, low=1, high=MAX_UNITS) if kind == "per_unit" else 1,
        max_units=table.optional_integer("max_units", low=1, high=MAX_UNITS) if kind == "per_unit" else None,
        steps=_read_steps(table) if kind == "steps" else (),
        models=_read_models(table, kind),
        markup=table.usd("markup", Fraction(1)) if kind == "tokens" else Fraction(1),
        quotas=table.names("quotas", quotas),
        requires_influencer=table.boolean("requires_influencer"),
        on_failure=_read_failure_shares(table),
        enforcement=enforcement,
    )


def _read_steps(table: Table) -> tuple[Step, ...]:
    """Steps in rising order: the first that is large enough decides."""
    steps: list[Step] = []
    for row in table.rows("steps"):
        step = Step(up_to=row.integer("up_to", None, low=1, high=MAX_UNITS), cost=row.cost("cost"))
        if steps and "up_to" in row and step.up_to <= steps[-1].up_to:
            row.wrong("up_to", f"is {step.up_to}; expected more than the step before, {steps[-1].up_to}")
        steps.append(step)
        row.close()
    if not steps:
        table.wrong("steps", "has no step; expected at least one, like { up_to = 5, cost = 25 }")
    return tuple(steps)


def _read_models(table: Table, kind: ActionKind) -> dict[str, ModelPrice]:
    models: dict[str, ModelPrice] = {}
    for model, price in table.items("models", models=True):
        if kind == "tokens":
            models[model] = ModelPrice(
                input_per_million_usd=price.usd("input_per_million_usd", zero=True),
                output_per_million_usd=price.usd("output_per_million_usd", zero=True),
            )
        elif kind == "steps":
            models[model] = ModelPrice(steps=_read_steps(price))
        else:
            models[model] = ModelPrice(cost=price.cost("cost"))
        price.close()
    if kind == "tokens" and not models:
        table.wrong("models", "names no model; expected at least one with its prices per million tokens")
    return models


def _read_failure_shares(table: Table) -> dict[FailureReason, int]:
    """Percent of the price that a failed job still costs, by reason; what is not named costs nothing."""
    shares = table.table("on_failure")
    reasons: tuple[FailureReason, ...] = get_args(FailureReason)
    found = {reason: shares.integer(reason, 0, low=0, high=100) for reason in reasons}
    shares.close()
    return found
