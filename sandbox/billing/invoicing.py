"""The life of an invoice up to the moment it asks for money, and its other ends."""

from __future__ import annotations

from typing import Any

from sandbox.billing import charging, discounts
from sandbox.events import emit, emit_updated
from sandbox.protocol.errors import invalid
from sandbox.shapes import invoices
from sandbox.store import Obj
from sandbox.world import World


def draft(
    world: World,
    customer: Obj,
    lines: list[Obj],
    *,
    billing_reason: str,
    currency: str,
    subscription: Obj | None = None,
    period_start: int | None = None,
    discounted_by: list[Obj] | None = None,
    metadata: dict[str, str] | None = None,
    store: bool = True,
) -> Obj:
    """A draft with its totals. ``store=False`` makes a preview that leaves no trace.

    The caller announces ``invoice.created``: a new subscription is announced first.
    """
    now = world.now()
    invoice = invoices.invoice(
        now,
        customer,
        currency,
        billing_reason=billing_reason,
        subscription=subscription,
        period_start=now if period_start is None else period_start,
        period_end=now,
        metadata=metadata or {},
        automatic_tax=bool(subscription and subscription["automatic_tax"]["enabled"]),
        default_payment_method=None,
    )
    applied = discounts.apply(world, lines, discounted_by or [])
    subtotal = sum(line["amount"] for line in lines)
    total = sum(discounts.remaining(line) for line in lines)
    invoice.update(
        discounts=[entry["discount"] for entry in applied],
        subtotal=subtotal,
        subtotal_excluding_tax=subtotal,
        total=total,
        total_excluding_tax=total,
        total_discount_amounts=applied,
        amount_due=max(total, 0),
        amount_remaining=max(total, 0),
        starting_balance=customer["balance"],
    )
    for line in lines:
        line["invoice"] = invoice["id"]
    if not store:
        invoice["_preview_lines"] = lines
        due, _ = after_balance(total, customer["balance"])
        invoice.update(amount_due=due, amount_remaining=due)
        return invoice
    for line in lines:
        world.store.add(line)
    invoice["_lines"] = [line["id"] for line in lines]
    world.store.add(invoice)
    if subscription is not None:
        world.store.update(subscription, latest_invoice=invoice["id"])
    return invoice


def after_balance(total: int, balance: int) -> tuple[int, int]:
    """(what is to be paid, the customer's balance afterwards); a negative balance is credit of the customer."""
    if total <= 0:
        return 0, balance + total
    due = max(0, total + balance)
    return due, balance + total - due if balance < 0 else 0


def finalize(world: World, invoice: Obj, use_balance: bool = True) -> None:
    """From draft to open: numbered, the customer's balance set off, a payment intent opened if money is due.

    Announces ``invoice.finalized``. Raises 400 when the invoice is no draft.
    """
    if invoice["status"] != "draft":
        raise invalid("This invoice is already finalized, you can't re-finalize a non-draft invoice.")
    customer = world.need("customer", invoice["customer"])
    due, balance = invoice["amount_due"], customer["balance"]
    if use_balance:
        due, balance = after_balance(invoice["total"], balance)
    number = customer["next_invoice_sequence"]
    starting = customer["balance"]
    emit_updated(world, "customer.updated", customer, balance=balance)
    world.store.update(customer, next_invoice_sequence=number + 1)
    page = f"{world.base_url}/i/{invoice['id']}"
    world.store.update(
        invoice,
        status="open",
        number=f"{customer['invoice_prefix']}-{number:04d}",
        amount_due=due,
        amount_remaining=due,
        starting_balance=starting,
        ending_balance=balance,
        effective_at=world.now(),
        automatically_finalizes_at=None,
        hosted_invoice_url=page,
        invoice_pdf=f"{page}/pdf",
        status_transitions={**invoice["status_transitions"], "finalized_at": world.now()},
        webhooks_delivered_at=world.now(),
    )
    emit(world, "invoice.finalized", invoice)
    if due > 0:
        open_payment(world, invoice, customer)


def open_payment(world: World, invoice: Obj, customer: Obj) -> Obj:
    """The payment intent of an open invoice, made at the first need."""
    payment = payment_of(world, invoice)
    if payment is not None:
        return world.need("payment_intent", payment["payment"]["payment_intent"])
    intent = charging.open_intent(
        world,
        invoice["amount_due"],
        invoice["currency"],
        customer=customer,
        metadata={},
        description="Subscription update" if invoice["billing_reason"] == "subscription_update" else "Invoice payment",
    )
    world.store.add(invoices.invoice_payment(world.now(), invoice, intent["id"]))
    return intent


def payment_of(world: World, invoice: Obj) -> Obj | None:
    """The invoice's payment, if one was opened."""
    return next(world.store.where("invoice_payment", invoice=invoice["id"]), None)


def invoice_of_intent(world: World, intent_id: str) -> Obj | None:
    """The invoice that an intent is to pay."""
    for payment in world.store.all("invoice_payment"):
        if payment["payment"].get("payment_intent") == intent_id:
            return world.need("invoice", payment["invoice"])
    return None


def void(world: World, invoice: Obj) -> None:
    """Void an open or uncollectible invoice. Raises 400 otherwise."""
    if invoice["status"] not in ("open", "uncollectible"):
        raise invalid(f"You can only pass in open or uncollectible invoices. This invoice is {invoice['status']}.")
    abandon_payment(world, invoice)
    world.store.update(
        invoice,
        status="void",
        amount_remaining=0,
        auto_advance=False,
        next_payment_attempt=None,
        status_transitions={**invoice["status_transitions"], "voided_at": world.now()},
    )
    emit(world, "invoice.voided", invoice)


def mark_uncollectible(world: World, invoice: Obj, reason: str = "user_forgiven") -> None:
    """Write an open invoice off. Raises 400 otherwise."""
    if invoice["status"] != "open":
        raise invalid(f"You can only mark open invoices as uncollectible. This invoice is {invoice['status']}.")
    world.store.update(
        invoice,
        status="uncollectible",
        auto_advance=False,
        next_payment_attempt=None,
        status_transitions={**invoice["status_transitions"], "marked_uncollectible_at": world.now()},
        status_details={"uncollectible": {"reason": reason}},
    )
    emit(world, "invoice.marked_uncollectible", invoice)


def stop_collecting(world: World, invoice: Obj) -> None:
    """Leave an unpaid invoice as it is, without further attempts."""
    world.store.update(invoice, auto_advance=False, next_payment_attempt=None, automatically_finalizes_at=None)


def abandon_payment(world: World, invoice: Obj) -> None:
    """Cancel the invoice's open payment, if it has one."""
    payment = payment_of(world, invoice)
    if payment is not None and payment["status"] == "open":
        transitions: dict[str, Any] = {**payment["status_transitions"], "canceled_at": world.now()}
        world.store.update(payment, status="canceled", status_transitions=transitions)
        intent = world.need("payment_intent", payment["payment"]["payment_intent"])
        charging.cancel_intent(world, intent, "void_invoice")
