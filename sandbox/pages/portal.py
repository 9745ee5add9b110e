"""The customer portal."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, redirect, render_template, request, url_for

from sandbox.billing import cards, lines
from sandbox.pages.invoice import pay_by_hand
from sandbox.pages.portal_changes import change_plan, choices_for
from sandbox.protocol.errors import StripeFailure, invalid
from sandbox.resources import subscription_schedules, subscriptions
from sandbox.store import Obj
from sandbox.world import World


def register(pages: Blueprint, world: World) -> None:
    """``/p/session/<id>`` and what its buttons post to."""

    def page(session: Obj, message: str | None = None, status: int = 200) -> tuple[str, int]:
        customer = world.need("customer", session["customer"])
        configuration = world.need("billing_portal.configuration", session["configuration"])
        shown = [s for s in world.store.where("subscription", customer=customer["id"]) if s["ended_at"] is None]
        wanted = _subscription_of_flow(session)
        rows = [_row(world, s, configuration) for s in reversed(shown) if wanted in (None, s["id"])]
        invoices = list(reversed(list(world.store.where("invoice", customer=customer["id"]))))
        methods = list(world.store.where("payment_method", customer=customer["id"]))
        default = customer["invoice_settings"]["default_payment_method"]
        current = next((m for m in reversed(methods) if default in (None, m["id"])), None)
        return render_template(
            "portal.html",
            session=session,
            customer=customer,
            features=configuration["features"],
            rows=rows,
            invoices=[i for i in invoices if i["status"] != "draft"][:24],
            card=current,
            message=message,
        ), status

    @pages.get("/p/session/<session_id>")
    def portal(session_id: str) -> Any:
        with world.turn():
            return page(world.need("billing_portal.session", session_id))

    @pages.post("/p/session/<session_id>")
    def portal_act(session_id: str) -> Any:
        with world.turn():
            session = world.need("billing_portal.session", session_id)
            try:
                message = _act(world, session, request.form.to_dict())
            except StripeFailure as failure:
                message = str(failure)
            if message is not None:
                return page(session, message, 402)
        after = (session["flow"] or {}).get("after_completion") or {}
        if after.get("type") == "redirect":
            return redirect(after["redirect"]["return_url"], 303)
        return redirect(url_for("pages.portal", session_id=session_id), 303)


def _act(world: World, session: Obj, form: dict[str, str]) -> str | None:
    """One button of the portal; returns what went wrong in words for the customer, or ``None``."""
    customer = world.need("customer", session["customer"])
    configuration = world.need("billing_portal.configuration", session["configuration"])
    features, action = configuration["features"], form.get("action", "")
    if action == "card":
        _require(features, "payment_method_update")
        cards.add_card(world, customer, "decline" if form.get("card") == "decline" else "ok")
        return None
    if action == "pay":
        invoice = world.need("invoice", form.get("invoice", ""))
        _require_own(invoice, customer)
        return pay_by_hand(world, invoice, form.get("with", "card"))
    subscription = world.need("subscription", form.get("subscription", ""))
    _require_own(subscription, customer)
    if action == "cancel":
        _require(features, "subscription_cancel")
        _release(world, subscription)
        if features["subscription_cancel"]["mode"] == "immediately":
            subscriptions.cancel(world, {}, subscription["id"])
        else:
            subscriptions.update(world, {"cancel_at_period_end": True}, subscription["id"])
    elif action == "resume":
        _release(world, subscription)
        subscriptions.update(world, {"cancel_at_period_end": False}, subscription["id"])
    elif action == "change":
        _require(features, "subscription_update")
        change_plan(world, subscription, configuration, form.get("price", ""))
    else:
        raise invalid("The portal has no such button.", param="action")
    return None


def _row(world: World, subscription: Obj, configuration: Obj) -> dict[str, Any]:
    item = lines.items_of(world, subscription)[0]
    price = world.need("price", item["_price"])
    schedule = world.store.get("subscription_schedule", subscription["schedule"] or "")
    later = None
    if schedule is not None and schedule["current_phase"] is not None:
        ends = schedule["current_phase"]["end_date"]
        coming = next((p for p in schedule["phases"] if p["start_date"] >= ends), None)
        if coming is not None:
            later = {"name": _name(world, world.need("price", coming["items"][0]["price"])), "at": ends}
    return {
        "subscription": subscription,
        "name": _name(world, price),
        "price": price,
        "quantity": item["quantity"],
        "period_end": lines.period_end(world, subscription),
        "later": later,
        "choices": [(p, _name(world, p)) for p in choices_for(world, subscription, configuration)],
    }


def _name(world: World, price: Obj) -> str:
    return lines.product_name(world, price)


def _release(world: World, subscription: Obj) -> None:
    """The portal takes a planned change back before it cancels or resumes."""
    if subscription["schedule"] is not None:
        subscription_schedules.release(world, {}, subscription["schedule"])


def _subscription_of_flow(session: Obj) -> str | None:
    flow = session["flow"] or {}
    for name in ("subscription_cancel", "subscription_update", "subscription_update_confirm"):
        if flow.get(name):
            key: str = flow[name]["subscription"]
            return key
    return None


def _require(features: dict[str, Any], name: str) -> None:
    if not features[name]["enabled"]:
        raise invalid(f"This portal does not offer {name.replace('_', ' ')}.")


def _require_own(obj: Obj, customer: Obj) -> None:
    if obj["customer"] != customer["id"]:
        raise invalid("That belongs to another customer.")
