"""Invoice payments: which payment intent pays which invoice."""

from __future__ import annotations

from typing import Any

import stripe.params as sdk

from sandbox.protocol.errors import invalid
from sandbox.protocol.lists import Page, page
from sandbox.protocol.routes import Route
from sandbox.store import Obj
from sandbox.world import World


def retrieve(world: World, params: dict[str, Any], id: str) -> Obj:
    """GET /v1/invoice_payments/{id}."""
    return world.need("invoice_payment", id)


def list_(world: World, params: dict[str, Any]) -> Page:
    """GET /v1/invoice_payments, by invoice, by payment, by status."""
    payment = params.get("payment")
    if payment is not None and payment["type"] not in payment:
        at = f"payment[{payment['type']}]"
        raise invalid(f"Missing required param: {at}.", at, "parameter_missing")

    def keep(found: Obj) -> bool:
        if payment is not None and found["payment"].get(payment["type"]) != payment[payment["type"]]:
            return False
        return all(found[name] == params[name] for name in ("invoice", "status") if name in params)

    return page(world, "invoice_payment", params, keep)


ROUTES = [
    Route("GET", "/v1/invoice_payments", sdk.InvoicePaymentListParams, list_),
    Route("GET", "/v1/invoice_payments/{id}", sdk.InvoicePaymentRetrieveParams, retrieve),
]
