"""Invoices."""

from __future__ import annotations

from typing import Any

import stripe.params as sdk

from sandbox.billing import collecting, invoicing, previewing
from sandbox.protocol.errors import StripeFailure, card_declined, invalid
from sandbox.protocol.lists import Page, page
from sandbox.protocol.routes import Route, supports
from sandbox.render import lines_of
from sandbox.store import Obj
from sandbox.world import World


def retrieve(world: World, params: dict[str, Any], id: str) -> Obj:
    """GET /v1/invoices/{id}."""
    return world.need("invoice", id)


def list_(world: World, params: dict[str, Any]) -> Page:
    """GET /v1/invoices, by customer, subscription, status or collection method."""
    subscription = params.get("subscription")

    def keep(invoice: Obj) -> bool:
        if subscription is not None:
            parent = invoice["parent"]
            if parent is None or parent["subscription_details"]["subscription"] != subscription:
                return False
        names = ("customer", "status", "collection_method")
        return all(invoice[name] == params[name] for name in names if name in params)

    return page(world, "invoice", params, keep)


def lines(world: World, params: dict[str, Any], id: str) -> Page:
    """GET /v1/invoices/{id}/lines."""
    invoice = world.need("invoice", id)
    return page(world, "line_item", params, objects=lines_of(world, invoice), newest_first=False)


def finalize(world: World, params: dict[str, Any], id: str) -> Obj:
    """POST /v1/invoices/{id}/finalize; one that collects by itself is then charged."""
    invoice = world.need("invoice", id)
    invoicing.finalize(world, invoice)
    if params.get("auto_advance", invoice["auto_advance"]) or invoice["amount_due"] == 0:
        collecting.collect(world, invoice)
    return invoice


def pay(world: World, params: dict[str, Any], id: str) -> Obj:
    """POST /v1/invoices/{id}/pay: with the default or a named card, or noted as paid elsewhere.

    Raises 402 when the card is declined; the attempt is on record all the same.
    """
    invoice = world.need("invoice", id)
    if invoice["status"] == "paid":
        raise invalid("Invoice is already paid", code="invoice_already_paid")
    if invoice["status"] == "draft":
        invoicing.finalize(world, invoice)
    if invoice["status"] not in ("open", "uncollectible"):
        raise invalid(f"This invoice is {invoice['status']} and cannot be paid.", code="invoice_not_open")
    if params.get("paid_out_of_band"):
        collecting.mark_paid(world, invoice, out_of_band=True)
        return invoice
    key = params.get("payment_method")
    method = world.need("payment_method", key, "payment_method") if key else None
    if method is None and collecting.default_method(world, invoice) is None and invoice["amount_due"] > 0:
        raise invalid("There is no payment method to charge.", code="invoice_payment_intent_requires_action")
    outcome = collecting.collect(world, invoice, method, automatic=False)
    if outcome == "declined":
        raise card_declined()
    if outcome == "requires_action":
        raise StripeFailure(
            402,
            "This payment requires additional user action before it can be completed successfully.",
            type="card_error",
            code="invoice_payment_intent_requires_action",
        )
    return invoice


def void(world: World, params: dict[str, Any], id: str) -> Obj:
    """POST /v1/invoices/{id}/void."""
    invoice = world.need("invoice", id)
    invoicing.void(world, invoice)
    return invoice


def mark_uncollectible(world: World, params: dict[str, Any], id: str) -> Obj:
    """POST /v1/invoices/{id}/mark_uncollectible."""
    invoice = world.need("invoice", id)
    invoicing.mark_uncollectible(world, invoice)
    return invoice


def create_preview(world: World, params: dict[str, Any]) -> Obj:
    """POST /v1/invoices/create_preview: what the next invoice, or a change of items, would come to."""
    return previewing.preview(world, params)


ROUTES = [
    Route(
        "POST",
        "/v1/invoices/create_preview",
        sdk.InvoiceCreatePreviewParams,
        create_preview,
        supports("customer preview_mode subscription subscription_details"),
    ),
    Route(
        "GET",
        "/v1/invoices",
        sdk.InvoiceListParams,
        list_,
        supports("collection_method created customer ending_before limit starting_after status subscription"),
    ),
    Route("GET", "/v1/invoices/{id}", sdk.InvoiceRetrieveParams, retrieve),
    Route("GET", "/v1/invoices/{id}/lines", sdk.InvoiceLineItemListParams, lines),
    Route("POST", "/v1/invoices/{id}/finalize", sdk.InvoiceFinalizeInvoiceParams, finalize),
    Route(
        "POST",
        "/v1/invoices/{id}/pay",
        sdk.InvoicePayParams,
        pay,
        supports("off_session paid_out_of_band payment_method"),
    ),
    Route("POST", "/v1/invoices/{id}/void", sdk.InvoiceVoidInvoiceParams, void),
    Route("POST", "/v1/invoices/{id}/mark_uncollectible", sdk.InvoiceMarkUncollectibleParams, mark_uncollectible),
]
