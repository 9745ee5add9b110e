"""Checkout Sessions and portal sessions."""

from __future__ import annotations

from typing import Any

from sandbox.ids import new_id
from sandbox.store import Obj


def session(now: int, params: dict[str, Any], currency: str, base_url: str, expires_at: int) -> Obj:
    """An open session; amounts are set when its line items are known."""
    key = new_id("checkout.session")
    automatic_tax = bool((params.get("automatic_tax") or {}).get("enabled"))
    subscribing = params["mode"] == "subscription"
    return {
        "id": key,
        "object": "checkout.session",
        "adaptive_pricing": {"enabled": False},
        "after_expiration": None,
        "allow_promotion_codes": params.get("allow_promotion_codes"),
        "allowed_payment_method_types": params.get("allowed_payment_method_types"),
        "amount_subtotal": 0,
        "amount_total": 0,
        "automatic_tax": {
            "enabled": automatic_tax,
            "liability": {"type": "self"} if automatic_tax else None,
            "provider": "stripe" if automatic_tax else None,
            "status": "complete" if automatic_tax else None,
        },
        "billing_address_collection": params.get("billing_address_collection"),
        "cancel_url": params.get("cancel_url"),
        "client_reference_id": params.get("client_reference_id"),
        "client_secret": None,
        "collected_information": None,
        "consent": None,
        "consent_collection": None,
        "created": now,
        "currency": currency,
        "currency_conversion": None,
        "custom_fields": [],
        "custom_text": {
            "after_submit": None,
            "shipping_address": None,
            "submit": None,
            "terms_of_service_acceptance": None,
        },
        "customer": params.get("customer"),
        "customer_account": None,
        "customer_creation": _customer_creation(params, subscribing),
        "customer_details": None,
        "customer_email": params.get("customer_email"),
        "discounts": [],
        "expires_at": expires_at,
        "integration_identifier": params.get("integration_identifier"),
        "invoice": None,
        "invoice_creation": None if subscribing else _invoice_creation(params.get("invoice_creation") or {}),
        "livemode": False,
        "locale": params.get("locale"),
        "managed_payments": None,
        "metadata": params.get("metadata") or {},
        "mode": params["mode"],
        "origin_context": params.get("origin_context"),
        "payment_intent": None,
        "payment_link": None,
        "payment_method_collection": params.get("payment_method_collection", "always")
        if subscribing
        else "if_required",
        "payment_method_configuration_details": None,
        "payment_method_options": {},
        "payment_method_types": ["card"],
        "payment_status": "unpaid",
        "permissions": None,
        "phone_number_collection": {"enabled": False},
        "recovered_from": None,
        "saved_payment_method_options": None,
        "setup_intent": None,
        "shipping_address_collection": None,
        "shipping_cost": None,
        "shipping_options": [],
        "status": "open",
        "submit_type": params.get("submit_type"),
        "subscription": None,
        "success_url": params.get("success_url"),
        "total_details": {"amount_discount": 0, "amount_shipping": 0, "amount_tax": 0},
        "ui_mode": "hosted_page",
        "url": f"{base_url}/c/pay/{key}",
        "wallet_options": None,
        "_line_items": [],
        "_subscription_data": params.get("subscription_data") or {},
        "_payment_intent_data": params.get("payment_intent_data") or {},
        "_trial": False,
        "_settles_at": None,
    }


def _customer_creation(params: dict[str, Any], subscribing: bool) -> str | None:
    if "customer" in params:
        return None
    return "always" if subscribing else params.get("customer_creation", "if_required")


def _invoice_creation(given: dict[str, Any]) -> dict[str, Any]:
    data = given.get("invoice_data") or {}
    return {
        "enabled": given.get("enabled", False),
        "invoice_data": {
            "account_tax_ids": None,
            "custom_fields": None,
            "description": data.get("description"),
            "footer": data.get("footer"),
            "issuer": None,
            "metadata": data.get("metadata") or {},
            "rendering_options": None,
        },
    }


def portal_configuration(now: int, params: dict[str, Any], is_default: bool) -> Obj:
    """What the customer portal offers."""
    business = params.get("business_profile") or {}
    return {
        "id": new_id("billing_portal.configuration"),
        "object": "billing_portal.configuration",
        "active": True,
        "application": None,
        "business_profile": {
            "headline": business.get("headline") or None,
            "privacy_policy_url": business.get("privacy_policy_url"),
            "terms_of_service_url": business.get("terms_of_service_url"),
        },
        "created": now,
        "default_return_url": params.get("default_return_url") or None,
        "features": portal_features(params["features"]),
        "is_default": is_default,
        "livemode": False,
        "login_page": {"enabled": False, "url": None},
        "metadata": params.get("metadata") or {},
        "name": params.get("name") or None,
        "updated": now,
    }


def portal_features(given: dict[str, Any]) -> dict[str, Any]:
    """Every feature with every field; what is not given is off."""

    def part(name: str, **defaults: Any) -> dict[str, Any]:
        chosen = {key: value for key, value in (given.get(name) or {}).items() if key in defaults}
        return {key: None if value == "" else value for key, value in {**defaults, **chosen}.items()}

    update = part(
        "subscription_update",
        billing_cycle_anchor=None,
        default_allowed_updates=[],
        enabled=False,
        products=None,
        proration_behavior="none",
        schedule_at_period_end={"conditions": []},
        trial_update_behavior="end_trial",
    )
    update["default_allowed_updates"] = update["default_allowed_updates"] or []
    update["products"] = (
        None
        if update["products"] is None
        else [
            {
                "adjustable_quantity": {"enabled": False, "maximum": None, "minimum": 1}
                | (product.get("adjustable_quantity") or {}),
                "prices": product["prices"],
                "product": product["product"],
            }
            for product in update["products"]
        ]
    )
    update["schedule_at_period_end"] = {"conditions": update["schedule_at_period_end"].get("conditions") or []}
    cancel = part(
        "subscription_cancel",
        cancellation_reason={"enabled": False, "options": []},
        enabled=False,
        mode="at_period_end",
        proration_behavior="none",
    )
    reason = cancel["cancellation_reason"]
    cancel["cancellation_reason"] = {
        "enabled": reason.get("enabled", False),
        "feedback_options": None,
        "options": reason.get("options") or [],
    }
    return {
        "customer_update": part("customer_update", allowed_updates=[], enabled=False),
        "invoice_history": part("invoice_history", enabled=False),
        "payment_method_update": part("payment_method_update", enabled=False, payment_method_configuration=None),
        "subscription_cancel": cancel,
        "subscription_pause": part(
            "subscription_pause", duration={"interval_options": [], "type": "indefinite"}, enabled=False
        ),
        "subscription_update": update,
    }


def portal_session(now: int, params: dict[str, Any], configuration: str, return_url: str | None, base_url: str) -> Obj:
    """A visit of one customer to the portal."""
    key = new_id("billing_portal.session")
    return {
        "id": key,
        "object": "billing_portal.session",
        "after_expiration": None,
        "configuration": configuration,
        "created": now,
        "customer": params["customer"],
        "customer_account": None,
        "flow": portal_flow(params.get("flow_data")),
        "livemode": False,
        "locale": params.get("locale"),
        "on_behalf_of": None,
        "return_url": return_url,
        "url": f"{base_url}/p/session/{key}",
    }


def portal_flow(given: dict[str, Any] | None) -> dict[str, Any] | None:
    """A deep link into the portal, with every field."""
    if given is None:
        return None
    after = given.get("after_completion") or {"type": "portal_homepage"}
    confirmation = after.get("hosted_confirmation")
    flow: dict[str, Any] = {
        "after_completion": {
            "hosted_confirmation": confirmation and {"custom_message": confirmation.get("custom_message")},
            "redirect": after.get("redirect"),
            "type": after["type"],
        },
        "customer_update": None,
        "subscription_cancel": None,
        "subscription_pause": None,
        "subscription_update": None,
        "subscription_update_confirm": None,
        "type": given["type"],
    }
    if "subscription_cancel" in given:
        key = given["subscription_cancel"]["subscription"]
        flow["subscription_cancel"] = {"retention": None, "subscription": key}
    if "subscription_update" in given:
        flow["subscription_update"] = {"subscription": given["subscription_update"]["subscription"]}
    if "subscription_update_confirm" in given:
        confirm = given["subscription_update_confirm"]
        flow["subscription_update_confirm"] = {
            "discounts": None,
            "items": [
                {"id": item["id"], "price": item.get("price"), "quantity": item.get("quantity", 1)}
                for item in confirm["items"]
            ],
            "subscription": confirm["subscription"],
        }
    return flow
