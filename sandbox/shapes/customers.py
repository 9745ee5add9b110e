"""Customers and their cards."""

from __future__ import annotations

from typing import Any

from sandbox.ids import new_id, token
from sandbox.store import Obj

NO_ADDRESS = {"city": None, "country": None, "line1": None, "line2": None, "postal_code": None, "state": None}


def address(given: dict[str, Any] | None) -> dict[str, Any] | None:
    """An address with all its fields, or ``None``."""
    return None if not given else {**NO_ADDRESS, **given}


def customer(now: int, params: dict[str, Any]) -> Obj:
    """A customer."""
    settings = params.get("invoice_settings") or {}
    return {
        "id": new_id("customer"),
        "object": "customer",
        "address": address(params.get("address") or None),
        "balance": params.get("balance", 0),
        "created": now,
        "currency": None,
        "customer_account": None,
        "default_source": None,
        "delinquent": False,
        "description": params.get("description") or None,
        "discount": None,
        "email": params.get("email") or None,
        "invoice_prefix": token(8).upper(),
        "invoice_settings": {
            "custom_fields": None,
            "default_payment_method": settings.get("default_payment_method"),
            "footer": None,
            "rendering_options": None,
        },
        "livemode": False,
        "metadata": params.get("metadata") or {},
        "name": params.get("name") or None,
        "next_invoice_sequence": 1,
        "phone": params.get("phone") or None,
        "preferred_locales": params.get("preferred_locales") or [],
        "shipping": None,
        "tax_exempt": params.get("tax_exempt") or "none",
        "test_clock": params.get("test_clock"),
    }


def payment_method(now: int, customer: Obj | None, *, behaviour: str = "ok", attached: bool = True) -> Obj:
    """A card, or a bank account for ``behaviour="delayed"``.

    ``behaviour`` is what happens when it is charged: ``ok``, ``decline``, ``decline_once``, ``3ds``, ``delayed``.
    """
    method: Obj = {
        "id": new_id("payment_method"),
        "object": "payment_method",
        "allow_redisplay": "always" if attached else "limited",
        "billing_details": {
            "address": dict(NO_ADDRESS),
            "email": customer["email"] if customer else None,
            "name": customer["name"] if customer else None,
            "phone": None,
            "tax_id": None,
        },
        "created": now,
        "customer": customer["id"] if customer and attached else None,
        "customer_account": None,
        "livemode": False,
        "metadata": {},
        "type": "card",
        "_behaviour": behaviour,
    }
    if behaviour == "delayed":
        method["type"] = "sepa_debit"
        method["sepa_debit"] = {
            "bank_code": "37040044",
            "branch_code": "",
            "country": "DE",
            "fingerprint": token(16),
            "generated_from": {"charge": None, "setup_attempt": None},
            "last4": "3000",
        }
        return method
    method["card"] = {
        "brand": "visa",
        "checks": {"address_line1_check": None, "address_postal_code_check": None, "cvc_check": "pass"},
        "country": "US",
        "display_brand": "visa",
        "exp_month": 12,
        "exp_year": 2040,
        "fingerprint": token(16),
        "funding": "credit",
        "generated_from": None,
        "last4": {"ok": "4242", "3ds": "3184"}.get(behaviour, "0341"),
        "networks": {"available": ["visa"], "preferred": None},
        "regulated_status": "unregulated",
        "three_d_secure_usage": {"supported": True},
        "wallet": None,
    }
    return method
