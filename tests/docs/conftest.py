"""The shop of the money page, for examples in other documents."""

from tests.billing.conftest import books, calendar, kept_apps, shop, stripe

__all__ = ["books", "calendar", "kept_apps", "shop", "stripe"]
