"""Calls that record what has been used, and add it up."""

from __future__ import annotations

from api.openapi.call import Call
from api.openapi.reading import CUSTOMER_PATH, PAGES, SPAN
from api.openapi.schemas import (
    CREDITS,
    INTEGER,
    MOMENT,
    TIME,
    Schema,
    constrained,
    either,
    listing,
    nullable,
    obj,
    one_of,
    opt,
    page,
    ref,
    text,
    told,
    words,
)
from api.openapi.spending import ORDER, STOPPED_BY

MAX_EVENTS = 1000
GROUPS = ("day", "action", "model", "agent", "thread", "execution", "influencer")

SHAPES: dict[str, Schema] = {
    "Use": obj(
        "Use added up by one key.",
        key=nullable(words()),
        calls=INTEGER,
        input_tokens=INTEGER,
        output_tokens=INTEGER,
        credits=CREDITS,
        cost_usd=nullable({"type": "number"}),
    ),
    "UsageEvent": obj(
        "One job.",
        id=words(),
        action=nullable(words()),
        model=nullable(words()),
        agent=nullable(words()),
        thread=nullable(words()),
        execution=nullable(words()),
        influencer=nullable(words()),
        quantity=INTEGER,
        units=nullable(INTEGER),
        input_tokens=nullable(INTEGER),
        output_tokens=nullable(INTEGER),
        credits=CREDITS,
        cost_usd=nullable({"type": "number"}),
        would_refuse=nullable(STOPPED_BY),
        reference=nullable(words()),
        occurred_at=TIME,
    ),
}

_USE_QUERY = {**SPAN, "group_by": told(one_of(*GROUPS), "What to add up by.")}
_USE = obj(data=listing(ref("Use")), total=ref("Use"))

CALLS = (
    Call(
        "POST",
        "/usage",
        "Record what has been used already",
        {
            200: obj(
                results=listing(
                    obj(
                        id=words(),
                        status=one_of("recorded", "duplicate", "rejected"),
                        amount=nullable(CREDITS),
                        code=opt(words("Why it was rejected.")),
                    )
                )
            )
        },
        description=(
            "In batches. Each event's `id` is its idempotency key, for ever. A rejected event stores nothing and may "
            "be sent again."
        ),
        body=obj(
            events=listing(
                constrained(
                    obj(id=text("Yours, one for each event."), **ORDER, occurred_at=opt(nullable(MOMENT))),
                    **either(["action"], ["amount"]),
                    additionalProperties=False,
                ),
                least=1,
                most=MAX_EVENTS,
            )
        ),
        example={"events": [{"id": "evt-1", "customer": "user-42", "action": "text-to-image"}]},
    ),
    Call(
        "GET",
        "/customers/{customer}/usage",
        "What a customer used, added up",
        {200: _USE},
        path_fields=CUSTOMER_PATH,
        query=_USE_QUERY,
    ),
    Call(
        "GET",
        "/customers/{customer}/usage-events",
        "What a customer used, job by job",
        {200: page(ref("UsageEvent"))},
        path_fields=CUSTOMER_PATH,
        query={**SPAN, **PAGES},
    ),
    Call("GET", "/usage", "What all customers used, added up", {200: _USE}, query=_USE_QUERY),
)
