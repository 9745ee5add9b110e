"""A Stripe that knows what both sides may ask for while they take `invoice.paid`, each object out of its id.

One subscription per customer, renewed again and again: `sub_N`, `cus_N`, `in_N_M` (the customer's M-th invoice).
"""

from __future__ import annotations

import json
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

BEGAN_AT = 1_790_000_000
MONTH = 2_592_000
PRICE = "price_bench"
PRODUCT = "saldo_plan_basic"


def customer(number: str) -> dict[str, Any]:
    """`cus_N`."""
    return {
        "id": f"cus_{number}",
        "object": "customer",
        "created": BEGAN_AT,
        "livemode": False,
        "email": f"user{number}@example.com",
        "balance": 0,
        "currency": "usd",
        "delinquent": False,
        "default_source": None,
        "discount": None,
        "invoice_settings": {"default_payment_method": None},
        "metadata": {},
    }


def product() -> dict[str, Any]:
    """The plan's product."""
    return {
        "id": PRODUCT,
        "object": "product",
        "active": True,
        "created": BEGAN_AT,
        "livemode": False,
        "name": "Basic",
        "type": "service",
        "default_price": None,
        "metadata": {},
    }


def price() -> dict[str, Any]:
    """The plan's price."""
    return {
        "id": PRICE,
        "object": "price",
        "active": True,
        "billing_scheme": "per_unit",
        "created": BEGAN_AT,
        "currency": "usd",
        "livemode": False,
        "lookup_key": "plan:basic:month",
        "metadata": {},
        "nickname": None,
        "product": PRODUCT,
        "recurring": {"interval": "month", "interval_count": 1, "usage_type": "licensed"},
        "type": "recurring",
        "unit_amount": 1500,
        "unit_amount_decimal": "1500",
    }


def subscription(number: str) -> dict[str, Any]:
    """`sub_N`, on its customer's first month."""
    item = {
        "id": f"si_{number}",
        "object": "subscription_item",
        "created": BEGAN_AT,
        "metadata": {},
        "price": price(),
        "quantity": 1,
        "subscription": f"sub_{number}",
        "current_period_start": BEGAN_AT,
        "current_period_end": BEGAN_AT + MONTH,
    }
    return {
        "id": f"sub_{number}",
        "object": "subscription",
        "created": BEGAN_AT,
        "livemode": False,
        "customer": f"cus_{number}",
        "status": "active",
        "cancel_at_period_end": False,
        "billing_cycle_anchor": BEGAN_AT,
        "collection_method": "charge_automatically",
        "currency": "usd",
        "items": {"object": "list", "data": [item], "has_more": False, "url": "/v1/subscription_items"},
        "latest_invoice": None,
        "metadata": {},
        "start_date": BEGAN_AT,
    }


def invoice(number: str, cycle: int) -> dict[str, Any]:
    """`in_N_M`: a whole month, paid."""
    starts_at = BEGAN_AT + cycle * MONTH
    line = {
        "id": f"il_{number}_{cycle}",
        "object": "line_item",
        "amount": 1500,
        "currency": "usd",
        "description": "1 × Basic",
        "discount_amounts": [],
        "livemode": False,
        "metadata": {},
        "quantity": 1,
        "period": {"start": starts_at, "end": starts_at + MONTH},
        "parent": {
            "type": "subscription_item_details",
            "subscription_item_details": {
                "subscription": f"sub_{number}",
                "subscription_item": f"si_{number}",
                "proration": False,
            },
        },
        "pricing": {
            "type": "price_details",
            "price_details": {"price": PRICE, "product": PRODUCT},
            "unit_amount_decimal": "1500",
        },
    }
    lines = {"object": "list", "data": [line], "has_more": False, "url": f"/v1/invoices/in_{number}_{cycle}/lines"}
    return {
        "id": f"in_{number}_{cycle}",
        "object": "invoice",
        "created": starts_at,
        "livemode": False,
        "customer": f"cus_{number}",
        "billing_reason": "subscription_cycle",
        "collection_method": "charge_automatically",
        "status": "paid",
        "amount_due": 1500,
        "amount_paid": 1500,
        "amount_remaining": 0,
        "attempt_count": 1,
        "attempted": True,
        "auto_advance": False,
        "currency": "usd",
        "discounts": [],
        "ending_balance": 0,
        "starting_balance": 0,
        "metadata": {},
        "number": f"B-{number}-{cycle}",
        "period_start": starts_at,
        "period_end": starts_at + MONTH,
        "status_transitions": {"finalized_at": starts_at, "paid_at": starts_at},
        "subtotal": 1500,
        "total": 1500,
        "parent": {
            "type": "subscription_details",
            "subscription_details": {"subscription": f"sub_{number}", "metadata": {}},
        },
        "lines": lines,
    }


def paid_event(number: str, cycle: int) -> dict[str, Any]:
    """`invoice.paid` of that invoice."""
    return {
        "id": f"evt_{number}_{cycle}",
        "object": "event",
        "api_version": "2026-10-28.endive",
        "created": BEGAN_AT + cycle * MONTH,
        "livemode": False,
        "pending_webhooks": 1,
        "request": {"id": None, "idempotency_key": None},
        "type": "invoice.paid",
        "data": {"object": invoice(number, cycle)},
    }


def find(path: str) -> dict[str, Any] | None:
    """The object that a GET asks for; an empty list for every list."""
    words = path.removeprefix("/v1/").split("/")
    if len(words) == 1:
        return {"object": "list", "data": [], "has_more": False, "url": path}
    kind, name = words[0], words[1]
    number = name.split("_")[1] if "_" in name else ""
    if kind == "customers":
        return customer(number)
    if kind == "subscriptions":
        return subscription(number)
    if kind == "prices":
        return price()
    if kind == "products":
        return product()
    if kind == "invoices":
        return invoice(number, int(name.split("_")[2]))
    if kind == "accounts":
        return {"id": name, "object": "account", "livemode": False, "metadata": {}}
    return None


class Handler(BaseHTTPRequestHandler):
    """Answers GET; connections stay open."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        """One object, or 404 as Stripe says it."""
        found = find(urlsplit(self.path).path)
        error = {"error": {"type": "invalid_request_error", "code": "resource_missing", "message": "No such object"}}
        body = json.dumps(found or error).encode()
        self.send_response(200 if found else 404)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Keep still."""


if __name__ == "__main__":
    ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
