"""Calls by which money goes back, and its credits with it."""

from __future__ import annotations

from api.openapi.call import Call
from api.openapi.schemas import (
    CREDITS,
    CURRENCY,
    MINOR,
    Schema,
    count,
    obj,
    one_of,
    opt,
    ref,
    text,
    told,
    words,
)
from api.refunds import MAX_NOTE_CHARACTERS
from billing import refunds

_MODE = one_of(*refunds.MODES, description="Which credits go: the same share, what is unspent, or none.")
_REASON = one_of(*refunds.REASONS)


def _what(reason: Schema) -> Schema:
    return obj(
        payment=text("The payment's id.", longest=40),
        amount_minor=opt(count("Default: all that may be given back.", most=10**12)),
        credits=_MODE,
        reason=reason,
        note=opt(text(longest=MAX_NOTE_CHARACTERS)),
    )


_EXAMPLE = {"payment": "pay_1", "credits": "proportional", "reason": "requested_by_customer"}
_REFUSALS = ("not_found", "disputed", "conflict", "refund_exceeds")

SHAPES: dict[str, Schema] = {
    "Refund": obj(
        id=words(),
        payment=words(),
        status=one_of("succeeded", "pending", "needs_approval", "failed", "canceled", "rejected"),
        amount_minor=MINOR,
        currency=CURRENCY,
        credits_taken=CREDITS,
        debt_created=CREDITS,
        balance=ref("ShortBalance"),
    )
}

CALLS = (
    Call(
        "POST",
        "/refunds/preview",
        "What would a refund do?",
        {
            200: obj(
                amount_minor=MINOR,
                currency=CURRENCY,
                credits_taken=CREDITS,
                already_spent=CREDITS,
                held=CREDITS,
                debt_created=CREDITS,
                balance_after=CREDITS,
            )
        },
        body=_what(opt(_REASON)),
        refuses=_REFUSALS,
        example=_EXAMPLE,
    ),
    Call(
        "POST",
        "/refunds",
        "Give money back",
        {
            201: ref("Refund"),
            202: told(ref("Refund"), "`pending`, also when Stripe did not answer, or `needs_approval`."),
        },
        body=_what(_REASON),
        once=True,
        refuses=(*_REFUSALS, "not_permitted", "stripe_unavailable"),
        example=_EXAMPLE,
    ),
    Call(
        "GET",
        "/refunds/{refund}",
        "A refund as it stands",
        {200: ref("Refund")},
        path_fields={"refund": text("The refund's id.")},
    ),
)
