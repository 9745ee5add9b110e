"""Taking money: payment intents and the charges they make."""

from __future__ import annotations

from typing import Any, Literal

from sandbox.events import emit, emit_updated
from sandbox.money import share
from sandbox.shapes import payments
from sandbox.store import Obj
from sandbox.world import World

Outcome = Literal["succeeded", "declined", "requires_action", "processing"]

_DECLINED = {"code": "card_declined", "message": "Your card was declined.", "decline_code": "generic_decline"}
_NOT_AUTHENTICATED = {
    "code": "payment_intent_authentication_failure",
    "message": "We are unable to authenticate your payment method. Please choose a different one and try again.",
}
_BANK_REFUSED = {"code": "payment_method_provider_decline", "message": "The bank refused the payment."}


def open_intent(
    world: World,
    amount: int,
    currency: str,
    *,
    customer: Obj | None,
    metadata: dict[str, str],
    description: str | None,
    setup_future_usage: str | None = None,
) -> Obj:
    """A new payment intent; announces ``payment_intent.created``."""
    intent = world.store.add(
        payments.payment_intent(
            world.now(),
            amount,
            currency,
            customer=customer["id"] if customer else None,
            metadata=metadata,
            description=description,
            setup_future_usage=setup_future_usage,
        )
    )
    emit(world, "payment_intent.created", intent)
    return intent


def would_succeed(method: Obj | None) -> bool:
    """Whether charging this method now would go through at once."""
    return method is not None and method["_behaviour"] == "ok"


def attempt(world: World, intent: Obj, method: Obj, authenticated: bool = False) -> Outcome:
    """Charge the method, as its behaviour has it.

    ``authenticated`` says that the customer is present and has passed (or needs no) 3-D Secure.
    """
    behaviour = method["_behaviour"]
    world.store.update(intent, payment_method=method["id"], payment_method_types=[method["type"]])
    if behaviour == "decline_once":
        world.store.update(method, _behaviour="ok")
    if behaviour in ("decline", "decline_once"):
        _fail(world, intent, method, _DECLINED)
        return "declined"
    if behaviour == "3ds" and not authenticated:
        url = f"{world.base_url}/3ds/{intent['id']}"
        redirect = {"return_url": None, "url": url}
        action = {"redirect_to_url": redirect, "type": "redirect_to_url"}
        world.store.update(intent, status="requires_action", next_action=action)
        emit(world, "payment_intent.requires_action", intent)
        return "requires_action"
    if behaviour == "delayed":
        charge = world.store.add(payments.charge(world.now(), intent, method, "pending", None))
        world.store.update(intent, status="processing", latest_charge=charge["id"], next_action=None)
        emit(world, "charge.pending", charge)
        emit(world, "payment_intent.processing", intent)
        return "processing"
    charge = world.store.add(payments.charge(world.now(), intent, method, "succeeded", None))
    _take(world, charge)
    _succeed(world, intent, charge)
    return "succeeded"


def authenticate(world: World, intent: Obj, passed: bool) -> Outcome:
    """End the 3-D Secure step that an intent waits for."""
    method = world.need("payment_method", intent["payment_method"])
    if passed:
        return attempt(world, intent, method, authenticated=True)
    _fail(world, intent, method, _NOT_AUTHENTICATED)
    return "declined"


def settle(world: World, intent: Obj, succeeded: bool) -> Outcome:
    """End a delayed payment that is ``processing``."""
    charge = world.need("charge", intent["latest_charge"])
    if succeeded:
        world.store.update(charge, status="succeeded", paid=True, amount_captured=charge["amount"])
        _take(world, charge)
        _succeed(world, intent, charge)
        return "succeeded"
    world.store.update(
        charge,
        status="failed",
        captured=False,
        failure_code=_BANK_REFUSED["code"],
        failure_message=_BANK_REFUSED["message"],
    )
    _announce_failure(world, intent, charge, _BANK_REFUSED)
    return "declined"


def cancel_intent(world: World, intent: Obj, reason: str) -> None:
    """Give an unpaid intent up; one that is already over stays as it is."""
    if intent["status"] not in ("succeeded", "canceled"):
        world.store.update(
            intent, status="canceled", canceled_at=world.now(), cancellation_reason=reason, next_action=None
        )
        emit(world, "payment_intent.canceled", intent)


def _take(world: World, charge: Obj) -> None:
    fee = share(charge["amount"], 29, 1000) + 30
    movement = payments.balance_transaction(
        world.now(), charge["id"], charge["amount"], charge["currency"], "charge", fee=min(fee, charge["amount"])
    )
    world.store.add(movement)
    receipt = f"{world.base_url}/receipts/{charge['id']}"
    world.store.update(charge, balance_transaction=movement["id"], receipt_url=receipt)


def _succeed(world: World, intent: Obj, charge: Obj) -> None:
    world.store.update(
        intent,
        status="succeeded",
        amount_received=intent["amount"],
        latest_charge=charge["id"],
        next_action=None,
        last_payment_error=None,
    )
    customer = world.store.get("customer", intent["customer"] or "")
    if customer is not None and not customer.get("_deleted") and customer["currency"] is None:
        emit_updated(world, "customer.updated", customer, currency=intent["currency"])
    emit(world, "charge.succeeded", charge)
    emit(world, "payment_intent.succeeded", intent)


def _fail(world: World, intent: Obj, method: Obj, failure: dict[str, Any]) -> None:
    charge = world.store.add(payments.charge(world.now(), intent, method, "failed", failure))
    _announce_failure(world, intent, charge, failure)


def _announce_failure(world: World, intent: Obj, charge: Obj, failure: dict[str, Any]) -> None:
    error = {
        **failure,
        "type": "card_error",
        "charge": charge["id"],
        "doc_url": f"https://docs.stripe.com/error-codes/{failure['code'].replace('_', '-')}",
    }
    world.store.update(
        intent,
        status="requires_payment_method",
        latest_charge=charge["id"],
        last_payment_error=error,
        next_action=None,
        payment_method=None,
    )
    emit(world, "charge.failed", charge)
    emit(world, "payment_intent.payment_failed", intent)
