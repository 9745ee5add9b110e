"""Edits of the catalog by hand, as somebody might make them in the Dashboard."""

from __future__ import annotations

from typing import Any

from sandbox.events import emit_updated
from sandbox.protocol.errors import invalid
from sandbox.store import Obj
from sandbox.world import World

_EDITABLE = {
    "product": {"name", "description", "active", "metadata"},
    "price": {"active", "nickname", "lookup_key", "metadata"},
}


def edit(world: World, given: dict[str, Any]) -> Obj:
    """Change the ``product`` or ``price`` that ``given`` names. Raises 400 for a field nobody could edit there."""
    kind = next((kind for kind in _EDITABLE if kind in given), None)
    if kind is None:
        raise invalid("Name a product or a price.", param="product")
    found = world.need(kind, given[kind], kind)
    changes = {name: value for name, value in given.items() if name != kind}
    for name in changes:
        if name not in _EDITABLE[kind]:
            raise invalid(f"A {kind}'s {name} cannot be edited.", param=name)
    if kind == "product":
        changes["updated"] = world.now()
    emit_updated(world, f"{kind}.updated", found, **changes)
    return found
