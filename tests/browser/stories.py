"""Which story sends what a page can send: one line for every call of the pages that is not one of `walk.py`'s looks.

`tests/web/test_walk.py` holds the list against the routes, so a new one needs its line here; `open_browser` sees that
each story keeps its word: Chromium has sent the call, and the answer was no refusal. A story alone proves its own
lines, so they hold however the suite is split.
"""

from __future__ import annotations

from collections.abc import Iterable
from urllib.parse import urlsplit

from werkzeug.routing import Map, Rule

ROAD = "test_road_from_registering_to_the_second_month"
ACCOUNT = "test_account_from_its_first_mail_to_its_end"
PORTAL = "test_app_lets_its_customer_in_by_a_link"
SETTINGS = "test_settings_follow_the_reader"
RECORDS = "test_customer_takes_their_records_along"
DESK = "test_day_at_the_desk"
LIMITS = "test_manager_sets_a_limit_back"

STORIES: dict[str, str] = {
    # The customers' pages.
    "GET /balance/now": RECORDS,
    "GET /change-email/<token>": ACCOUNT,
    "POST /change-email/<token>": ACCOUNT,
    "GET /confirm-email/<token>": ACCOUNT,
    "POST /confirm-email/<token>": ACCOUNT,
    "POST /forgot-password": ACCOUNT,
    "GET /history/export": RECORDS,
    "GET /influencers/<influencer>/picture": DESK,
    "POST /influencers/<influencer>/<tier>/checkout": ROAD,
    "POST /login": ACCOUNT,
    "POST /logout": ROAD,
    "POST /packs/<pack>/checkout": ROAD,
    "GET /payments/<payment_id>/receipt": RECORDS,
    "POST /plans/<plan>/checkout": ROAD,
    "POST /portal/<token>": PORTAL,
    "POST /preferences": SETTINGS,
    "POST /register": ROAD,
    "GET /reset-password/<token>": ACCOUNT,
    "POST /reset-password/<token>": ACCOUNT,
    "POST /settings/confirm-email": SETTINGS,
    "POST /settings/delete": ACCOUNT,
    "POST /settings/email": ACCOUNT,
    "GET /settings/export": ACCOUNT,
    "POST /settings/password": SETTINGS,
    "POST /settings/profile": SETTINGS,
    "POST /subscriptions/<subscription>/cancel": ROAD,
    "POST /subscriptions/<subscription>/resume": ROAD,
    "POST /subscriptions/portal": SETTINGS,
    "GET /usage/export": RECORDS,
    "GET /usage/jobs": RECORDS,
    # The pages of staff.
    "GET /staff/customers/<public_id>/books": DESK,
    "POST /staff/customers/<public_id>/grant": DESK,
    "POST /staff/customers/<public_id>/forgive": DESK,
    "POST /staff/customers/<public_id>/limits": LIMITS,
    "POST /staff/customers/<public_id>/take": DESK,
    "POST /staff/influencers/<influencer>/picture": DESK,
    "POST /staff/influencers/<influencer>/picture/remove": DESK,
    "POST /staff/keys": DESK,
    "POST /staff/keys/<key_id>/revoke": DESK,
    "POST /staff/keys/rotate": DESK,
    "POST /staff/login": DESK,
    "POST /staff/login/code": DESK,
    "POST /staff/logout": DESK,
    "POST /staff/payments/<payment_id>/refund": DESK,
    "POST /staff/payments/<payment_id>/refund/confirm": DESK,
    "POST /staff/refunds/<refund_id>/approve": DESK,
    "POST /staff/refunds/<refund_id>/reject": DESK,
    "POST /staff/second-factor": DESK,
    "POST /staff/setup/<token>": DESK,
    "POST /staff/stripe/compare": DESK,
    "POST /staff/stripe/reconcile": DESK,
    "GET /staff/usage/export": DESK,
    "POST /staff/webhooks/<event_id>/replay": DESK,
}

MACHINES = frozenset(
    {
        "GET /bootstrap/static/<path:filename>",
        "GET /livez",
        "GET /metrics",
        "GET /readyz",
        "GET /static/<path:filename>",
        "GET /version",
        "POST /webhooks/stripe",
    }
)
"""Calls beside the API's that no page makes: files, Stripe, and whoever watches the server."""

_ROUTES = Map([Rule(call.split()[1], methods=call.split()[:1], endpoint=call) for call in STORIES])


def broken_words(story: str, answers: Iterable[tuple[str, str, int]]) -> set[str]:
    """The calls that `story` should have sent, and which none of these answers (method, address, status) is of."""
    routes = _ROUTES.bind("")
    kept = {
        routes.match(path, method)[0]
        for method, path, status in ((method, urlsplit(url).path, status) for method, url, status in answers)
        if status < 400 and routes.test(path, method)
    }
    return {call for call, told_by in STORIES.items() if told_by == story} - kept
