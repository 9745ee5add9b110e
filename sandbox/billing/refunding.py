"""Refunds: made by the API or by hand in the Dashboard, and what becomes of them later."""

from __future__ import annotations

from sandbox.events import emit, emit_updated
from sandbox.money import shown
from sandbox.protocol.errors import StripeFailure, invalid
from sandbox.shapes import payments
from sandbox.store import Obj
from sandbox.world import World

_COUNTING = ("pending", "requires_action", "succeeded")
_DISPUTE_BLOCKS = (
    "needs_response",
    "under_review",
    "lost",
    "appeal_needs_response",
    "appeal_under_review",
    "prevented",
)


def charge_to_refund(world: World, payment_intent: str | None, charge: str | None) -> Obj:
    """The charge that a refund names. Raises 400 when there is none that succeeded."""
    if (payment_intent is None) == (charge is None):
        raise invalid("Give exactly one of payment_intent and charge.", "payment_intent", "parameter_missing")
    if charge is not None:
        found = world.need("charge", charge, "charge")
    else:
        intent = world.need("payment_intent", payment_intent, "payment_intent")
        if intent["status"] != "succeeded":
            raise invalid(
                f"This PaymentIntent ({intent['id']}) does not have a successful charge to refund.",
                param="payment_intent",
            )
        found = world.need("charge", intent["latest_charge"])
    if found["status"] != "succeeded":
        raise StripeFailure(400, f"Charge {found['id']} was not successful.", code="charge_not_refundable")
    return found


def refund(
    world: World, charge: Obj, amount: int | None, *, reason: str | None = None, metadata: dict[str, str] | None = None
) -> Obj:
    """Give back an amount of a charge (all that is left when ``None``).

    Raises 400 ``charge_disputed``, ``charge_already_refunded``, or for an amount that is not within what is left.
    Announces ``refund.created`` and, unless it failed at once, ``charge.refunded``.
    """
    if any(dispute["status"] in _DISPUTE_BLOCKS for dispute in world.store.where("dispute", charge=charge["id"])):
        raise StripeFailure(
            400, f"Charge {charge['id']} has been charged back; cannot issue a refund.", code="charge_disputed"
        )
    left = charge["amount"] - charge["amount_refunded"]
    if left == 0:
        raise StripeFailure(400, f"Charge {charge['id']} has already been refunded.", code="charge_already_refunded")
    if amount is None:
        amount = left
    if amount < 1:
        raise invalid("Invalid positive integer", "amount", "parameter_invalid_integer")
    if amount > left:
        raise invalid(
            f"Refund amount ({shown(amount, charge['currency'])}) is greater than unrefunded amount on charge"
            f" ({shown(left, charge['currency'])})",
            param="amount",
        )
    status = world.refund_outcomes.pop(0) if world.refund_outcomes else "succeeded"
    made = world.store.add(
        payments.refund(world.now(), charge, amount, status="pending", reason=reason, metadata=metadata or {})
    )
    if status != "pending":
        made.pop("pending_reason")
    world.store.update(made, status=status)
    if status == "failed":
        world.store.update(made, failure_reason="lost_or_stolen_card")
        emit(world, "refund.created", made)
        emit(world, "refund.failed", made)
        return made
    if status == "succeeded":
        _move(world, made, -amount, "refund", "balance_transaction")
    _count(world, charge)
    emit(world, "charge.refunded", charge)
    emit(world, "refund.created", made)
    return made


def settle(world: World, made: Obj, succeeded: bool) -> None:
    """End a pending refund. Raises 400 when it is not pending."""
    if made["status"] != "pending":
        raise invalid(f"This refund is {made['status']}, not pending.")
    if not succeeded:
        fail(world, made)
        return
    _move(world, made, -made["amount"], "refund", "balance_transaction")
    made.pop("pending_reason", None)
    emit_updated(world, "refund.updated", made, status="succeeded")


def fail(world: World, made: Obj) -> None:
    """Let a pending or succeeded refund fail: the money comes back to us, the charge is less refunded again.

    Announces ``refund.updated`` and ``refund.failed``. Raises 400 for a refund that has failed already.
    """
    if made["status"] not in _COUNTING:
        raise invalid(f"This refund is already {made['status']}.")
    if made["status"] == "succeeded":
        _move(world, made, made["amount"], "refund_failure", "failure_balance_transaction")
    made.pop("pending_reason", None)
    previous = world.store.update(made, status="failed", failure_reason="lost_or_stolen_card")
    charge = world.need("charge", made["charge"])
    before = _count(world, charge)
    emit(world, "refund.updated", made, previous)
    emit(world, "refund.failed", made)
    emit(world, "charge.updated", charge, before)


def _move(world: World, made: Obj, amount: int, kind: str, field: str) -> None:
    movement = payments.balance_transaction(world.now(), made["id"], amount, made["currency"], kind)
    world.store.add(movement)
    world.store.update(made, **{field: movement["id"]})


def _count(world: World, charge: Obj) -> Obj:
    given_back = sum(r["amount"] for r in world.store.where("refund", charge=charge["id"]) if r["status"] in _COUNTING)
    return world.store.update(charge, amount_refunded=given_back, refunded=given_back == charge["amount"])
