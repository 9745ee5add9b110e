"""`POST /influencers`, `PATCH /influencers/{id}`, `GET /influencers/export`: characters kept at run time."""

from __future__ import annotations

import re
from typing import Any, cast

from flask import Response

from api import query
from api.answers import answer
from api.auth import actor
from api.blueprint import bp
from api.body import Body, read_body
from api.catalog import write_influencer
from api.paths import ITEM_ID
from billing import catalog, influencers, money, spreadsheet
from billing.catalog import Influencer, Interval
from billing.influencers import NewTier

TEXTS = {"name": 200, "handle": 64, "platform": 64, "niche": 200, "description": 2000}
"""The words that an influencer has, and how long each may be."""
TIER_FIELDS = ("id", "name", "amount_minor", "currency", "interval", "credits", "grace_days")
MAX_AT_ONCE = 100
MAX_TIERS = 20
MAX_AMOUNT_MINOR = 99_999_999
MAX_GRACE_DAYS = 366

_HANDLE = re.compile(r"\S+")


@bp.post("/influencers")
def add_influencers() -> Response:
    """Add one influencer, or up to a hundred at once, all or none; the worker puts their prices to Stripe."""
    body = read_body("id", "tiers", "influencers", *TEXTS)
    if body.gives("influencers"):
        for name in body.gives("id", "tiers", *TEXTS):
            body.refuse(name, "does not go with influencers")
        new = [_read_new(each) for each in body.items("influencers", "id", "tiers", *TEXTS, most=MAX_AT_ONCE)]
        if len({each["id"] for each in new}) < len(new):
            body.refuse("influencers", "expected each id once")
    else:
        new = [_read_new(body)]
    body.check()
    added = influencers.add_influencers({each.pop("id"): each for each in new}, actor=actor())
    written = [_write(each) for each in added]
    return answer({"data": written} if body.gives("influencers") else written[0], 201)


@bp.patch("/influencers/<influencer_id>")
def change_influencer(influencer_id: str) -> Response:
    """Change what is named; who is suspended or retired takes nobody new."""
    body = read_body("status", "tiers", *TEXTS)
    change: dict[str, Any] = {name: each for name, each in _read_texts(body).items() if name in body}
    status = body.choice("status", influencers.STATUSES)
    tiers = _read_tiers(body)
    body.check()
    if "status" in body:
        change["status"] = status
    if body.gives("tiers"):
        change["tiers"] = tiers
    return answer(_write(influencers.change_influencer(influencer_id, change, actor=actor())))


@bp.get("/influencers/export")
def export_influencers() -> Response:
    """Every influencer as a file, one line for each tier in CSV."""
    everybody = influencers.known().influencers.values()
    if query.choice("format", ("csv", "json")) != "csv":
        return answer({"data": [_write(each) for each in everybody]})
    rows = [_HEADER, *(row for each in everybody for row in _rows(each))]
    content = "".join(spreadsheet.csv_lines(rows, "en"))
    disposition = {"Content-Disposition": 'attachment; filename="influencers.csv"'}
    return Response(content, headers=disposition, mimetype="text/csv")


_HEADER = (
    *("id", "name", "handle", "platform", "niche", "description", "status"),
    *("tier", "amount_minor", "currency", "interval", "credits"),
)


def _rows(influencer: Influencer) -> list[tuple[spreadsheet.Cell, ...]]:
    written = _write(influencer)
    person = tuple(written[name] for name in _HEADER[:7])
    tiers = [(each["id"], *(each[name] for name in _HEADER[8:])) for each in written["tiers"]]
    return [(*person, *tier) for tier in tiers or [(None,) * 5]]


def _write(influencer: Influencer) -> dict[str, Any]:
    return write_influencer(catalog.current().currency, influencer)


def _read_new(body: Body) -> dict[str, Any]:
    return {
        "id": body.text("id", required=True, pattern=ITEM_ID),
        **_read_texts(body, needs_name=True),
        "tiers": _read_tiers(body),
    }


def _read_texts(body: Body, needs_name: bool = False) -> dict[str, str | None]:
    found = {
        name: body.text(
            name,
            required=needs_name and name == "name",
            longest=longest,
            pattern=_HANDLE if name == "handle" else None,
        )
        for name, longest in TEXTS.items()
    }
    for name, words in found.items():
        # Line breaks read well in a description; other control characters have no business in a page.
        if words is not None and not words.replace("\n", "").isprintable():
            body.refuse(name, "contains a character that is not allowed")
    return found


def _read_tiers(body: Body) -> list[NewTier]:
    if not body.gives("tiers"):
        return []
    tiers = [_read_tier(each) for each in body.items("tiers", *TIER_FIELDS, most=MAX_TIERS)]
    if len({tier.id for tier in tiers}) < len(tiers):
        body.refuse("tiers", "expected each id once")
    return tiers


def _read_tier(body: Body) -> NewTier:
    currency = catalog.current().currency
    body.choice("currency", (currency,))
    credits = body.credits("credits", least=0) or 0
    if credits % money.MICRO:
        body.refuse("credits", "expected a whole number")
    amount_minor = body.count("amount_minor", required=True, most=MAX_AMOUNT_MINOR) or 1
    if not money.is_chargeable(amount_minor, currency):
        body.refuse("amount_minor", f"is no amount that {currency.upper()} is charged in")
    return NewTier(
        id=body.text("id", required=True, pattern=ITEM_ID) or "",
        amount_minor=amount_minor,
        interval=cast(Interval, body.choice("interval", ("month", "year")) or "month"),
        credits=credits,
        name=body.text("name", longest=TEXTS["name"]),
        grace_days=body.count("grace_days", least=0, most=MAX_GRACE_DAYS) or 0,
    )
