"""`POST /customers` and `GET /customers/{c}`."""

from __future__ import annotations

from typing import Any

from flask import Response

from api.answers import answer, time
from api.balance import write_balance
from api.blueprint import bp
from api.body import read_body
from api.errors import InvalidFields
from api.paths import CUSTOMER_ID, customer_at
from billing import customers, subscriptions
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


@bp.get("/customers/<public_id>")
def read_customer(public_id: str) -> Response:
    """A customer with their plan and balance."""
    return answer(_write_customer(customer_at(public_id)))


def _write_customer(customer: Customer) -> dict[str, Any]:
    plan = subscriptions.current_plan(customer.account_id)
    return {
        "id": customer.public_id,
        "email": customer.email,
        "name": customer.name,
        "locale": customer.locale,
        "plan": plan.plan,
        "subscription_status": plan.subscription.status if plan.subscription else None,
        "monthly_limit": None,
        "balance": write_balance(customer),
        "created_at": time(customer.created_at),
    }
