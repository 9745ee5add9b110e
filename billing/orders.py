"""What an app asks for, and what that costs: by the catalog, by a quote that still holds, or by its own amount."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction
from typing import Any

from sqlalchemy import select

from billing import catalog
from billing.db import connection
from billing.errors import Invalid, InvalidAmount, NotFound, UnitOutOfRange
from billing.ledger.posting import Note
from billing.models import Quote
from billing.money import MAX_MOVE, dumps, round_half_up
from billing.pricing import price_work

NANO = 10**9
MAX_COUNT = 10**9
"""The most of anything in one order: times, units, tokens."""
MAX_DESCRIPTION_CHARACTERS = 1000
MAX_METADATA_CHARACTERS = 16_384
_LENGTHS = {"model": 128, "influencer": 64, "reference": 255, "agent": 255, "thread": 255, "execution": 255}
_COUNTS = {"quantity": 1, "units": 1, "input_tokens": 0, "output_tokens": 0}


@dataclass(frozen=True, slots=True)
class Order:
    """What an app asks for: an ``action`` of the catalog, or an ``amount`` of micro-credits of its own reckoning."""

    action: str | None = None
    amount: int | None = None
    quantity: int = 1
    units: int | None = None
    model: str | None = None
    input_tokens: int | None = None
    output_tokens: int | None = None
    influencer: str | None = None
    quote: str | None = None
    reference: str | None = None
    description: str | None = None
    metadata: Mapping[str, Any] | None = None
    agent: str | None = None
    thread: str | None = None
    execution: str | None = None

    def note(self, actor: str) -> Note:
        """What the entry will say."""
        return Note(actor, self.action, self.description, self.reference, self.metadata)


@dataclass(frozen=True, slots=True)
class Cost:
    """What an order costs in micro-credits, and by which price list; the maker's price in billionths of a dollar."""

    amount: int
    cost_nano_usd: int | None = None
    price_version: str | None = None
    quote_id: str | None = None


def check_order(order: Order) -> None:
    """Raise ``Invalid``, ``InvalidAmount`` or ``UnitOutOfRange`` for an order that cannot be meant."""
    if (order.action is None) == (order.amount is None):
        raise Invalid("action: give an action or an amount, and not both")
    if order.amount is not None and not 0 < order.amount <= MAX_MOVE:
        raise InvalidAmount("amount: more than 0 and at most 1000000000 credits")
    for name, least in _COUNTS.items():
        count = getattr(order, name)
        if count is not None and not least <= count <= MAX_COUNT:
            raise UnitOutOfRange(f"{name}: expected {least} to {MAX_COUNT}")
    for name, most in _LENGTHS.items():
        text = getattr(order, name)
        if text is not None and not 0 < len(text) <= most:
            raise Invalid(f"{name}: expected 1 to {most} characters")
    if order.description is not None and len(order.description) > MAX_DESCRIPTION_CHARACTERS:
        raise Invalid(f"description: at most {MAX_DESCRIPTION_CHARACTERS} characters")
    if order.metadata and len(dumps(order.metadata)) > MAX_METADATA_CHARACTERS:
        raise Invalid(f"metadata: at most {MAX_METADATA_CHARACTERS} characters of JSON")


def cost_of(account_id: int, order: Order, now: datetime) -> Cost:
    """What the order costs now: its quote's price if it brings one, else the catalog's, else its own amount.

    Raises what ``price_action`` raises; ``NotFound`` for a quote that is not this account's, ``Invalid`` for one that
    has expired or is for something else.
    """
    if order.quote is not None:
        return _quoted(account_id, order, now)
    if order.action is None:
        assert order.amount is not None, "check_order lets an order without action or amount through"
        return Cost(order.amount)
    return price_of(order)


def price_of(order: Order) -> Cost:
    """What the order's action costs by the catalog that is in force; raises what ``price_action`` raises."""
    known = catalog.current()
    priced = price_work(known, order)
    return Cost(priced.amount_micro, _nano(priced.cost_usd), known.version)


def terms_of(order: Order) -> str:
    """What a quote is for: everything that the price depends on, as JSON that is the same for the same order."""
    names = ("action", "quantity", "units", "model", "input_tokens", "output_tokens", "influencer")
    return json.dumps({name: getattr(order, name) for name in names})


def _quoted(account_id: int, order: Order, now: datetime) -> Cost:
    row = (
        connection()
        .execute(select(Quote.__table__).where(Quote.id == order.quote, Quote.account_id == account_id))
        .first()
    )
    if row is None:
        raise NotFound()
    if row.terms != terms_of(order):
        raise Invalid("quote: it is for something else than what is asked for here")
    if now >= row.expires_at:
        raise Invalid("quote: it has expired; ask for a new one")
    return Cost(row.amount, row.cost_nano_usd, row.price_version, row.id)


def _nano(cost_usd: Fraction | None) -> int | None:
    # No call costs nine billion dollars, but a number that no column holds would be a 500.
    return None if cost_usd is None else min(round_half_up(cost_usd * NANO), 2**63 - 1)
