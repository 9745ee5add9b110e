"""Who may make which call: one line for every method of every address. A new route needs its line here.

`anyone()` needs nobody, `customer()` a customer's session, `staff(…)` a member of staff (of these roles), `key(scope)`
an API key, `stripe()` Stripe's signature. What an address names in `<…>` comes from `world.py`; where the question
names it instead, say so: `customer(session_id="checkout")`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Who = Literal["anyone", "customer", "staff", "key", "stripe"]

ROLES = ("support", "manager", "admin")


@dataclass(frozen=True, slots=True)
class Way:
    """One call: `query` is what its question names, by kind; `ends` says that it ends the session.

    `form` holds fields without which the address finds nothing; all others are left out, so that nothing is done.
    """

    who: Who
    roles: tuple[str, ...] = ()
    scope: str = ""
    query: Mapping[str, str] = field(default_factory=dict)
    form: Mapping[str, str] = field(default_factory=dict)
    ends: bool = False


def anyone() -> Way:
    """Strangers too; a link with a token of its own counts as such."""
    return Way("anyone")


def customer(*, ends: bool = False, **query: str) -> Way:
    """A customer, for what is theirs."""
    return Way("customer", query=query, ends=ends)


def staff(*roles: str, ends: bool = False, **form: str) -> Way:
    """Staff of these roles, or of all."""
    return Way("staff", roles=roles or ROLES, form=form, ends=ends)


def key(scope: str) -> Way:
    """An app whose key has this scope."""
    return Way("key", scope=scope)


def stripe() -> Way:
    """Whoever signs with the webhook secret."""
    return Way("stripe")


READ, SPEND, REFUND, BILL = "credits:read", "credits:spend", "refunds:write", "billing:write"

WAYS: dict[str, Way] = {
    # The customers' pages.
    "GET /": anyone(),
    "GET /balance": customer(),
    "GET /balance/now": customer(),
    "GET /checkout/return": customer(session_id="checkout"),
    "GET /change-email/<token>": anyone(),
    "POST /change-email/<token>": anyone(),
    "GET /confirm-email/<token>": anyone(),
    "POST /confirm-email/<token>": anyone(),
    "GET /embed/balance": anyone(),
    "GET /forgot-password": anyone(),
    "POST /forgot-password": anyone(),
    "GET /history": customer(),
    "GET /history/export": customer(),
    "GET /influencers": anyone(),
    "GET /influencers/<influencer>": anyone(),
    "GET /influencers/<influencer>/picture": anyone(),
    "POST /influencers/<influencer>/<tier>/checkout": customer(),
    "GET /login": anyone(),
    "POST /login": anyone(),
    "POST /logout": customer(ends=True),
    "GET /packs": anyone(),
    "POST /packs/<pack>/checkout": customer(),
    "GET /payments": customer(),
    "GET /payments/<payment_id>/receipt": customer(),
    "GET /plans": anyone(),
    "POST /plans/<plan>/checkout": customer(),
    "GET /portal/<token>": anyone(),
    "POST /portal/<token>": anyone(),
    "POST /preferences": anyone(),
    "GET /register": anyone(),
    "POST /register": anyone(),
    "GET /reset-password/<token>": anyone(),
    "POST /reset-password/<token>": anyone(),
    "GET /settings": customer(),
    "POST /settings/confirm-email": customer(),
    "GET /settings/delete": customer(),
    "POST /settings/delete": customer(),
    "POST /settings/email": customer(),
    "GET /settings/export": customer(),
    "POST /settings/password": customer(),
    "POST /settings/profile": customer(),
    "GET /subscriptions": customer(),
    "POST /subscriptions/<subscription>/cancel": customer(),
    "POST /subscriptions/<subscription>/resume": customer(),
    "POST /subscriptions/portal": customer(),
    "GET /usage": customer(),
    "GET /usage/export": customer(),
    "GET /usage/jobs": customer(reference="reference"),
    "GET /usage/jobs/<job_id>": customer(),
    # The pages of staff.
    "GET /staff": staff(),
    "GET /staff/approvals": staff(),
    "GET /staff/audit": staff("manager", "admin"),
    "GET /staff/customers/<public_id>": staff(),
    "GET /staff/customers/<public_id>/books": staff(),
    "GET /staff/customers/<public_id>/entries/<entry_id>": staff(),
    "GET /staff/customers/<public_id>/grant": staff(),
    "POST /staff/customers/<public_id>/grant": staff(),
    "GET /staff/customers/<public_id>/forgive": staff("manager", "admin"),
    "POST /staff/customers/<public_id>/forgive": staff("manager", "admin"),
    "GET /staff/customers/<public_id>/limits": staff(),
    "POST /staff/customers/<public_id>/limits": staff("manager", "admin"),
    "GET /staff/customers/<public_id>/take": staff("manager", "admin"),
    "POST /staff/customers/<public_id>/take": staff("manager", "admin"),
    "GET /staff/influencers": staff(),
    "POST /staff/influencers/<influencer>/picture": staff("manager", "admin"),
    "POST /staff/influencers/<influencer>/picture/remove": staff("manager", "admin"),
    "GET /staff/keys": staff("manager", "admin"),
    "POST /staff/keys": staff("admin"),
    "POST /staff/keys/<key_id>/revoke": staff("manager", "admin"),
    "POST /staff/keys/rotate": staff("admin", app="studio"),
    "GET /staff/login": anyone(),
    "POST /staff/login": anyone(),
    "POST /staff/login/code": anyone(),
    "POST /staff/logout": staff(ends=True),
    "GET /staff/payments/<payment_id>/refund": staff(),
    "POST /staff/payments/<payment_id>/refund": staff(),
    "POST /staff/payments/<payment_id>/refund/confirm": staff(),
    "GET /staff/refunds/<refund_id>": staff(),
    "POST /staff/refunds/<refund_id>/approve": staff("manager", "admin"),
    "POST /staff/refunds/<refund_id>/reject": staff("manager", "admin"),
    "GET /staff/second-factor": staff(),
    "POST /staff/second-factor": staff(),
    "GET /staff/setup/<token>": anyone(),
    "POST /staff/setup/<token>": anyone(),
    "GET /staff/stripe": staff(),
    "POST /staff/stripe/compare": staff("manager", "admin"),
    "POST /staff/stripe/reconcile": staff("manager", "admin"),
    "GET /staff/usage": staff(),
    "GET /staff/usage/export": staff(),
    "GET /staff/webhooks": staff(),
    "GET /staff/webhooks/<event_id>": staff(),
    "POST /staff/webhooks/<event_id>/replay": staff(),
    # The API.
    "GET /api/v1/actions": anyone(),
    "POST /api/v1/checkout-sessions": key(BILL),
    "POST /api/v1/credits": key(BILL),
    "POST /api/v1/customers": key(BILL),
    "GET /api/v1/customers/<public_id>": key(READ),
    "PATCH /api/v1/customers/<public_id>": key(BILL),
    "GET /api/v1/customers/<public_id>/access/<influencer>": key(READ),
    "GET /api/v1/customers/<public_id>/balance": key(READ),
    "GET /api/v1/customers/<public_id>/entries": key(READ),
    "GET /api/v1/customers/<public_id>/payments": key(READ),
    "GET /api/v1/customers/<public_id>/stats": key(READ),
    "GET /api/v1/customers/<public_id>/subscriptions": key(READ),
    "GET /api/v1/customers/<public_id>/usage": key(READ),
    "GET /api/v1/customers/<public_id>/usage-events": key(READ),
    "GET /api/v1/customers/<public_id>/quotas": key(READ),
    "POST /api/v1/customers/<public_id>/quotas/<resource>/reset": key(BILL),
    "POST /api/v1/debits": key(SPEND),
    "POST /api/v1/debits/<entry_id>/refunds": key(SPEND),
    "POST /api/v1/embed-links": key(BILL),
    "POST /api/v1/holds": key(SPEND),
    "GET /api/v1/holds/<hold_id>": key(READ),
    "POST /api/v1/holds/<hold_id>/capture": key(SPEND),
    "POST /api/v1/holds/<hold_id>/fail": key(SPEND),
    "POST /api/v1/holds/<hold_id>/void": key(SPEND),
    "GET /api/v1/influencer-subscriptions": key(READ),
    "POST /api/v1/influencer-subscriptions": key(BILL),
    "DELETE /api/v1/influencer-subscriptions/<subscription_id>": key(BILL),
    "GET /api/v1/influencers": anyone(),
    "POST /api/v1/influencers": key(BILL),
    "PATCH /api/v1/influencers/<influencer_id>": key(BILL),
    "GET /api/v1/influencers/export": key(READ),
    "GET /api/v1/openapi.json": anyone(),
    "GET /api/v1/packs": anyone(),
    "GET /api/v1/plans": anyone(),
    "POST /api/v1/portal-sessions": key(BILL),
    "POST /api/v1/quotes": key(READ),
    "POST /api/v1/refunds": key(REFUND),
    "GET /api/v1/refunds/<refund_id>": key(REFUND),
    "POST /api/v1/refunds/preview": key(REFUND),
    "POST /api/v1/subscriptions/<subscription_id>/cancel": key(BILL),
    "POST /api/v1/subscriptions/<subscription_id>/pause": key(BILL),
    "POST /api/v1/subscriptions/<subscription_id>/resume": key(BILL),
    "GET /api/v1/usage": key(READ),
    "POST /api/v1/usage": key(SPEND),
    "GET /docs": anyone(),
    # For whoever watches the server, and files.
    "GET /bootstrap/static/<path:filename>": anyone(),
    "GET /livez": anyone(),
    "GET /metrics": anyone(),
    "GET /readyz": anyone(),
    "GET /static/<path:filename>": anyone(),
    "GET /version": anyone(),
    "POST /webhooks/stripe": stripe(),
}
