"""What happens when the customer pays on the hosted page, in each of the ways a payment can go."""

from __future__ import annotations

from typing import Any

from sandbox.billing import charging, collecting, discounts, invoicing, starting
from sandbox.billing.ending import end_subscription
from sandbox.checkout.amounts import enter_code, invoice_lines, pairs_of
from sandbox.events import emit
from sandbox.protocol.errors import invalid
from sandbox.shapes import customers, invoices
from sandbox.store import Obj
from sandbox.world import World

WAYS = ("card", "declined", "3ds", "3ds_fail", "delayed")
"""``card`` goes through; ``3ds`` too, after the extra step; ``delayed`` completes unpaid and is settled later."""

_DAY = 86_400
_BEHAVIOUR = {"card": "ok", "3ds": "3ds", "3ds_fail": "3ds", "declined": "decline", "delayed": "delayed"}
_REFUSALS = {
    "declined": "Your card was declined.",
    "3ds_fail": "We are unable to authenticate your payment method. Please choose a different one and try again.",
}


def pay(world: World, session: Obj, way: str, promotion_code: str | None = None) -> str | None:
    """Pay an open session; returns ``None`` when it is complete, or the message of the refusal (it stays open).

    Raises 400 when the session is not open, the way is none of :data:`WAYS` or the promotion code is no good.
    """
    if way not in WAYS:
        raise invalid(f"Pay with one of {', '.join(WAYS)}.", param="with")
    if session["status"] != "open":
        raise invalid(f"This Checkout Session is {session['status']}.")
    if promotion_code:
        enter_code(world, session, promotion_code)
    if session["mode"] == "subscription":
        refusal = _REFUSALS.get(way)
        if refusal is None:
            _subscribe(world, session, way)
        return refusal
    return _buy(world, session, way)


def settle(world: World, session: Obj, outcome: str) -> None:
    """A delayed payment comes in (``succeeded``) or not (``failed``). Raises 400 when none is under way."""
    if session["status"] != "complete" or session["payment_status"] != "unpaid" or not session.get("_settles_at"):
        raise invalid("This Checkout Session has no delayed payment under way.")
    if outcome not in ("succeeded", "failed"):
        raise invalid("The outcome is succeeded or failed.", param="outcome")
    world.store.update(session, _settles_at=None)
    invoice = world.store.get("invoice", session["invoice"] or "")
    intent = world.store.get("payment_intent", session["payment_intent"] or "")
    if intent is None and invoice is not None:
        # Not through the customer, who may have been deleted meanwhile.
        payment = invoicing.payment_of(world, invoice)
        intent = payment and world.store.get("payment_intent", payment["payment"]["payment_intent"])
    assert intent is not None
    result = charging.settle(world, intent, outcome == "succeeded")
    if invoice is not None:
        collecting.after_attempt(world, invoice, result)
    if result == "succeeded":
        _trust(world, world.need("payment_method", intent["payment_method"]))
        world.store.update(session, payment_status="paid")
        emit(world, "checkout.session.async_payment_succeeded", session)
        return
    subscription = world.store.get("subscription", session["subscription"] or "")
    if subscription is not None and subscription["status"] == "incomplete":
        end_subscription(world, subscription, None, status="incomplete_expired")
    emit(world, "checkout.session.async_payment_failed", session)


def expire(world: World, session: Obj) -> None:
    """End an open session unpaid. Raises 400 when it is not open."""
    if session["status"] != "open":
        raise invalid(
            f'Only Checkout Sessions with a status in ["open"] can be expired. This one is {session["status"]}.'
        )
    world.store.update(session, status="expired", url=None)
    intent = world.store.get("payment_intent", session["payment_intent"] or "")
    if intent is not None:
        charging.cancel_intent(world, intent, "expired")
    emit(world, "checkout.session.expired", session)


def _buy(world: World, session: Obj, way: str) -> str | None:
    """Payment mode."""
    data = session["_payment_intent_data"]
    keep_card = data.get("setup_future_usage")
    customer = _customer(world, session)
    if session["amount_total"] == 0:
        invoice = _receipt_invoice(world, session, customer, None)
        _complete(world, session, customer, "no_payment_required", invoice=invoice["id"] if invoice else None)
        return None
    intent = world.store.get("payment_intent", session["payment_intent"] or "")
    if intent is None:
        intent = charging.open_intent(
            world,
            session["amount_total"],
            session["currency"],
            customer=customer,
            metadata=data.get("metadata") or {},
            description=data.get("description"),
            setup_future_usage=keep_card,
        )
        world.store.update(session, payment_intent=intent["id"])
    elif intent["amount"] != session["amount_total"]:
        world.store.update(intent, amount=session["amount_total"])
    method = _method(world, customer, way, attached=keep_card is not None)
    if way in ("3ds", "3ds_fail"):
        charging.attempt(world, intent, method)
        outcome = charging.authenticate(world, intent, passed=way == "3ds")
    else:
        outcome = charging.attempt(world, intent, method, authenticated=True)
    if outcome == "declined":
        return _REFUSALS[way]
    invoice = _receipt_invoice(world, session, customer, intent)
    if invoice is not None and outcome == "succeeded":
        collecting.mark_paid(world, invoice)
    key = invoice["id"] if invoice else None
    _complete(world, session, customer, "paid" if outcome == "succeeded" else "unpaid", invoice=key)
    return None


def _subscribe(world: World, session: Obj, way: str) -> None:
    """Subscription mode: subscription and invoice come into being now."""
    data = session["_subscription_data"]
    customer = _customer(world, session)
    assert customer is not None
    needs_card = session["payment_method_collection"] != "if_required" or session["amount_total"] > 0
    method = _method(world, customer, way, attached=True) if needs_card else None
    now = world.now()
    trial_end = data.get("trial_end")
    if "trial_period_days" in data:
        trial_end = now + data["trial_period_days"] * _DAY
    items = [world.need("item", key) for key in session["_line_items"]]
    terms = starting.Terms(
        items=[(world.need("price", item["_price"]), item["quantity"]) for item in items],
        metadata=data.get("metadata") or {},
        payment_method=method["id"] if method else None,
        description=data.get("description"),
        trial_end=trial_end,
        coupons=pairs_of(world, session),
        automatic_tax=session["automatic_tax"]["enabled"],
    )
    status = "trialing" if trial_end else "incomplete" if way == "delayed" else "active"
    subscription, invoice = starting.start(world, customer, terms, status)
    outcome = collecting.finalize_and_collect(world, invoice, method, authenticated=True)
    if subscription["discounts"] and not trial_end:
        discounts.drop_used(world, subscription)
    if outcome == "processing":
        paid = "unpaid"
    else:
        if method is not None and way == "delayed":
            _trust(world, method)
        paid = "paid" if invoice["amount_paid"] > 0 else "no_payment_required"
    _complete(world, session, customer, paid, subscription=subscription["id"], invoice=invoice["id"])


def _complete(world: World, session: Obj, customer: Obj | None, payment_status: str, **ids: str | None) -> None:
    details: dict[str, Any] = {
        "address": customer["address"] if customer else None,
        "business_name": None,
        "email": (customer["email"] if customer else None) or session["customer_email"] or "buyer@example.com",
        "individual_name": None,
        "name": customer["name"] if customer else "Sandbox Buyer",
        "phone": None,
        "tax_exempt": "none",
        "tax_ids": [],
    }
    waits = payment_status == "unpaid"
    world.store.update(
        session,
        status="complete",
        payment_status=payment_status,
        url=None,
        customer=customer["id"] if customer else None,
        customer_details=details,
        _settles_at=world.now() + world.settings.delayed_payment_days * _DAY if waits else None,
        **ids,
    )
    emit(world, "checkout.session.completed", session)


def _customer(world: World, session: Obj) -> Obj | None:
    """The session's customer; one is made where Stripe makes one, guests stay without."""
    if session["customer"]:
        return world.need("customer", session["customer"])
    invoiced = bool(session["invoice_creation"] and session["invoice_creation"]["enabled"])
    if session["mode"] == "payment" and session["customer_creation"] != "always" and not invoiced:
        return None
    email = session["customer_email"] or "buyer@example.com"
    customer = world.store.add(customers.customer(world.now(), {"email": email, "name": "Sandbox Buyer"}))
    world.store.update(session, customer=customer["id"])
    emit(world, "customer.created", customer)
    return customer


def _method(world: World, customer: Obj | None, way: str, attached: bool) -> Obj:
    method = world.store.add(
        customers.payment_method(
            world.now(), customer, behaviour=_BEHAVIOUR[way], attached=attached and customer is not None
        )
    )
    if method["customer"]:
        emit(world, "payment_method.attached", method)
    return method


def _trust(world: World, method: Obj) -> None:
    """Later charges of a bank account that has paid once go through at once."""
    world.store.update(method, _behaviour="ok")


def _receipt_invoice(world: World, session: Obj, customer: Obj | None, intent: Obj | None) -> Obj | None:
    """Redeems the session's coupons and makes the invoice of ``invoice_creation``.

    It is manual, has no parent, and is paid by the session's own intent.
    """
    buyer = customer["id"] if customer else None
    made = discounts.redeem(world, pairs_of(world, session), customer=buyer, checkout_session=session["id"])
    creation = session["invoice_creation"]
    if not creation or not creation["enabled"] or customer is None:
        return None
    invoice = invoicing.draft(
        world,
        customer,
        invoice_lines(world, session),
        billing_reason="manual",
        currency=session["currency"],
        discounted_by=made,
        metadata=creation["invoice_data"]["metadata"] or {},
    )
    emit(world, "invoice.created", invoice)
    if intent is not None:
        world.store.add(invoices.invoice_payment(world.now(), invoice, intent["id"]))
    invoicing.finalize(world, invoice, use_balance=False)
    if intent is None:
        collecting.mark_paid(world, invoice)
    return invoice
