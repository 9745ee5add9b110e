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
    sometimes,
    text,
    told,
    words,
)
from api.openapi.spending import ORDER, STOPPED_BY
from api.usage import MAX_ID_CHARACTERS
from billing import usage

USD: Schema = {"type": "number", "description": "What the model's maker asks, in dollars; exact."}

SHAPES: dict[str, Schema] = {
    "Use": obj(
        "Use added up by one key.",
        key=nullable(words()),
        calls=INTEGER,
        input_tokens=INTEGER,
        output_tokens=INTEGER,
        credits=CREDITS,
        cost_usd=USD,
    ),
    "UsageEvent": obj(
        "One job.",
        id=words(),
        state=one_of("held", "done", "failed", "voided", "expired"),
        action=nullable(words()),
        quantity=INTEGER,
        units=nullable(INTEGER),
        model=nullable(words()),
        input_tokens=nullable(INTEGER),
        output_tokens=nullable(INTEGER),
        influencer=nullable(words()),
        agent=nullable(words()),
        thread=nullable(words()),
        execution=nullable(words()),
        reference=nullable(words()),
        amount=told(CREDITS, "Its price."),
        credits=told(CREDITS, "Charged, less what was given back."),
        cost_usd=nullable(USD),
        would_refuse=nullable(STOPPED_BY),
        failure=nullable(words("Why it failed.")),
        debit=nullable(words("The entry's id.")),
        occurred_at=TIME,
    ),
}

_USE_QUERY = {**SPAN, "group_by": told(one_of(*usage.GROUPS), "What to add up by.")}
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
                        code=sometimes(words("Why it was rejected.")),
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
                    obj(
                        id=text("Yours, one for each event.", longest=MAX_ID_CHARACTERS),
                        **ORDER,
                        occurred_at=opt(MOMENT),
                    ),
                    **either(["action"], ["amount"]),
                    additionalProperties=False,
                ),
                least=1,
                most=usage.MAX_EVENTS,
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
