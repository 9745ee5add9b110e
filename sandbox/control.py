"""The control API: what the real Stripe's Dashboard, banks, networks and passing time would do."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Blueprint, Response, jsonify, request

from sandbox import catalog_edit
from sandbox.billing import cards, disputing, refunding
from sandbox.billing.advancing import advance_to
from sandbox.checkout import paying
from sandbox.protocol.errors import StripeFailure, invalid
from sandbox.protocol.http import authorized
from sandbox.render import wire
from sandbox.resources.webhook_endpoints import ensure_default_endpoint
from sandbox.store import Obj
from sandbox.world import World

_DAY = 86_400
_REFUND_OUTCOMES = ("pending", "succeeded", "failed")


def blueprint(world: World) -> Blueprint:
    """Everything under ``/_sandbox``; JSON in and out, with the API's own bearer key."""
    api = Blueprint("control", __name__, url_prefix="/_sandbox")

    @api.before_request
    def need_key() -> tuple[Response, int] | None:
        return None if authorized(world) else (jsonify(error="The sandbox's secret key is needed."), 401)

    @api.errorhandler(StripeFailure)
    def refuse(failure: StripeFailure) -> tuple[Response, int]:
        return jsonify(failure.body), failure.status

    @api.errorhandler(ValueError)
    def malformed(error: ValueError) -> tuple[Response, int]:
        return jsonify(error={"message": str(error), "type": "invalid_request_error"}), 400

    for path, methods, handler in _ROUTES:
        api.add_url_rule(path, path, _answering(world, handler), methods=methods)
    return api


def _answering(world: World, handler: Callable[..., Any]) -> Callable[..., Response]:
    def answer(**path: str) -> Response:
        given = request.get_json(silent=True)
        if request.method == "POST" and given is None and request.get_data():
            raise ValueError("The body is not JSON.")
        if given is not None and not isinstance(given, dict):
            raise ValueError("The body is not a JSON object.")
        return jsonify(handler(world, given or {}, **path))

    return answer


def clock(world: World, given: dict[str, Any]) -> dict[str, Any]:
    """GET: the time. POST: move it, and answer when everything due is done and its webhooks were delivered."""
    if request.method == "POST":
        target = world.now()
        if "advance_to" in given:
            target = _int(given, "advance_to")
        else:
            target += _int(given, "advance_days", 0) * _DAY + _int(given, "advance_seconds", 0)
        if target < world.now():
            raise ValueError("The clock only moves forward.")
        advance_to(world, target, settle=bool(given.get("settle", True)))
    return {"now": world.now(), "offset_seconds": world.clock.offset_seconds}


def card(world: World, given: dict[str, Any], customer: str) -> Obj:
    """What happens when the customer's saved cards are charged: ok, decline, decline_once, 3ds."""
    with world.turn():
        found = world.need("customer", customer)
        cards.set_behaviour(world, found, str(given.get("behaviour", "")))
        return wire(world, found)


def new_card(world: World, given: dict[str, Any], customer: str) -> Obj:
    """The customer stores a new card, as in the portal; it becomes the default."""
    with world.turn():
        method = cards.add_card(world, world.need("customer", customer), str(given.get("behaviour", "ok")))
        return wire(world, method)


def pay(world: World, given: dict[str, Any], session: str) -> dict[str, Any]:
    """The customer pays a Checkout Session, or is refused (``message``; the session stays open)."""
    with world.turn():
        found = world.need("checkout.session", session)
        message = paying.pay(world, found, str(given.get("with", "card")), given.get("promotion_code"))
        return {"session": wire(world, found), "message": message}


def settle(world: World, given: dict[str, Any], session: str) -> Obj:
    """A delayed payment comes in or fails."""
    with world.turn():
        found = world.need("checkout.session", session)
        paying.settle(world, found, str(given.get("outcome", "succeeded")))
        return wire(world, found)


def open_dispute(world: World, given: dict[str, Any]) -> Obj:
    """The cardholder disputes a payment."""
    with world.turn():
        intent = world.need("payment_intent", given.get("payment_intent"), "payment_intent")
        charge = world.need("charge", intent["latest_charge"])
        made = disputing.open_dispute(
            world,
            charge,
            _int(given, "amount") if "amount" in given else None,
            inquiry=bool(given.get("inquiry", False)),
            reason=str(given.get("reason", "fraudulent")),
        )
        return wire(world, made)


def move_dispute(world: World, given: dict[str, Any], dispute: str) -> Obj:
    """The bank decides."""
    with world.turn():
        found = world.need("dispute", dispute)
        disputing.set_status(world, found, str(given.get("status", "")))
        return wire(world, found)


def refund(world: World, given: dict[str, Any]) -> dict[str, Any]:
    """A refund made by hand in the Dashboard; or, with ``next``, how the next refunds go."""
    if "next" in given:
        wanted = given["next"] if isinstance(given["next"], list) else [given["next"]]
        if any(status not in _REFUND_OUTCOMES for status in wanted):
            raise ValueError(f"next is one of {', '.join(_REFUND_OUTCOMES)}, or a list of them")
        with world.turn():
            world.refund_outcomes.extend(wanted)
            return {"next": list(world.refund_outcomes)}
    with world.turn():
        charge = refunding.charge_to_refund(world, given.get("payment_intent"), given.get("charge"))
        amount = _int(given, "amount") if "amount" in given else None
        made = refunding.refund(world, charge, amount, reason=given.get("reason"), metadata=given.get("metadata"))
        return wire(world, made)


def fail_refund(world: World, given: dict[str, Any], refund: str) -> Obj:
    """A refund that was on its way, or had arrived, fails after all."""
    with world.turn():
        found = world.need("refund", refund)
        refunding.fail(world, found)
        return wire(world, found)


def settle_refund(world: World, given: dict[str, Any], refund: str) -> Obj:
    """A pending refund arrives, or fails."""
    with world.turn():
        found = world.need("refund", refund)
        refunding.settle(world, found, str(given.get("outcome", "succeeded")) == "succeeded")
        return wire(world, found)


def catalog(world: World, given: dict[str, Any]) -> Obj:
    """Somebody edits a product or a price by hand."""
    with world.turn():
        return wire(world, catalog_edit.edit(world, given))


def faults(world: World, given: dict[str, Any]) -> dict[str, Any]:
    """POST plants a fault, DELETE pulls all out."""
    if request.method == "DELETE":
        world.faults.clear()
    elif request.method == "POST":
        world.faults.plant(given)
    return {"planted": world.faults.planted()}


def webhooks(world: World, given: dict[str, Any]) -> dict[str, Any]:
    """The switches; POST changes those given."""
    with world.turn():
        world.sender.switches.set(given)
        return dict(vars(world.sender.switches))


def flush(world: World, given: dict[str, Any]) -> dict[str, Any]:
    """Wait until nothing is left to send (with ``retries``: nor to retry)."""
    seconds = float(given.get("timeout_seconds", 10))
    return {"empty": world.sender.flush(seconds, retries=bool(given.get("retries", False)))}


def resend(world: World, given: dict[str, Any], event: str) -> dict[str, Any]:
    """Send an event again to every endpoint it was meant for."""
    with world.turn():
        found = world.need("event", event)
        deliveries = list(world.store.where("_delivery", event=found["id"]))
        for delivery in deliveries:
            world.sender.resend(delivery)
    return {"deliveries": len(deliveries)}


def deliveries(world: World, given: dict[str, Any]) -> dict[str, Any]:
    """Every delivery with its attempts, oldest first."""
    with world.turn():
        return {
            "data": [
                {name: value for name, value in delivery.items() if name != "object"}
                for delivery in world.store.all("_delivery")
            ]
        }


def calls(world: World, given: dict[str, Any]) -> dict[str, Any]:
    """The API requests received, oldest first; ``method`` and ``path`` (a beginning) filter, DELETE forgets."""
    with world.turn():
        if request.method == "DELETE":
            world.calls.clear()
        method, path = request.args.get("method"), request.args.get("path", "")
        found = [c for c in world.calls if method in (None, c["method"]) and c["path"].startswith(path)]
        return {"data": found}


def reset(world: World, given: dict[str, Any]) -> dict[str, Any]:
    """Forget everything; the clock goes back to real time unless ``keep_clock`` is set."""
    with world.advancing, world.turn():
        world.sender.clear()
        world.store.clear()
        world.faults.clear()
        world.idempotency.forget()
        world.calls.clear()
        world.refund_outcomes.clear()
        if not given.get("keep_clock"):
            world.clock.reset()
        ensure_default_endpoint(world)
    return {"now": world.now()}


def _int(given: dict[str, Any], name: str, default: int | None = None) -> int:
    value = given.get(name, default)
    if not isinstance(value, int) or isinstance(value, bool):
        raise invalid(f"{name} is an integer.", param=name)
    return value


_ROUTES: list[tuple[str, list[str], Callable[..., Any]]] = [
    ("/clock", ["GET", "POST"], clock),
    ("/customers/<customer>/card", ["POST"], card),
    ("/customers/<customer>/new_card", ["POST"], new_card),
    ("/sessions/<session>/pay", ["POST"], pay),
    ("/sessions/<session>/settle", ["POST"], settle),
    ("/disputes", ["POST"], open_dispute),
    ("/disputes/<dispute>", ["POST"], move_dispute),
    ("/refunds", ["POST"], refund),
    ("/refunds/<refund>/fail", ["POST"], fail_refund),
    ("/refunds/<refund>/settle", ["POST"], settle_refund),
    ("/catalog", ["POST"], catalog),
    ("/faults", ["GET", "POST", "DELETE"], faults),
    ("/webhooks", ["GET", "POST"], webhooks),
    ("/webhooks/flush", ["POST"], flush),
    ("/events/<event>/resend", ["POST"], resend),
    ("/deliveries", ["GET"], deliveries),
    ("/calls", ["GET", "DELETE"], calls),
    ("/reset", ["POST"], reset),
]
