"""``expand[]``: ids replaced by the objects they name, and lists that are absent unless asked for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sandbox.protocol.errors import invalid
from sandbox.render import list_of, wire
from sandbox.store import Obj
from sandbox.world import World

_DEEPEST = 4

# Products, coupons and promotion codes may have ids of the caller's choice, so their kind follows from the field.
_KIND_BY_FIELD = {"product": "product", "coupon": "coupon"}


def expand(world: World, answer: Obj, paths: list[str]) -> Obj:
    """Expand every path in a rendered answer. Raises 400 for a property that cannot be expanded."""
    for path in paths:
        parts = path.split(".")
        if sum(part != "data" for part in parts) > _DEEPEST:
            raise invalid(f"You cannot expand more than {_DEEPEST} levels of a property.", param="expand")
        _descend(world, answer, parts, path)
    return answer


def _descend(world: World, node: Any, parts: list[str], path: str) -> None:
    if isinstance(node, list):
        for item in node:
            _descend(world, item, parts, path)
        return
    name, rest = parts[0], parts[1:]
    if not isinstance(node, dict):
        raise _refusal(path)
    include = _INCLUDABLE.get((str(node.get("object")), name))
    if name not in node and include is not None:
        node[name] = include(world, node["id"])
    elif name not in node:
        raise _refusal(path)
    elif isinstance(node[name], str):
        node[name] = _object(world, name, node[name], path)
    elif isinstance(node[name], list) and all(isinstance(item, str) for item in node[name]):
        node[name] = [_object(world, name, item, path) for item in node[name]]
    elif not rest and not (isinstance(node[name], dict) and "object" in node[name]) and node[name] is not None:
        raise _refusal(path)
    if rest and node[name] is not None:
        _descend(world, node[name], rest, path)


def _object(world: World, field: str, key: str, path: str) -> Obj:
    kind = _KIND_BY_FIELD.get(field)
    found = world.store.get(kind, key) if kind else world.store.find(key)
    if found is None or found["object"].startswith("_"):
        raise _refusal(path)
    return wire(world, found)


def _refusal(path: str) -> Exception:
    return invalid(f"This property cannot be expanded ({path}).", param="expand")


def _payments(world: World, key: str) -> Obj:
    found = list(world.store.where("invoice_payment", invoice=key))
    return list_of(world, found, f"/v1/invoice_payments?invoice={key}")


def _line_items(world: World, key: str) -> Obj:
    session = world.need("checkout.session", key)
    found = [world.need("item", item) for item in session["_line_items"]]
    return list_of(world, found, f"/v1/checkout/sessions/{key}/line_items")


def _refunds(world: World, key: str) -> Obj:
    found = list(reversed(list(world.store.where("refund", charge=key))))
    return list_of(world, found[:10], f"/v1/charges/{key}/refunds", len(found) > 10)


def _subscriptions(world: World, key: str) -> Obj:
    found = [sub for sub in world.store.where("subscription", customer=key) if sub["ended_at"] is None]
    return list_of(world, list(reversed(found))[:10], f"/v1/customers/{key}/subscriptions", len(found) > 10)


def _applies_to(world: World, key: str) -> Obj:
    coupon = world.need("coupon", key)
    return {"products": list(coupon["_applies_to"])} if coupon.get("_applies_to") else {"products": []}


_INCLUDABLE: dict[tuple[str, str], Callable[[World, str], Obj]] = {
    ("invoice", "payments"): _payments,
    ("checkout.session", "line_items"): _line_items,
    ("charge", "refunds"): _refunds,
    ("customer", "subscriptions"): _subscriptions,
    ("coupon", "applies_to"): _applies_to,
}
