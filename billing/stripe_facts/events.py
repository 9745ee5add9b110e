"""The envelope every webhook comes in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from billing.stripe_facts import fields
from billing.stripe_facts.fields import Malformed


@dataclass(frozen=True)
class EventFacts:
    """One v1 event; `object` is the snapshot it carries, as Stripe sent it (a plain mapping)."""

    id: str
    type: str
    created: datetime
    livemode: bool
    account: str | None
    api_version: str | None
    object: Mapping[str, Any]
    object_id: str | None
    previous: Mapping[str, Any]


def is_thin_event(payload: object) -> bool:
    """Whether this is a v2 notification, which carries a reference only and is none of our business."""
    return isinstance(payload, Mapping) and str(payload.get("object", "")).startswith("v2.")


def read_event(payload: object) -> EventFacts:
    """The facts of an event's JSON; raises `Malformed` for anything that is not a v1 event with an object."""
    if not isinstance(payload, Mapping):
        raise Malformed("an event is an object")
    data = fields.section(payload, "data")
    snapshot = data.get("object")
    if not isinstance(snapshot, Mapping) or not snapshot:
        raise Malformed("data.object is missing")
    return EventFacts(
        id=fields.text(payload, "id"),
        type=fields.text(payload, "type", longest=80),
        created=fields.moment(payload, "created"),
        livemode=fields.flag(payload, "livemode"),
        account=fields.optional_text(payload, "account"),
        api_version=fields.optional_text(payload, "api_version"),
        object=snapshot,
        # `invoice.upcoming` has none.
        object_id=fields.optional_text(snapshot, "id"),
        previous=fields.section(data, "previous_attributes"),
    )
