"""The shop of the money page, for examples in other documents."""

from tests.billing.conftest import calendar, shop, stripe

__all__ = ["calendar", "shop", "stripe"]
