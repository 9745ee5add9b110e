"""`POST /customers`, `GET` and `PATCH /customers/{c}`."""

from __future__ import annotations

from typing import Any

from flask import Response

from api.answers import answer, time
from api.balance import write_balance
from api.blueprint import bp
from api.body import read_body
from api.errors import InvalidFields
from api.paths import CUSTOMER_ID, customer_at
from billing import customers, money, monthly_use, subscriptions
from billing.errors import InvalidEmail
from billing.models import Customer

LOCALES = ("en", "es", "es_MX")


@bp.post("/customers")
def ensure_customer() -> Response:
    """Make the customer that an app names (201), or answer the one there is, unchanged (200)."""
    body = read_body("id", "email", "name", "locale")
    public_id = body.text("id", required=True, longest=128, pattern=CUSTOMER_ID)
    email = body.text("email", longest=320)
    name = body.text("name", longest=200)
    locale = body.choice("locale", LOCALES)
    body.check()
    assert public_id is not None, "a required field that is missing is refused above"
    try:
        customer, created = customers.ensure_customer(public_id, email, name, locale)
    except InvalidEmail as error:
        raise InvalidFields({"email": "expected an address such as name@example.com"}) from error
    return answer(_write_customer(customer), 201 if created else 200)


@bp.patch("/customers/<public_id>")
def change_customer(public_id: str) -> Response:
    """Change what is named; null takes it away, and a spending limit with it."""
    body = read_body("email", "name", "locale", "monthly_limit")
    email = body.text("email", longest=320)
    found = {"email": email, "name": body.text("name", longest=200), "locale": body.choice("locale", LOCALES)}
    monthly_limit = body.credits("monthly_limit", least=0, most=money.MAX_BALANCE)
    body.check()
    account_id = customer_at(public_id).account_id
    try:
        customer = customers.change_customer(account_id, {name: each for name, each in found.items() if name in body})
    except InvalidEmail as error:
        raise InvalidFields({"email": "expected an address such as name@example.com"}) from error
    if "monthly_limit" in body:
        monthly_use.set_monthly_limit(account_id, monthly_limit)
    return answer(_write_customer(customer))


@bp.get("/customers/<public_id>")
def read_customer(public_id: str) -> Response:
    """A customer with their plan and balance."""
    return answer(_write_customer(customer_at(public_id)))


def _write_customer(customer: Customer) -> dict[str, Any]:
    plan = subscriptions.current_plan(customer.account_id)
    balance = write_balance(customer.public_id, customer.account_id)
    return {
        "id": customer.public_id,
        "email": customer.email,
        "name": customer.name,
        "locale": customer.locale,
        "plan": plan.plan,
        "subscription_status": plan.subscription.status if plan.subscription else None,
        "monthly_limit": balance["month"]["limit"],
        "balance": balance,
        "created_at": time(customer.created_at),
    }
