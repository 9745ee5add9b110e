"""Products, prices, coupons, promotion codes, discounts."""

from __future__ import annotations

from typing import Any

from sandbox.ids import new_id, token
from sandbox.store import Obj


def product(now: int, params: dict[str, Any]) -> Obj:
    """A product, with an id of the caller's choice or a fresh one."""
    return {
        "id": params.get("id") or new_id("product"),
        "object": "product",
        "active": params.get("active", True),
        "created": now,
        "default_price": None,
        "description": params.get("description") or None,
        "images": params.get("images") or [],
        "livemode": False,
        "marketing_features": params.get("marketing_features") or [],
        "metadata": params.get("metadata") or {},
        "name": params["name"],
        "package_dimensions": None,
        "shippable": params.get("shippable"),
        "statement_descriptor": params.get("statement_descriptor"),
        "tax_code": params.get("tax_code"),
        "tax_details": None,
        "type": "service",
        "unit_label": params.get("unit_label"),
        "updated": now,
        "url": params.get("url") or None,
    }


def price(now: int, product_id: str, params: dict[str, Any]) -> Obj:
    """A per-unit price. Its amount, currency and interval never change afterwards."""
    recurring = params.get("recurring")
    return {
        "id": new_id("price"),
        "object": "price",
        "active": params.get("active", True),
        "billing_scheme": "per_unit",
        "created": now,
        "currency": params["currency"].lower(),
        "custom_unit_amount": None,
        "livemode": False,
        "lookup_key": params.get("lookup_key"),
        "metadata": params.get("metadata") or {},
        "nickname": params.get("nickname"),
        "product": product_id,
        "recurring": None
        if recurring is None
        else {
            "interval": recurring["interval"],
            "interval_count": recurring.get("interval_count", 1),
            "meter": None,
            "trial_period_days": None,
            "usage_type": "licensed",
        },
        "tax_behavior": params.get("tax_behavior", "unspecified"),
        "tiers_mode": None,
        "transform_quantity": None,
        "type": "one_time" if recurring is None else "recurring",
        "unit_amount": params["unit_amount"],
        "unit_amount_decimal": str(params["unit_amount"]),
    }


def coupon(now: int, params: dict[str, Any]) -> Obj:
    """A coupon: a percentage or an amount, once, for some months or for ever."""
    return {
        "id": params.get("id") or token(8),
        "object": "coupon",
        "amount_off": params.get("amount_off"),
        "created": now,
        "currency": params["currency"].lower() if "currency" in params else None,
        "duration": params.get("duration", "once"),
        "duration_in_months": params.get("duration_in_months"),
        "livemode": False,
        "max_redemptions": params.get("max_redemptions"),
        "metadata": params.get("metadata") or {},
        "name": params.get("name"),
        "percent_off": params.get("percent_off"),
        "redeem_by": params.get("redeem_by"),
        "times_redeemed": 0,
        "valid": True,
        "_applies_to": (params.get("applies_to") or {}).get("products") or [],
    }


def promotion_code(now: int, coupon_id: str, params: dict[str, Any]) -> Obj:
    """A code that customers type to get a coupon."""
    restrictions = params.get("restrictions") or {}
    return {
        "id": new_id("promotion_code"),
        "object": "promotion_code",
        "active": params.get("active", True),
        "code": params.get("code") or token(8).upper(),
        "created": now,
        "customer": params.get("customer"),
        "customer_account": None,
        "expires_at": params.get("expires_at"),
        "livemode": False,
        "max_redemptions": params.get("max_redemptions"),
        "metadata": params.get("metadata") or {},
        "promotion": {"coupon": coupon_id, "type": "coupon"},
        "restrictions": {
            "first_time_transaction": restrictions.get("first_time_transaction", False),
            "minimum_amount": restrictions.get("minimum_amount"),
            "minimum_amount_currency": restrictions.get("minimum_amount_currency"),
        },
        "times_redeemed": 0,
    }


def discount(
    start: int,
    coupon_id: str,
    *,
    customer: str | None,
    end: int | None = None,
    promotion_code: str | None = None,
    subscription: str | None = None,
    checkout_session: str | None = None,
    invoice: str | None = None,
) -> Obj:
    """A coupon at work on a subscription or an invoice."""
    return {
        "id": new_id("discount"),
        "object": "discount",
        "checkout_session": checkout_session,
        "customer": customer,
        "customer_account": None,
        "end": end,
        "invoice": invoice,
        "invoice_item": None,
        "promotion_code": promotion_code,
        "source": {"coupon": coupon_id, "type": "coupon"},
        "start": start,
        "subscription": subscription,
        "subscription_item": None,
    }
