"""Calls by which an app keeps its influencers."""

from __future__ import annotations

from api.influencers import (
    MAX_AMOUNT_MINOR,
    MAX_AT_ONCE,
    MAX_GRACE_DAYS,
    MAX_TIERS,
    TEXTS,
)
from api.openapi.call import Call
from api.openapi.schemas import (
    CURRENCY,
    ITEM,
    Schema,
    constrained,
    count,
    either,
    listing,
    obj,
    one_of,
    opt,
    ref,
    text,
    told,
)
from billing import influencers

_TIER = constrained(
    obj(
        id=ITEM,
        name=opt(text(longest=TEXTS["name"])),
        amount_minor=count("Money in minor units.", most=MAX_AMOUNT_MINOR),
        currency=opt(told(CURRENCY, "The catalog's; no other.")),
        interval=opt(one_of("month", "year")),
        credits=opt({"type": "integer", "minimum": 0, "description": "With each cycle, for this influencer."}),
        grace_days=opt(count("Access after the paid period.", least=0, most=MAX_GRACE_DAYS)),
    ),
    additionalProperties=False,
)
_TIERS = listing(_TIER, least=1, most=MAX_TIERS)
_WORDS: dict[str, Schema] = {name: opt(text(longest=longest)) for name, longest in TEXTS.items()}
_WORDS["handle"]["pattern"] = r"^\S+$"
_ONE = obj(id=ITEM, **{**_WORDS, "name": text(longest=TEXTS["name"])}, tiers=opt(_TIERS))

CALLS = (
    Call(
        "POST",
        "/influencers",
        "Add one influencer, or many",
        {201: {"anyOf": [ref("Influencer"), obj(data=listing(ref("Influencer")))]}},
        description="One with its fields, or `influencers` alone: then all are added, or none.",
        body=constrained(
            obj(
                id=opt(ITEM),
                **_WORDS,
                tiers=opt(_TIERS),
                influencers=opt(listing(constrained(_ONE, additionalProperties=False), least=1, most=MAX_AT_ONCE)),
            ),
            **either(["id", "name"], ["influencers"]),
        ),
        refuses=("conflict",),
        example={"id": "nova", "name": "Nova", "tiers": [{"id": "basic", "amount_minor": 999, "credits": 50}]},
    ),
    Call(
        "PATCH",
        "/influencers/{influencer}",
        "Change an influencer",
        {200: ref("Influencer")},
        description=(
            "What is not named stays; null for a text or the status lets what the catalog says hold again. "
            "Who is suspended or retired takes no new subscriptions."
        ),
        path_fields={"influencer": ITEM},
        body=obj(**_WORDS, status=opt(one_of(*influencers.STATUSES)), tiers=opt(_TIERS)),
        refuses=("conflict",),
        example={"status": "suspended"},
    ),
    Call(
        "GET",
        "/influencers/export",
        "Every influencer as a file",
        {200: obj(data=listing(ref("Influencer")))},
        query={"format": told(one_of("csv", "json"), "Default: json.")},
        media_types=("application/json", "text/csv"),
    ),
)
