"""List answers: newest first, cut into pages by object id."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from sandbox.protocol.errors import StripeFailure, invalid
from sandbox.store import Obj
from sandbox.world import World


@dataclass(frozen=True)
class Page:
    """One page of stored objects, to be rendered."""

    data: list[Obj]
    has_more: bool


def page(
    world: World,
    kind: str,
    params: dict[str, Any],
    keep: Callable[[Obj], bool] = lambda obj: True,
    objects: Iterable[Obj] | None = None,
    newest_first: bool = True,
) -> Page:
    """The page that ``limit``, ``starting_after``, ``ending_before`` and ``created`` ask for.

    ``objects`` (in order of creation) replaces the store's objects of the kind. Raises 400 for a limit outside
    1-100 and for a cursor that is no object of the list.
    """
    limit = params.get("limit", 10)
    if not 1 <= limit <= 100:
        raise invalid("Invalid limit: must be between 1 and 100", param="limit", code="parameter_invalid_integer")
    found = [
        obj
        for obj in (world.store.all(kind) if objects is None else objects)
        if not obj.get("_deleted") and _created(obj, params.get("created")) and keep(obj)
    ]
    if newest_first:
        found.reverse()
    if "starting_after" in params:
        at = _index(found, kind, params["starting_after"], "starting_after")
        rest = found[at + 1 :]
        return Page(rest[:limit], len(rest) > limit)
    if "ending_before" in params:
        at = _index(found, kind, params["ending_before"], "ending_before")
        rest = found[:at]
        return Page(rest[-limit:], len(rest) > limit)
    return Page(found[:limit], len(found) > limit)


def _index(found: list[Obj], kind: str, key: str, param: str) -> int:
    for index, obj in enumerate(found):
        if obj["id"] == key:
            return index
    words = kind.split(".")[-1].replace("_", " ")
    raise StripeFailure(400, f"No such {words}: '{key}'", code="resource_missing", param=param)


def _created(obj: Obj, wanted: Any) -> bool:
    if wanted is None:
        return True
    created: int = obj.get("created", 0)
    if isinstance(wanted, int):
        return created == wanted
    tests = {
        "gt": created.__gt__,
        "gte": created.__ge__,
        "lt": created.__lt__,
        "lte": created.__le__,
    }
    return all(tests[name](bound) for name, bound in wanted.items())
