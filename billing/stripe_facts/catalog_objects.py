"""Products, prices and the portal's configuration: what the catalog has put at Stripe."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from billing.stripe_facts import fields


@dataclass(frozen=True)
class ProductFacts:
    """A product; ours have fixed ids (`saldo_plan_…`)."""

    id: str
    name: str
    active: bool
    metadata: dict[str, str]


@dataclass(frozen=True)
class PriceFacts:
    """A price: `unit_amount` in minor units of `currency` (None: tiered or metered, never ours)."""

    id: str
    product: str
    lookup_key: str | None
    unit_amount: int | None
    currency: str
    interval: str | None
    interval_count: int
    active: bool
    metadata: dict[str, str]


@dataclass(frozen=True)
class PortalConfigurationFacts:
    """A configuration of the customer portal; ours is found again by its metadata."""

    id: str
    active: bool
    metadata: dict[str, str]


def read_product(obj: Mapping[str, Any]) -> ProductFacts:
    """The facts of a `product`; raises `Malformed`."""
    return ProductFacts(
        id=fields.text(obj, "id"),
        name=fields.text(obj, "name", longest=10_000),
        active=fields.flag(obj, "active"),
        metadata=fields.metadata(obj),
    )


def read_price(obj: Mapping[str, Any]) -> PriceFacts:
    """The facts of a `price`; raises `Malformed`."""
    recurring = fields.section(obj, "recurring")
    return PriceFacts(
        id=fields.text(obj, "id"),
        product=fields.required_reference(obj, "product"),
        lookup_key=fields.optional_text(obj, "lookup_key"),
        unit_amount=None if obj.get("unit_amount") is None else fields.whole(obj, "unit_amount"),
        currency=fields.currency(obj),
        interval=fields.optional_text(recurring, "interval"),
        interval_count=fields.whole(recurring, "interval_count", 1),
        active=fields.flag(obj, "active"),
        metadata=fields.metadata(obj),
    )


def read_portal_configuration(obj: Mapping[str, Any]) -> PortalConfigurationFacts:
    """The facts of a `billing_portal.configuration`; raises `Malformed`."""
    return PortalConfigurationFacts(
        id=fields.text(obj, "id"),
        active=fields.flag(obj, "active"),
        metadata=fields.metadata(obj),
    )
