"""What is for sale and what things cost: the catalog file, read, checked and frozen.

`create_app` reads it once and hands it to `configure`; rules ask `current()`.
"""

from __future__ import annotations

from billing.catalog.checks import check_catalog
from billing.catalog.findings import CatalogFinding
from billing.catalog.model import (
    DEFAULT_PRIORITY,
    FREE_PLAN,
    Action,
    ActionKind,
    Catalog,
    Enforcement,
    FailureReason,
    FreePlan,
    Influencer,
    Interval,
    ModelPrice,
    Pack,
    Plan,
    Quota,
    QuotaRule,
    Step,
    Text,
    Tier,
    TopUp,
)
from billing.catalog.reading import load_catalog
from billing.catalog.sellables import (
    Sellable,
    pack_lookup_key,
    plan_lookup_key,
    product_id,
    sellables,
    tier_lookup_key,
)

__all__ = [
    "DEFAULT_PRIORITY",
    "FREE_PLAN",
    "Action",
    "ActionKind",
    "Catalog",
    "CatalogFinding",
    "Enforcement",
    "FailureReason",
    "FreePlan",
    "Influencer",
    "Interval",
    "ModelPrice",
    "Pack",
    "Plan",
    "Quota",
    "QuotaRule",
    "Sellable",
    "Step",
    "Text",
    "Tier",
    "TopUp",
    "check_catalog",
    "configure",
    "current",
    "load_catalog",
    "pack_lookup_key",
    "plan_lookup_key",
    "product_id",
    "sellables",
    "tier_lookup_key",
]

_current: Catalog | None = None


def configure(catalog: Catalog) -> None:
    """Make this the catalog that `current()` answers with."""
    global _current
    _current = catalog


def current() -> Catalog:
    """The catalog this server runs on; a `RuntimeError` before `configure` is a mistake of ours."""
    if _current is None:
        raise RuntimeError("no catalog has been configured")
    return _current
