"""The dashboard: the clock, what happened, and the buttons that banks and networks press in real life."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, redirect, render_template, request, url_for

from sandbox.billing import cards, disputing, lines, refunding
from sandbox.billing.advancing import advance_to
from sandbox.checkout import paying
from sandbox.periods import boundary
from sandbox.protocol.errors import invalid
from sandbox.store import Obj
from sandbox.world import World

_DAY = 86_400
_SHOWN_EVENTS, _SHOWN_ROWS = 40, 25


def register(pages: Blueprint, world: World) -> None:
    """``/`` and what its buttons post to."""

    @pages.get("/")
    def dashboard() -> Any:
        with world.turn():
            return render_template("dashboard.html", **_contents(world))

    @pages.post("/clock")
    def dashboard_clock() -> Any:
        ahead = request.form.get("ahead", "1")
        now = world.now()
        target = boundary(now, "month", 1, 1) if ahead == "month" else now + _number(ahead) * _DAY
        advance_to(world, target)
        return redirect(url_for("pages.dashboard"), 303)

    @pages.post("/webhook-switches")
    def dashboard_switches() -> Any:
        form = request.form
        changes: dict[str, Any] = {name: name in form for name in ("off", "duplicate", "reorder")}
        changes["drop"] = _number(form.get("drop") or "0")
        changes["delay_seconds"] = _number(form.get("delay_seconds") or "0")
        with world.turn():
            world.sender.switches.set(changes)
        return redirect(url_for("pages.dashboard"), 303)

    @pages.post("/act")
    def dashboard_act() -> Any:
        with world.turn():
            _act(world, request.form.to_dict())
        return redirect(url_for("pages.dashboard"), 303)


def _number(text: str) -> int:
    if not text.lstrip("-").isdigit() or len(text) > 6:
        raise invalid(f"Not a whole number: {text[:20]}")
    return int(text)


def _act(world: World, form: dict[str, str]) -> None:
    """One button beside an object."""
    action, key = form.get("action", ""), form.get("id", "")
    if action == "resend":
        for delivery in list(world.store.where("_delivery", event=world.need("event", key)["id"])):
            world.sender.resend(delivery)
    elif action == "card":
        cards.set_behaviour(world, world.need("customer", key), form.get("behaviour", ""))
    elif action == "refund":
        amount = form.get("amount", "").strip()
        charge = refunding.charge_to_refund(world, None, key)
        refunding.refund(world, charge, _number(amount) if amount else None, reason="requested_by_customer")
    elif action == "fail_refund":
        refunding.fail(world, world.need("refund", key))
    elif action == "settle_refund":
        refunding.settle(world, world.need("refund", key), succeeded=True)
    elif action in ("dispute", "inquiry"):
        disputing.open_dispute(world, world.need("charge", key), inquiry=action == "inquiry")
    elif action == "dispute_status":
        disputing.set_status(world, world.need("dispute", key), form.get("status", ""))
    elif action == "settle":
        paying.settle(world, world.need("checkout.session", key), form.get("outcome", ""))
    else:
        raise invalid("The dashboard has no such button.", param="action")


def _contents(world: World) -> dict[str, Any]:
    deliveries: dict[str, list[Obj]] = {}
    for delivery in world.store.all("_delivery"):
        deliveries.setdefault(delivery["event"], []).append(delivery)
    events = list(reversed(world.store.all("event")[-_SHOWN_EVENTS:]))
    return {
        "now": world.now(),
        "offset_days": world.clock.offset_seconds // _DAY,
        "switches": world.sender.switches,
        "endpoints": [e for e in world.store.all("webhook_endpoint") if not e.get("_deleted")],
        "events": [(event, deliveries.get(event["id"], [])) for event in events],
        "customers": [(c, _card_of(world, c)) for c in _newest(world, "customer")],
        "subscriptions": [_subscription(world, s) for s in _newest(world, "subscription")],
        "waiting": [s for s in _newest(world, "checkout.session") if s.get("_settles_at")],
        "charges": [_charge(world, c) for c in _newest(world, "charge")],
    }


def _newest(world: World, kind: str) -> list[Obj]:
    return [obj for obj in reversed(world.store.all(kind)) if not obj.get("_deleted")][:_SHOWN_ROWS]


def _card_of(world: World, customer: Obj) -> str:
    methods = list(world.store.where("payment_method", customer=customer["id"]))
    return methods[-1]["_behaviour"] if methods else "none"


def _subscription(world: World, subscription: Obj) -> dict[str, Any]:
    item = lines.items_of(world, subscription)[0]
    price = world.need("price", item["_price"])
    return {
        "subscription": subscription,
        "name": lines.product_name(world, price),
        "price": price,
        "period_end": lines.period_end(world, subscription),
    }


def _charge(world: World, charge: Obj) -> dict[str, Any]:
    return {
        "charge": charge,
        "left": charge["amount"] - charge["amount_refunded"],
        "refunds": list(world.store.where("refund", charge=charge["id"])),
        "disputes": [
            (dispute, disputing.next_statuses(dispute)) for dispute in world.store.where("dispute", charge=charge["id"])
        ],
    }
