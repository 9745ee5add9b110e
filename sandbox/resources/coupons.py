"""Coupons and promotion codes."""

from __future__ import annotations

from typing import Any

import stripe.params as sdk

from sandbox import metadata
from sandbox.events import emit, emit_updated
from sandbox.protocol.errors import StripeFailure, invalid
from sandbox.protocol.lists import Page, page
from sandbox.protocol.routes import Route, supports
from sandbox.shapes import catalog
from sandbox.store import Obj
from sandbox.world import World


def create(world: World, params: dict[str, Any]) -> Obj:
    """POST /v1/coupons: ``percent_off``, or ``amount_off`` with ``currency``."""
    if ("percent_off" in params) == ("amount_off" in params):
        raise invalid("Give exactly one of percent_off and amount_off.", param="percent_off")
    if "amount_off" in params and "currency" not in params:
        raise invalid("Missing required param: currency.", "currency", "parameter_missing")
    if "percent_off" in params and not 0 < params["percent_off"] <= 100:
        raise invalid("Invalid percent_off: must be greater than 0 and at most 100", param="percent_off")
    if params.get("amount_off", 1) < 1:
        raise invalid("Invalid positive integer", "amount_off", "parameter_invalid_integer")
    if params.get("duration") == "repeating" and params.get("duration_in_months", 0) < 1:
        raise invalid("Missing required param: duration_in_months.", "duration_in_months", "parameter_missing")
    if "id" in params and world.store.get("coupon", params["id"]):
        raise StripeFailure(400, "Coupon already exists.", code="resource_already_exists", param="id")
    coupon = world.store.add(catalog.coupon(world.now(), params))
    emit(world, "coupon.created", coupon)
    return coupon


def retrieve(world: World, params: dict[str, Any], id: str) -> Obj:
    """GET /v1/coupons/{id}."""
    return world.need("coupon", id)


def update(world: World, params: dict[str, Any], id: str) -> Obj:
    """POST /v1/coupons/{id}: name and metadata only."""
    coupon = world.need("coupon", id)
    changes = metadata.changes(params, "name")
    if "metadata" in params:
        changes["metadata"] = metadata.merged(coupon["metadata"], params["metadata"])
    emit_updated(world, "coupon.updated", coupon, **changes)
    return coupon


def delete(world: World, params: dict[str, Any], id: str) -> Obj:
    """DELETE /v1/coupons/{id}: running discounts stay."""
    coupon = world.need("coupon", id)
    emit(world, "coupon.deleted", coupon)
    world.store.update(coupon, _deleted=True, valid=False)
    return coupon


def list_(world: World, params: dict[str, Any]) -> Page:
    """GET /v1/coupons."""
    return page(world, "coupon", params)


def create_code(world: World, params: dict[str, Any]) -> Obj:
    """POST /v1/promotion_codes."""
    promotion = params["promotion"]
    if "coupon" not in promotion:
        raise invalid("Missing required param: promotion[coupon].", "promotion[coupon]", "parameter_missing")
    coupon = world.need("coupon", promotion["coupon"], "promotion[coupon]")
    text = params.get("code", "")
    if any(c["code"].lower() == text.lower() and c["active"] for c in world.store.all("promotion_code")):
        raise invalid("An active promotion code with this code already exists.", param="code")
    code = world.store.add(catalog.promotion_code(world.now(), coupon["id"], params))
    emit(world, "promotion_code.created", code)
    return code


def retrieve_code(world: World, params: dict[str, Any], id: str) -> Obj:
    """GET /v1/promotion_codes/{id}."""
    return world.need("promotion_code", id)


def update_code(world: World, params: dict[str, Any], id: str) -> Obj:
    """POST /v1/promotion_codes/{id}: activity and metadata."""
    code = world.need("promotion_code", id)
    changes = metadata.changes(params, "active")
    if "metadata" in params:
        changes["metadata"] = metadata.merged(code["metadata"], params["metadata"])
    emit_updated(world, "promotion_code.updated", code, **changes)
    return code


def list_codes(world: World, params: dict[str, Any]) -> Page:
    """GET /v1/promotion_codes, by code, coupon, customer or activity."""

    def keep(code: Obj) -> bool:
        if "code" in params and code["code"].lower() != params["code"].lower():
            return False
        if "coupon" in params and code["promotion"]["coupon"] != params["coupon"]:
            return False
        return all(code[name] == params[name] for name in ("active", "customer") if name in params)

    return page(world, "promotion_code", params, keep)


ROUTES = [
    Route(
        "POST",
        "/v1/coupons",
        sdk.CouponCreateParams,
        create,
        supports(
            "amount_off applies_to currency duration duration_in_months id max_redemptions metadata name percent_off"
            " redeem_by"
        ),
    ),
    Route("GET", "/v1/coupons", sdk.CouponListParams, list_),
    Route("GET", "/v1/coupons/{id}", sdk.CouponRetrieveParams, retrieve),
    Route("POST", "/v1/coupons/{id}", sdk.CouponUpdateParams, update, supports("metadata name")),
    Route("DELETE", "/v1/coupons/{id}", sdk.CouponDeleteParams, delete),
    Route(
        "POST",
        "/v1/promotion_codes",
        sdk.PromotionCodeCreateParams,
        create_code,
        supports("active code customer expires_at max_redemptions metadata promotion restrictions"),
    ),
    Route("GET", "/v1/promotion_codes", sdk.PromotionCodeListParams, list_codes),
    Route("GET", "/v1/promotion_codes/{id}", sdk.PromotionCodeRetrieveParams, retrieve_code),
    Route("POST", "/v1/promotion_codes/{id}", sdk.PromotionCodeUpdateParams, update_code, supports("active metadata")),
]
