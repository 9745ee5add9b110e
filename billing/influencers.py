"""The one door to influencers: those of the catalog's file, and those that apps add or change at run time.

Rules and doors that need influencers ask `known()`, which is the catalog with all of them in it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, cast, get_args

from sqlalchemy import select

from billing import catalog, clock
from billing.catalog import DEFAULT_PRIORITY, Catalog, Influencer, Interval, Text, Tier
from billing.catalog.model import InfluencerStatus
from billing.db import db, transaction
from billing.errors import Conflict, Invalid, NotFound
from billing.models import KeptInfluencer

ID = re.compile(r"[a-z0-9._-]{1,64}")
STATUSES: tuple[InfluencerStatus, ...] = get_args(InfluencerStatus)
_NO_TEXT = Text({})


@dataclass(frozen=True, slots=True)
class NewTier:
    """A way to subscribe: its price in minor units of the catalog's currency, credits in micro-credits."""

    id: str
    amount_minor: int
    interval: Interval = "month"
    credits: int = 0
    name: str | None = None
    grace_days: int = 0


Change = Mapping[str, Any]
"""New values by field: `name`, `handle`, `platform`, `niche`, `description`, `status`, `tiers` (of `NewTier`)."""


def known() -> Catalog:
    """The catalog in force with every influencer: the file's in its order, then those added, the oldest first."""
    base = catalog.current()
    rows = db.session.scalars(select(KeptInfluencer).order_by(KeptInfluencer.created_at, KeptInfluencer.id)).all()
    if not rows:
        return base
    merged = dict(base.influencers)
    for row in rows:
        merged[row.id] = _merge(base.influencers.get(row.id), row)
    return replace(base, influencers=merged)


def find(influencer_id: str) -> Influencer:
    """An influencer; raises `NotFound`."""
    found = find_or_none(influencer_id)
    if found is None:
        raise NotFound()
    return found


def find_or_none(influencer_id: str) -> Influencer | None:
    """An influencer, if there is one of this id."""
    listed = catalog.current().influencers.get(influencer_id)
    if not ID.fullmatch(influencer_id):
        return listed
    row = db.session.get(KeptInfluencer, influencer_id)
    return listed if row is None else _merge(listed, row)


def is_known(influencer_id: str) -> bool:
    """Whether there is an influencer of this id; quicker than to look at one."""
    if influencer_id in catalog.current().influencers:
        return True
    return bool(ID.fullmatch(influencer_id)) and db.session.get(KeptInfluencer, influencer_id) is not None


def added() -> Catalog:
    """The catalog with only those influencers in it whose tiers may have been made or changed at run time."""
    names = set(db.session.scalars(select(KeptInfluencer.id).where(KeptInfluencer.tiers.is_not(None))))
    everybody = known()
    kept = {name: each for name, each in everybody.influencers.items() if name in names}
    return replace(everybody, plans={}, packs={}, influencers=kept)


def add_influencers(new: Mapping[str, Change], *, actor: str) -> list[Influencer]:
    """Add influencers by id, all or none; each needs a `name`. Raises `Conflict` for an id that there is."""
    with transaction():
        for influencer_id, values in new.items():
            if find_or_none(influencer_id) is not None:
                raise Conflict(f"There already is an influencer {influencer_id}.")
            db.session.add(_row(influencer_id, {"status": "active", "tiers": (), **values}, actor))
            db.session.flush()
    return [find(influencer_id) for influencer_id in new]


def change_influencer(influencer_id: str, change: Change, *, actor: str) -> Influencer:
    """Change what is named; raises `NotFound`, and `Invalid` for a name or status taken away with none to fall back on.

    Who is suspended or retired takes no new subscribers; those there are keep what they pay for. A new price is
    for new subscribers. None lets what the file says hold again.
    """
    with transaction():
        find(influencer_id)
        for name in ("name", "status"):
            if name in change and change[name] is None and influencer_id not in catalog.current().influencers:
                raise Invalid(f"{name}: is required")
        row = db.session.get(KeptInfluencer, influencer_id, with_for_update=True)
        if row is None:
            row = _row(influencer_id, {}, actor)
            db.session.add(row)
        for name, value in _columns(change).items():
            setattr(row, name, value)
        row.changed_at, row.changed_by = clock.now(), actor
    return find(influencer_id)


def _row(influencer_id: str, values: Change, actor: str) -> KeptInfluencer:
    now = clock.now()
    return KeptInfluencer(id=influencer_id, created_at=now, changed_at=now, changed_by=actor, **_columns(values))


def _columns(values: Change) -> dict[str, Any]:
    tiers: Sequence[NewTier] | None = values.get("tiers")
    if tiers is None:
        return dict(values)
    return {
        **values,
        "tiers": json.dumps([{name: getattr(tier, name) for name in NewTier.__slots__} for tier in tiers]),
    }


def _merge(listed: Influencer | None, row: KeptInfluencer) -> Influencer:
    base = listed or Influencer(
        id=row.id,
        name=_NO_TEXT,
        handle=None,
        platform=None,
        niche=_NO_TEXT,
        description=_NO_TEXT,
        picture_url=None,
        status="active",
        tiers={},
    )
    tiers = base.tiers if row.tiers is None else {each["id"]: _tier(each) for each in json.loads(row.tiers)}
    return replace(
        base,
        name=_text(row.name) or base.name,
        handle=row.handle or base.handle,
        platform=row.platform or base.platform,
        niche=_text(row.niche) or base.niche,
        description=_text(row.description) or base.description,
        status=cast(InfluencerStatus, row.status) if row.status else base.status,
        tiers=tiers,
    )


def _text(words: str | None) -> Text:
    return Text({"en": words}) if words else _NO_TEXT


def _tier(stored: Mapping[str, Any]) -> Tier:
    return Tier(
        id=stored["id"],
        name=_text(stored["name"] or stored["id"]),
        description=_NO_TEXT,
        price=stored["amount_minor"],
        interval=stored["interval"],
        credits=stored["credits"],
        trial_days=0,
        trial_credits=0,
        grace_days=stored["grace_days"],
        priority=DEFAULT_PRIORITY,
    )
