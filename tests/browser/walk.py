"""Every page there is, by who sees it; `tests/web/test_walk.py` holds the list against the routes.

What stands in braces is found out first: `tests/browser/conftest.py` makes a world in which all of it exists.
"""

from __future__ import annotations

STRANGERS_PAGES = (
    "/",
    "/plans?interval=year&credits=0",
    "/packs?needed=25",
    "/influencers",
    "/influencers/luna-style",
    "/login",
    "/register",
    "/forgot-password",
    "/reset-password/over",
    "/confirm-email/over",
    "/change-email/over",
    "{portal}",
    "{embed}&size=small",
    "{embed}&size=large",
    "/docs",
    "/nowhere",
)

CUSTOMERS_PAGES = (
    "/plans",
    "/packs?needed=99999&return_path=/history",
    "/influencers/luna-style",
    "/balance",
    "/history",
    "/history?from=nonsense",
    "/usage",
    "/usage?by=agent&from=nonsense",
    "/usage/jobs/{job}",
    "/subscriptions",
    "/payments",
    "/settings",
    "/settings/delete",
    "{returned}",
)

STAFF_PAGES = (
    "/staff",
    "/staff?q=customer",
    "/staff/customers/{customer}",
    "/staff/customers/{customer}/entries/{entry}",
    "/staff/customers/{customer}/grant",
    "/staff/customers/{customer}/limits",
    "/staff/customers/{customer}/take",
    "/staff/customers/{customer}/forgive",
    "/staff/payments/{payment}/refund",
    "/staff/refunds/{refund}",
    "/staff/approvals",
    "/staff/webhooks",
    "/staff/webhooks/{event}",
    "/staff/keys",
    "/staff/influencers",
    "/staff/usage",
    "/staff/audit",
    "/staff/second-factor",
    "/staff/stripe",
)

STAFF_STRANGERS_PAGES = ("/staff/login", "{setup}")

REFUSED = frozenset(
    {
        "/reset-password/over",
        "/confirm-email/over",
        "/change-email/over",
        "/nowhere",
        "/history?from=nonsense",
        "/usage?by=agent&from=nonsense",
    }
)
"""Those that say on purpose that there is nothing, or what is wrong with the question."""
