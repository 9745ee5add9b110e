"""`/subscriptions`: the plan and every influencer, what is charged next, cancel and undo, Stripe's portal."""

from __future__ import annotations

from dataclasses import dataclass

from flask import Blueprint, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import LazyString, gettext, lazy_gettext
from flask_login import login_required

from billing import influencers, subscriptions
from billing.subscriptions import SubscriptionView
from web import words
from web.pictures import picture_urls
from web.session import account_id

bp = Blueprint("subscriptions", __name__)


@dataclass(frozen=True)
class State:
    """A subscription's state in words; `tone` colours them: good, wait, bad or calm."""

    text: LazyString
    tone: str


STATES = {
    "active": State(lazy_gettext("Active"), "good"),
    "trialing": State(lazy_gettext("Trial"), "good"),
    "past_due": State(lazy_gettext("Payment overdue"), "bad"),
    "unpaid": State(lazy_gettext("Unpaid"), "bad"),
    "incomplete": State(lazy_gettext("Waiting for the first payment"), "wait"),
    "incomplete_expired": State(lazy_gettext("Never paid"), "calm"),
    "paused": State(lazy_gettext("Paused"), "wait"),
    "canceled": State(lazy_gettext("Ended"), "calm"),
}
ENDING = State(lazy_gettext("Cancelled, ends soon"), "wait")
ENDED = ("canceled", "incomplete_expired")


@bp.get("/subscriptions")
@login_required
def show() -> ResponseReturnValue:
    """Living subscriptions first, of them the plan, then the ended ones; what they cost a month together."""
    views = subscriptions.list_subscriptions(account_id())
    return render_template(
        "web/subscriptions.html",
        living=sorted((each for each in views if each.status not in ENDED), key=lambda each: each.kind != "plan"),
        ended=[each for each in views if each.status in ENDED],
        totals=monthly_totals(views),
        state_of=state_of,
        title_of=title_of,
        influencers=influencers.known().influencers,
        pictures=picture_urls(),
        words=words,
    )


@bp.post("/subscriptions/<subscription>/cancel")
@login_required
def cancel(subscription: str) -> ResponseReturnValue:
    """Let it end with the period that is paid."""
    subscriptions.cancel_subscription(account_id(), subscription)
    flash(gettext("It is cancelled. You keep everything until the end of the period."), "success")
    return redirect(url_for("subscriptions.show"), 303)


@bp.post("/subscriptions/<subscription>/resume")
@login_required
def resume(subscription: str) -> ResponseReturnValue:
    """Undo a cancellation that has not taken effect yet."""
    subscriptions.resume_subscription(account_id(), subscription)
    flash(gettext("The cancellation is undone. It renews as before."), "success")
    return redirect(url_for("subscriptions.show"), 303)


@bp.post("/subscriptions/portal")
@login_required
def portal() -> ResponseReturnValue:
    """To Stripe's own pages: cards, invoices and receipts."""
    return redirect(subscriptions.open_portal(account_id(), url_for("subscriptions.show")), 303)


def state_of(view: SubscriptionView) -> State:
    """The state to show: one that will end at a known time reads differently from one that renews."""
    if view.cancel_at is not None and view.status in ("active", "trialing"):
        return ENDING
    return STATES.get(view.status, State(lazy_gettext("Unknown"), "calm"))


def title_of(view: SubscriptionView) -> str:
    """The plan's or the influencer's name."""
    return words.influencer_name(view.influencer) if view.influencer else words.plan_name(view.plan or "")


def monthly_totals(views: list[SubscriptionView]) -> list[tuple[int, str]]:
    """What renewing subscriptions cost a month, in minor units by currency; a year counts a twelfth, rounded up."""
    totals: dict[str, int] = {}
    for view in views:
        if view.next_charge_minor is None or view.cancel_at is not None or view.status in ENDED:
            continue
        monthly = -(-view.next_charge_minor // 12) if view.interval == "year" else view.next_charge_minor
        totals[view.currency] = totals.get(view.currency, 0) + monthly
    return [(amount, currency) for currency, amount in totals.items()]
