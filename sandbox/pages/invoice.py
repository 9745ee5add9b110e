"""The hosted page of an invoice, and the 3-D Secure step of a payment intent."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, redirect, render_template, request, url_for

from sandbox.billing import cards, charging, collecting, invoicing
from sandbox.protocol.errors import invalid
from sandbox.render import lines_of
from sandbox.store import Obj
from sandbox.world import World


def register(pages: Blueprint, world: World) -> None:
    """``/i/<invoice>``, ``/3ds/<intent>``, ``/receipts/<charge>``."""

    def page(invoice: Obj, message: str | None = None, status: int = 200) -> tuple[str, int]:
        payment = invoicing.payment_of(world, invoice)
        key = payment["payment"]["payment_intent"] if payment else ""
        intent = world.store.get("payment_intent", key)
        data = {"invoice": invoice, "lines": lines_of(world, invoice), "intent": intent, "message": message}
        return render_template("invoice.html", **data), status

    @pages.get("/i/<invoice_id>")
    def invoice_page(invoice_id: str) -> Any:
        with world.turn():
            return page(world.need("invoice", invoice_id))

    @pages.post("/i/<invoice_id>")
    def invoice_pay(invoice_id: str) -> Any:
        with world.turn():
            invoice = world.need("invoice", invoice_id)
            message = pay_by_hand(world, invoice, request.form.get("with", "card"))
            if message is not None:
                return page(invoice, message, 402)
        return redirect(url_for("pages.invoice_page", invoice_id=invoice_id), 303)

    @pages.get("/i/<invoice_id>/pdf")
    def invoice_pdf(invoice_id: str) -> Any:
        with world.turn():
            invoice = world.need("invoice", invoice_id)
        text = f"Invoice {invoice['number']}: {invoice['total']} {invoice['currency']} (sandbox, no money moves)\n"
        return Response(text, content_type="text/plain; charset=utf-8")

    @pages.get("/3ds/<intent_id>")
    def challenge(intent_id: str) -> Any:
        with world.turn():
            intent = world.need("payment_intent", intent_id)
            if intent["status"] != "requires_action":
                return render_template("notice.html", title="Nothing to confirm", message="This payment is decided.")
            return render_template(
                "challenge.html",
                action=url_for("pages.challenge_end", intent_id=intent_id),
                amount=intent["amount"],
                currency=intent["currency"],
                confirm=("result", "passed"),
                fail=("result", "failed"),
            )

    @pages.post("/3ds/<intent_id>")
    def challenge_end(intent_id: str) -> Any:
        with world.turn():
            intent = world.need("payment_intent", intent_id)
            if intent["status"] != "requires_action":
                raise invalid("This payment does not wait for a confirmation.")
            outcome = charging.authenticate(world, intent, request.form.get("result") == "passed")
            invoice = invoicing.invoice_of_intent(world, intent_id)
            if invoice is None:
                return render_template("notice.html", title="Done", message=f"The payment is {intent['status']}.")
            collecting.after_attempt(world, invoice, outcome)
        return redirect(url_for("pages.invoice_page", invoice_id=invoice["id"]), 303)

    @pages.get("/receipts/<charge_id>")
    def receipt(charge_id: str) -> Any:
        with world.turn():
            charge = world.need("charge", charge_id)
            text = f"Receipt for {charge['amount']} {charge['currency'].upper()} (minor units), {charge['status']}."
            return render_template("notice.html", title="Receipt", message=text)


def pay_by_hand(world: World, invoice: Obj, way: str) -> str | None:
    """The customer pays an open invoice with a new card; returns the refusal, or ``None``.

    Raises 400 when the invoice is not open.
    """
    if invoice["status"] != "open":
        raise invalid(f"This invoice is {invoice['status']}.")
    customer = world.need("customer", invoice["customer"])
    behaviour = "decline" if way == "declined" else "ok"
    method = cards.add_card(world, customer, behaviour)
    outcome = collecting.collect(world, invoice, method, authenticated=True, automatic=False)
    return None if outcome == "succeeded" else "Your card was declined."
