"""Subscriptions."""

from __future__ import annotations

from typing import Any

import stripe.params as sdk

from sandbox import metadata
from sandbox.billing import changing, charging, collecting, discounts, invoicing, lines, renewing, starting
from sandbox.billing.ending import end_subscription
from sandbox.billing.items import items_before, read_changes, recurring_price, same_interval
from sandbox.events import emit
from sandbox.protocol.errors import StripeFailure, card_declined, invalid, unsupported
from sandbox.protocol.lists import Page, page
from sandbox.protocol.routes import Route, supports
from sandbox.store import Obj
from sandbox.world import World

_CREATE = supports(
    "automatic_tax billing_mode cancel_at_period_end collection_method currency customer default_payment_method"
    " description discounts items metadata off_session payment_behavior payment_settings proration_behavior trial_end"
    " trial_period_days trial_settings"
)
_UPDATE = supports(
    "cancel_at cancel_at_period_end cancellation_details collection_method default_payment_method description discounts"
    " items metadata off_session pause_collection payment_behavior proration_behavior proration_date trial_end"
)
_DAY = 86_400


def create(world: World, params: dict[str, Any]) -> Obj:
    """POST /v1/subscriptions, charged to a card the customer already has."""
    for name in ("customer", "items"):
        if not params.get(name):
            raise invalid(f"Missing required param: {name}.", name, "parameter_missing")
    customer = world.need("customer", params["customer"], "customer")
    wanted = []
    for n, entry in enumerate(params["items"]):
        for field in set(entry) - {"price", "quantity", "metadata"}:
            raise unsupported(f"items[{n}][{field}]", param=f"items[{n}][{field}]")
        if "price" not in entry:
            raise invalid(f"Missing required param: items[{n}][price].", f"items[{n}][price]", "parameter_missing")
        price = recurring_price(world, entry["price"], f"items[{n}][price]")
        wanted.append((price, entry.get("quantity", 1)))
    same_interval([price for price, _ in wanted])
    key = params.get("default_payment_method") or customer["invoice_settings"]["default_payment_method"]
    method = world.need("payment_method", key, "default_payment_method") if key else None
    behaviour = params.get("payment_behavior", "allow_incomplete")
    if (
        method is None
        and behaviour != "default_incomplete"
        and "trial_end" not in params
        and "trial_period_days" not in params
    ):
        raise invalid(
            "This customer has no attached payment source or default payment method.", None, "resource_missing"
        )
    trial_end = params.get("trial_end")
    if trial_end == "now":
        trial_end = None
    if "trial_period_days" in params:
        trial_end = world.now() + params["trial_period_days"] * _DAY
    if trial_end is not None and trial_end <= world.now():
        raise invalid("A trial ends in the future.", "trial_end")
    if trial_end is None and behaviour == "error_if_incomplete" and not charging.would_succeed(method):
        raise card_declined()
    terms = starting.Terms(
        items=wanted,
        metadata=params.get("metadata") or {},
        payment_method=params.get("default_payment_method"),
        description=params.get("description"),
        trial_end=trial_end,
        coupons=discounts.resolve(world, params.get("discounts") or [], "discounts"),
        automatic_tax=bool((params.get("automatic_tax") or {}).get("enabled")),
    )
    subscription, invoice = starting.start(world, customer, terms, "trialing" if trial_end else "incomplete")
    invoicing.finalize(world, invoice)
    if invoice["amount_due"] == 0 or behaviour != "default_incomplete":
        collecting.collect(world, invoice, method)
    if subscription["discounts"] and not trial_end:
        discounts.drop_used(world, subscription)
    if params.get("cancel_at_period_end"):
        update(world, {"cancel_at_period_end": True}, subscription["id"])
    return subscription


def retrieve(world: World, params: dict[str, Any], id: str) -> Obj:
    """GET /v1/subscriptions/{id}; ended ones too."""
    return world.need("subscription", id)


def update(world: World, params: dict[str, Any], id: str) -> Obj:
    """POST /v1/subscriptions/{id}."""
    subscription = world.need("subscription", id)
    if subscription["ended_at"] is not None and set(params) - {"metadata", "cancellation_details", "expand"}:
        raise StripeFailure(404, f"No such subscription: '{id}'", code="resource_missing", param="id")
    _refuse_under_schedule(subscription, params)
    previous: dict[str, Any] = {}
    in_force = True
    if params.get("items"):
        changes = read_changes(world, subscription, params["items"])
        previous |= items_before(world, subscription)
        in_force = changing.change_items(
            world,
            subscription,
            changes,
            proration_behavior=params.get("proration_behavior", "create_prorations"),
            payment_behavior=params.get("payment_behavior", "allow_incomplete"),
            proration_date=params.get("proration_date"),
        )
        if not in_force:
            previous = {}
    previous |= world.store.update(subscription, **_plain_changes(world, subscription, params))
    if "discounts" in params:
        previous |= _set_discounts(world, subscription, params["discounts"])
    if previous:
        emit(world, "customer.subscription.updated", subscription, previous)
    if "trial_end" in params:
        _set_trial_end(world, subscription, params["trial_end"])
    return subscription


def cancel(world: World, params: dict[str, Any], id: str) -> Obj:
    """DELETE /v1/subscriptions/{id}: at once, without giving anything back."""
    subscription = world.need("subscription", id)
    if subscription["ended_at"] is not None:
        raise StripeFailure(404, f"No such subscription: '{id}'", code="resource_missing", param="id")
    if params.get("prorate"):
        raise unsupported("prorating on cancellation", param="prorate")
    given = params.get("cancellation_details") or {}
    details = {**subscription["cancellation_details"], **metadata.changes(given, "comment feedback")}
    world.store.update(subscription, cancellation_details=details)
    end_subscription(world, subscription, "cancellation_requested")
    return subscription


def list_(world: World, params: dict[str, Any]) -> Page:
    """GET /v1/subscriptions, by customer, price or status; without a status, ended ones are left out."""
    status = params.get("status")

    def keep(subscription: Obj) -> bool:
        if status is None and subscription["status"] == "canceled":
            return False
        if status == "ended" and subscription["status"] not in ("canceled", "incomplete_expired"):
            return False
        if status not in (None, "all", "ended") and subscription["status"] != status:
            return False
        if "price" in params and all(i["_price"] != params["price"] for i in lines.items_of(world, subscription)):
            return False
        return params.get("customer") in (None, subscription["customer"])

    return page(world, "subscription", params, keep)


def _refuse_under_schedule(subscription: Obj, params: dict[str, Any]) -> None:
    bound = {"items", "cancel_at", "cancel_at_period_end", "trial_end", "discounts"} & set(params)
    if subscription["schedule"] is not None and bound:
        raise invalid(
            f"The subscription is managed by the subscription schedule `{subscription['schedule']}`, and updating"
            f" {sorted(bound)[0]} directly is not allowed. Release the schedule first.",
            param=sorted(bound)[0],
        )


def _plain_changes(world: World, subscription: Obj, params: dict[str, Any]) -> dict[str, Any]:
    changes = metadata.changes(params, "default_payment_method description")
    if changes.get("default_payment_method"):
        world.need("payment_method", changes["default_payment_method"], "default_payment_method")
    if "metadata" in params:
        changes["metadata"] = metadata.merged(subscription["metadata"], params["metadata"])
    if "pause_collection" in params:
        pause = params["pause_collection"] or None
        changes["pause_collection"] = pause and {"behavior": pause["behavior"], "resumes_at": pause.get("resumes_at")}
    details = dict(subscription["cancellation_details"])
    details |= metadata.changes(params.get("cancellation_details") or {}, "comment feedback")
    if "cancel_at_period_end" in params and "cancel_at" in params:
        raise invalid("You may only specify one of these parameters: cancel_at, cancel_at_period_end.", "cancel_at")
    if "cancel_at_period_end" in params or "cancel_at" in params:
        at = _end_at(world, subscription, params)
        ends_by_period = params.get("cancel_at_period_end", False)
        changes["cancel_at_period_end"] = ends_by_period
        changes["cancel_at"] = at
        changes["canceled_at"] = None if at is None else subscription["canceled_at"] or world.now()
        details["reason"] = None if at is None else "cancellation_requested"
    changes["cancellation_details"] = details
    return changes


def _end_at(world: World, subscription: Obj, params: dict[str, Any]) -> int | None:
    wanted = params.get("cancel_at", "")
    if params.get("cancel_at_period_end") or wanted in ("min_period_end", "max_period_end"):
        return lines.period_end(world, subscription)
    if wanted == "":
        return None
    if not isinstance(wanted, int):
        raise unsupported(f"cancel_at={wanted}", param="cancel_at")
    if wanted <= world.now():
        raise invalid("cancel_at must be in the future.", "cancel_at")
    return wanted


def _set_discounts(world: World, subscription: Obj, wanted: Any) -> dict[str, Any]:
    pairs = discounts.resolve(world, wanted or [], "discounts")
    made = discounts.redeem(world, pairs, customer=subscription["customer"], subscription=subscription["id"])
    return world.store.update(subscription, discounts=[discount["id"] for discount in made])


def _set_trial_end(world: World, subscription: Obj, wanted: Any) -> None:
    if subscription["status"] != "trialing":
        raise unsupported("trials that begin on a running subscription", param="trial_end")
    if wanted == "now":
        renewing.end_trial_now(world, subscription)
        return
    if wanted <= world.now():
        raise invalid("A trial ends in the future.", "trial_end")
    previous = items_before(world, subscription)
    for item in lines.items_of(world, subscription):
        world.store.update(item, current_period_end=wanted)
    previous |= world.store.update(
        subscription, trial_end=wanted, billing_cycle_anchor=wanted, _trial_notice_sent=False
    )
    emit(world, "customer.subscription.updated", subscription, previous)


ROUTES = [
    Route("POST", "/v1/subscriptions", sdk.SubscriptionCreateParams, create, _CREATE),
    Route(
        "GET",
        "/v1/subscriptions",
        sdk.SubscriptionListParams,
        list_,
        supports("created customer ending_before limit price starting_after status"),
    ),
    Route("GET", "/v1/subscriptions/{id}", sdk.SubscriptionRetrieveParams, retrieve),
    Route("POST", "/v1/subscriptions/{id}", sdk.SubscriptionUpdateParams, update, _UPDATE),
    Route("DELETE", "/v1/subscriptions/{id}", sdk.SubscriptionCancelParams, cancel),
]
