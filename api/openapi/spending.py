"""Calls by which an app prices a job, holds, charges and gives back, and how limits and use stand."""

from __future__ import annotations

from api.debits import MAX_REASON_CHARACTERS
from api.holds import MEASURES, REASONS
from api.openapi.call import Call
from api.openapi.reading import CUSTOMER_PATH
from api.openapi.schemas import (
    AMOUNT,
    CREDITS,
    CUSTOMER,
    ITEM,
    METADATA,
    TIME,
    Schema,
    constrained,
    count,
    either,
    listing,
    nullable,
    obj,
    one_of,
    opt,
    ref,
    text,
    told,
    words,
)
from billing import quotas
from billing.orders import MAX_DESCRIPTION_CHARACTERS
from billing.spending import DEFAULT_HOLD_SECONDS, MAX_HOLD_SECONDS

STOPPED_BY = one_of("credits", "quota", "subscription")

JOB: dict[str, Schema] = {
    "quantity": opt(count("How many times; default 1.")),
    "units": opt(count("How long or how many, for an action priced by unit or by steps.")),
    "model": opt(text("The model, for an action priced by model.", longest=128)),
    "input_tokens": opt(count("For an action priced by tokens.", least=0)),
    "output_tokens": opt(count("For an action priced by tokens.", least=0)),
    "influencer": opt(told(ITEM, "Whom it is for: credits for this influencer are spent first.")),
}
RECORD: dict[str, Schema] = {
    "reference": opt(text("Of your job: ties quote, hold and receipt together.")),
    "description": opt(text("The customer reads it.", longest=MAX_DESCRIPTION_CHARACTERS)),
    "metadata": opt(METADATA),
    "agent": opt(text("For statistics of use.")),
    "thread": opt(text("For statistics of use.")),
    "execution": opt(text("For statistics of use.")),
}
ORDER: dict[str, Schema] = {
    "customer": CUSTOMER,
    "action": opt(told(ITEM, "What is done; the catalog has its price.")),
    "amount": opt(told(AMOUNT, "Or so many credits, at your own reckoning.")),
    **JOB,
    "quote": opt(text("A quote's id: its price holds.", longest=40)),
    **RECORD,
}
REFUSALS = ("insufficient_credits", "subscription_required", "quota_exceeded", "unknown_action", "unit_out_of_range")
HOLD_PATH: dict[str, Schema] = {"hold": text("The hold's id.")}
HOLD_STATES = ("hold_already_captured", "hold_already_voided", "hold_expired")


def order_body(**more: Schema) -> Schema:
    return constrained(obj(**ORDER, **more), **either(["action"], ["amount"]))


SHAPES: dict[str, Schema] = {
    "Quota": obj(
        "A limit and its use; `resource` is `spending` for the customer's own limit of credits a month.",
        resource=words(),
        limit=CREDITS,
        used=CREDITS,
        remaining=CREDITS,
        period=one_of("month", "lifetime"),
        resets_at=nullable(TIME),
    ),
    "Charge": obj(
        debit=told(nullable(ref("Entry")), "Null when free, unlimited, or only observed while credits are short."),
        amount=CREDITS,
        would_refuse=told(nullable(STOPPED_BY), "What would have stopped it, where Saldo only observes."),
        balance=ref("ShortBalance"),
        quotas=listing(ref("Quota")),
    ),
    "Hold": obj(
        id=words(),
        customer=words(),
        amount=CREDITS,
        captured=CREDITS,
        status=one_of("active", "captured", "voided", "expired"),
        expires_at=TIME,
        reference=nullable(words()),
        balance=ref("ShortBalance"),
    ),
}


CALLS = (
    Call(
        "POST",
        "/debits",
        "Charge at once",
        {201: ref("Charge")},
        description="Once for each key, for ever. Checks subscription, then quota, then credits.",
        body=order_body(),
        once=True,
        refuses=("not_found", *REFUSALS),
        example={"customer": "user-42", "action": "upscale", "reference": "job-7"},
    ),
    Call(
        "POST",
        "/debits/{debit}/refunds",
        "Give a debit back",
        {201: ref("Entry")},
        description="All of it, or an amount; never more than was taken. All of it also gives the quota back.",
        path_fields={"debit": text("The entry's id.")},
        body=obj(
            amount=opt(AMOUNT),
            reason=opt(text("The customer reads it.", longest=MAX_REASON_CHARACTERS)),
        ),
        body_optional=True,
        once=True,
        refuses=("refund_exceeds", "conflict"),
        example={"reason": "The picture was spoiled"},
    ),
    Call(
        "POST",
        "/holds",
        "Set credits aside for a job",
        {201: ref("Hold")},
        description="Reserves quota too. What is neither captured nor voided is free again when the hold expires.",
        body=order_body(expires_in=opt(count(f"Seconds; default {DEFAULT_HOLD_SECONDS}.", most=MAX_HOLD_SECONDS))),
        once=True,
        refuses=("not_found", *REFUSALS),
        example={"customer": "user-42", "action": "audio", "units": 60, "expires_in": 600},
    ),
    Call("GET", "/holds/{hold}", "A hold as it stands", {200: ref("Hold")}, path_fields=HOLD_PATH),
    Call(
        "POST",
        "/holds/{hold}/capture",
        "Charge a hold",
        {200: obj(hold=ref("Hold"), debit=nullable(ref("Entry")), balance=ref("ShortBalance"))},
        description="All of it, an amount, or what the real length costs; the rest is free at once.",
        path_fields=HOLD_PATH,
        body=obj(
            amount=opt(AMOUNT),
            **{name: JOB[name] for name in MEASURES},
        ),
        body_optional=True,
        once=True,
        refuses=(*HOLD_STATES, "capture_exceeds_hold", "unit_out_of_range", "unknown_action"),
        example={"units": 42},
    ),
    Call(
        "POST",
        "/holds/{hold}/void",
        "Set a hold's credits free",
        {200: obj(hold=ref("Hold"), balance=ref("ShortBalance"))},
        path_fields=HOLD_PATH,
        body=obj(),
        body_optional=True,
        once=True,
        refuses=HOLD_STATES,
        example={},
    ),
    Call(
        "POST",
        "/holds/{hold}/fail",
        "End a hold whose job failed",
        {200: obj(hold=ref("Hold"), balance=ref("ShortBalance"))},
        description="Charges the share that the catalog gives for this reason; mostly nothing.",
        path_fields=HOLD_PATH,
        body=obj(reason=one_of(*REASONS)),
        once=True,
        refuses=HOLD_STATES,
        example={"reason": "provider_error"},
    ),
    Call(
        "GET",
        "/customers/{customer}/quotas",
        "Limits, and how much of each is used",
        {200: obj(data=listing(ref("Quota")))},
        path_fields=CUSTOMER_PATH,
    ),
    Call(
        "POST",
        "/customers/{customer}/quotas/{resource}/reset",
        "Begin a limit anew",
        {200: ref("Quota")},
        path_fields={**CUSTOMER_PATH, "resource": ITEM},
        body=obj(reason=text("Why; it is kept.", longest=quotas.MAX_REASON_CHARACTERS)),
        example={"reason": "Goodwill after an outage"},
    ),
)
