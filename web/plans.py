"""`/` and `/plans`: what a month or a year costs and brings, and what each action costs."""

from __future__ import annotations

from dataclasses import dataclass

from flask import Blueprint, redirect, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext, lazy_gettext
from flask_login import current_user, login_required
from wtforms import Form, IntegerField

from billing import catalog, checkout, subscriptions
from billing.catalog import Catalog, Interval, Plan
from billing.money import MICRO
from billing.pricing import yearly_saving_percent
from billing.subscriptions import PlanState
from web.costs import EXAMPLE_TOKENS, cost_rows, model_cards
from web.formats import whole
from web.redirects import local_path
from web.session import account_id

bp = Blueprint("plans", __name__)

MAX_ASKED = 1_000_000_000
"""The most credits that the price list reckons with."""


@dataclass(frozen=True)
class Offer:
    """A plan at the interval chosen; money in minor units. A `saving_percent` of 0 or None: nothing is saved."""

    plan: Plan
    interval: Interval
    amount_minor: int
    per_month_minor: int
    saving_percent: int | None
    current: bool


class BudgetForm(Form):
    """How many credits the price list shall reckon with; it changes nothing, so it needs no CSRF token."""

    credits = IntegerField(lazy_gettext("Number of credits"))

    def credits_or(self, usual: int) -> int:
        """The micro-credits asked for, `usual` for none; what makes no sense is said at the field, and stays in it."""
        asked = self.credits.data
        if self.credits.raw_data and self.credits.raw_data[0].strip():
            if asked is not None and 1 <= asked <= MAX_ASKED:
                return int(asked) * MICRO
            self.credits.errors = [
                gettext("Enter a whole number from 1 to %(most)s", most=whole(MAX_ASKED)),
            ]
        else:
            self.credits.raw_data = None
            self.credits.data = usual // MICRO
        return usual


@bp.get("/")
def home() -> ResponseReturnValue:
    """The front page is the prices: they are what a visitor wants to know."""
    return show()


@bp.get("/plans")
def show() -> ResponseReturnValue:
    """Plans at the interval chosen with a plain form, and the price list of actions in words."""
    interval: Interval = "year" if request.args.get("interval") == "year" else "month"
    known = catalog.current()
    state = subscriptions.current_plan(account_id()) if current_user.is_authenticated else None
    budget = BudgetForm(request.args)
    credits = budget.credits_or(_usual_credits(known))
    return render_template(
        "web/plans.html",
        catalog=known,
        interval=interval,
        offers=_offers(known, interval, state),
        state=state,
        budget=budget,
        credits=credits,
        costs=cost_rows(known, credits),
        models=model_cards(known),
        example_tokens=EXAMPLE_TOKENS,
        best_saving=max((yearly_saving_percent(plan) or 0 for plan in known.plans.values()), default=0),
        return_path=local_path(request.args.get("return_path"), ""),
    )


@bp.post("/plans/<plan>/checkout")
@login_required
def buy(plan: str) -> ResponseReturnValue:
    """Start a Checkout Session and go to Stripe's page; what it costs is decided there and here, not in the form."""
    interval: Interval = "year" if request.form.get("interval") == "year" else "month"
    return_path = local_path(request.form.get("return_path"), "") or None
    started = checkout.start_plan_checkout(account_id(), plan, interval, return_path)
    return redirect(started.url, 303)


def _usual_credits(known: Catalog) -> int:
    """What the price list reckons with when nobody has asked for another amount: a month of the first plan."""
    monthly = [plan.credits for plan in known.plans.values() if plan.credits]
    return monthly[0] if monthly else known.free_plan.signup_credits or 100 * MICRO


def _offers(known: Catalog, interval: Interval, state: PlanState | None) -> list[Offer]:
    offers = []
    for plan in known.plans.values():
        # A plan sold at one interval only is shown at that one, whichever is chosen.
        shown = interval if interval in plan.prices else next(iter(plan.prices))
        amount = plan.prices[shown]
        held = state.subscription if state and state.plan == plan.id else None
        offers.append(
            Offer(
                plan=plan,
                interval=shown,
                amount_minor=amount,
                per_month_minor=-(-amount // 12) if shown == "year" else amount,
                saving_percent=yearly_saving_percent(plan) if shown == "year" else None,
                current=held is not None,
            )
        )
    return offers
