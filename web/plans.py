"""`/` and `/plans`: what a month or a year costs and brings, and what each action costs."""

from __future__ import annotations

from dataclasses import dataclass

from flask import Blueprint, redirect, render_template, request
from flask.typing import ResponseReturnValue
from flask_login import current_user, login_required

from billing import catalog, checkout, subscriptions
from billing.catalog import Catalog, Interval, Plan
from billing.pricing import yearly_saving_percent
from billing.subscriptions import PlanState
from web.costs import cost_rows
from web.redirects import local_path
from web.session import account_id

bp = Blueprint("plans", __name__)


@dataclass(frozen=True)
class Offer:
    """A plan at the interval chosen; money in minor units. A `saving_percent` of 0 or None: nothing is saved."""

    plan: Plan
    interval: Interval
    amount_minor: int
    per_month_minor: int
    saving_percent: int | None
    current: bool


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
    return render_template(
        "web/plans.html",
        catalog=known,
        interval=interval,
        offers=_offers(known, interval, state),
        state=state,
        costs=cost_rows(known),
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
