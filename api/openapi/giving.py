"""Calls by which an app gives credits."""

from __future__ import annotations

from api.openapi.call import Call
from api.openapi.schemas import AMOUNT, CUSTOMER, ITEM, MOMENT, obj, opt, ref, text, told
from billing.adjustments import MAX_DESCRIPTION_CHARACTERS

CALLS = (
    Call(
        "POST",
        "/credits",
        "Give credits",
        {201: ref("Entry")},
        description="Once for each key, for ever.",
        body=obj(
            customer=CUSTOMER,
            amount=AMOUNT,
            description=text("Why; the customer reads it.", longest=MAX_DESCRIPTION_CHARACTERS),
            expires_at=opt(told(MOMENT, "Default: never.")),
            influencer=opt(told(ITEM, "Pays for this influencer only.")),
        ),
        once=True,
        refuses=("not_found",),
        example={"customer": "user-42", "amount": 25, "description": "Welcome back"},
    ),
)
