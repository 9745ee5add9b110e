"""The call by which an app asks for a price."""

from __future__ import annotations

from api.openapi.call import Call
from api.openapi.schemas import BOOLEAN, CREDITS, CUSTOMER, ITEM, TIME, Schema, nullable, obj, ref, told, words
from api.openapi.spending import JOB, STOPPED_BY

SHAPES: dict[str, Schema] = {
    "Quote": obj(
        id=words("Pass it on as `quote`: this price holds."),
        amount=CREDITS,
        available=CREDITS,
        affordable=BOOLEAN,
        shortfall=CREDITS,
        blocked_by=told(nullable(STOPPED_BY), "The first thing that would stop it."),
        expires_at=TIME,
    ),
}

CALLS = (
    Call(
        "POST",
        "/quotes",
        "What would it cost?",
        {200: ref("Quote")},
        description="Charges nothing, and says what would stop it.",
        body=obj(customer=CUSTOMER, action=ITEM, **JOB),
        refuses=("not_found", "unknown_action", "unit_out_of_range"),
        example={"customer": "user-42", "action": "audio", "units": 60},
    ),
)
