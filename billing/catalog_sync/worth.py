"""What a price is worth, written on the price at Stripe too, so that the table can be rebuilt from there."""

from __future__ import annotations

from typing import Any

from billing.catalog import Sellable
from billing.stripe_facts import PriceFacts

WORTH = (
    "kind",
    "item",
    "tier",
    "credits",
    "bonus",
    "trial_credits",
    "per_seat",
    "rollover_percent",
    "yearly_grant",
    "priority",
    "expires_after_days",
    "grace_days",
)
"""The columns of a price that say what it is worth, besides what it costs."""


def worth_metadata(sellable: Sellable) -> dict[str, str]:
    """What a price of this sellable is worth, as metadata for Stripe."""
    words = {f"saldo_{name}": _word(getattr(sellable, name)) for name in WORTH}
    return {name: word for name, word in words.items() if word} | {"saldo_key": sellable.lookup_key}


def is_ours(price: PriceFacts, lookup_key: str | None = None) -> bool:
    """Whether a sync made this price, for this lookup key if one is given."""
    key = price.metadata.get("saldo_key")
    return key is not None and lookup_key in (None, key)


def is_worth(price: PriceFacts, sellable: Sellable) -> bool:
    """Whether the price costs and is worth exactly what the catalog says."""
    return (
        price.product,
        price.unit_amount,
        price.currency,
        price.interval,
        price.interval_count,
        {name: value for name, value in price.metadata.items() if name.startswith("saldo_")},
    ) == (
        sellable.product_id,
        sellable.amount_minor,
        sellable.currency,
        sellable.interval,
        1,
        worth_metadata(sellable),
    )


def _word(value: object) -> str:
    """Metadata values are texts; nothing and zero are left out alike."""
    return "" if value in (None, False, 0) else "1" if value is True else str(value)


def worth_of(metadata: dict[str, str]) -> dict[str, Any]:
    """The columns of a price that `worth_metadata` wrote down."""

    def number(name: str) -> int:
        word = metadata.get(f"saldo_{name}", "0")
        return int(word) if word.isascii() and word.isdigit() else 0

    return {
        "kind": metadata.get("saldo_kind", "plan"),
        "item": metadata.get("saldo_item", ""),
        "tier": metadata.get("saldo_tier"),
        "credits": number("credits"),
        "bonus": number("bonus"),
        "trial_credits": number("trial_credits"),
        "per_seat": number("per_seat") == 1,
        "rollover_percent": number("rollover_percent"),
        "yearly_grant": metadata.get("saldo_yearly_grant"),
        "priority": number("priority"),
        "expires_after_days": number("expires_after_days") or None,
        "grace_days": number("grace_days"),
    }
