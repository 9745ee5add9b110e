"""The cards that customers have stored."""

from __future__ import annotations

from sandbox.events import emit, emit_updated
from sandbox.protocol.errors import invalid
from sandbox.shapes import customers
from sandbox.store import Obj
from sandbox.world import World

BEHAVIOURS = ("ok", "decline", "decline_once", "3ds")


def set_behaviour(world: World, customer: Obj, behaviour: str) -> None:
    """From now on every stored card of the customer behaves so; one is stored if there is none."""
    _check(behaviour)
    stored = list(world.store.where("payment_method", customer=customer["id"]))
    for method in stored:
        world.store.update(method, _behaviour=behaviour)
    if not stored:
        add_card(world, customer, behaviour)


def add_card(world: World, customer: Obj, behaviour: str = "ok") -> Obj:
    """Store a new card as the default of the customer and of every running subscription."""
    _check(behaviour)
    method = world.store.add(customers.payment_method(world.now(), customer, behaviour=behaviour))
    emit(world, "payment_method.attached", method)
    settings = {**customer["invoice_settings"], "default_payment_method": method["id"]}
    emit_updated(world, "customer.updated", customer, invoice_settings=settings)
    for subscription in list(world.store.where("subscription", customer=customer["id"])):
        if subscription["ended_at"] is None and subscription["default_payment_method"] is not None:
            emit_updated(world, "customer.subscription.updated", subscription, default_payment_method=method["id"])
    return method


def _check(behaviour: str) -> None:
    if behaviour not in BEHAVIOURS:
        raise invalid(f"A card's behaviour is one of {', '.join(BEHAVIOURS)}.", param="behaviour")
