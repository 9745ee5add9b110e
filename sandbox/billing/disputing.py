"""Disputes: opened by the cardholder's bank, decided by it, and the money that moves with them."""

from __future__ import annotations

from sandbox.events import emit
from sandbox.protocol.errors import invalid
from sandbox.shapes import payments
from sandbox.store import Obj
from sandbox.world import World

STATUSES = (
    "warning_needs_response",
    "warning_under_review",
    "warning_closed",
    "needs_response",
    "under_review",
    "appeal_needs_response",
    "appeal_under_review",
    "won",
    "lost",
    "prevented",
)
_CLOSED = ("won", "lost", "warning_closed", "prevented")
_NEXT = {
    "warning_needs_response": ("warning_under_review", "warning_closed", "needs_response", "lost", "prevented"),
    "warning_under_review": ("warning_needs_response", "warning_closed", "needs_response"),
    "needs_response": ("under_review", "won", "lost", "prevented"),
    "under_review": ("needs_response", "won", "lost"),
    "lost": ("appeal_needs_response", "appeal_under_review", "won"),
    "won": ("appeal_under_review", "lost"),
    "appeal_needs_response": ("appeal_under_review", "won", "lost"),
    "appeal_under_review": ("won", "lost"),
}
_FEE = 1500


def open_dispute(
    world: World, charge: Obj, amount: int | None = None, *, inquiry: bool = False, reason: str = "fraudulent"
) -> Obj:
    """A dispute of a charge (all that is left of it by default), or an inquiry, in which no money moves yet.

    Announces ``charge.dispute.created`` and, for a dispute, ``charge.dispute.funds_withdrawn``.
    Raises 400 for a charge that did not succeed, is fully refunded, or already has an open dispute.
    """
    if charge["status"] != "succeeded" or charge["refunded"]:
        raise invalid("Only a successful charge that is not fully refunded can be disputed.")
    if any(other["status"] not in _CLOSED for other in world.store.where("dispute", charge=charge["id"])):
        raise invalid("This charge already has an open dispute.")
    status = "warning_needs_response" if inquiry else "needs_response"
    if amount is None:
        amount = charge["amount"] - charge["amount_refunded"]
    if amount < 1:
        raise invalid("Invalid positive integer", "amount", "parameter_invalid_integer")
    dispute = world.store.add(payments.dispute(world.now(), charge, amount, status=status, reason=reason))
    world.store.update(charge, disputed=True)
    emit(world, "charge.dispute.created", dispute)
    if not inquiry:
        _withdraw(world, dispute)
    return dispute


def next_statuses(dispute: Obj) -> tuple[str, ...]:
    """Where a dispute may go from here."""
    return _NEXT.get(dispute["status"], ())


def set_status(world: World, dispute: Obj, status: str) -> None:
    """The bank's next word on a dispute. Raises 400 for a step that a dispute does not take.

    Announces ``charge.dispute.closed`` when that ends it, else ``charge.dispute.updated``; and the movement of
    money, if any: withdrawn when an inquiry turns into a dispute, reinstated when it is won.
    """
    if status not in STATUSES:
        raise invalid(f"A dispute's status is one of {', '.join(STATUSES)}.", param="status")
    before = dispute["status"]
    if status not in next_statuses(dispute):
        raise invalid(f"A dispute does not go from {before} to {status}.", param="status")
    previous = world.store.update(
        dispute, status=status, is_charge_refundable=status in ("warning_needs_response", "warning_closed", "won")
    )
    closed = status in _CLOSED
    emit(world, "charge.dispute.closed" if closed else "charge.dispute.updated", dispute, None if closed else previous)
    taken = _taken(world, dispute)
    if status in ("needs_response", "lost") and not taken:
        details = {**dispute["payment_method_details"]}
        details["card"] = {**details["card"], "case_type": "chargeback"}
        world.store.update(dispute, payment_method_details=details)
        _withdraw(world, dispute)
    elif status in ("won", "prevented") and taken:
        _move(world, dispute, dispute["amount"], 0, "Chargeback reversal")
        emit(world, "charge.dispute.funds_reinstated", dispute)


def _withdraw(world: World, dispute: Obj) -> None:
    _move(world, dispute, -dispute["amount"], _FEE, "Chargeback withdrawal")
    emit(world, "charge.dispute.funds_withdrawn", dispute)


def _taken(world: World, dispute: Obj) -> bool:
    movements = [world.need("balance_transaction", key) for key in dispute["_balance_transactions"]]
    return bool(sum(movement["amount"] for movement in movements) < 0)


def _move(world: World, dispute: Obj, amount: int, fee: int, text: str) -> None:
    movement = payments.balance_transaction(
        world.now(), dispute["id"], amount, dispute["currency"], "adjustment", fee=fee, description=text
    )
    world.store.add(movement)
    world.store.update(dispute, _balance_transactions=[*dispute["_balance_transactions"], movement["id"]])
