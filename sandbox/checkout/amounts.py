"""What a Checkout Session costs."""

from __future__ import annotations

from typing import Any

from sandbox.billing import discounts
from sandbox.ids import new_id
from sandbox.protocol.errors import invalid
from sandbox.shapes import invoices
from sandbox.store import Obj
from sandbox.world import World


def line_item(price: Obj, quantity: int, name: str) -> Obj:
    """A line item of a session, without discounts."""
    amount = price["unit_amount"] * quantity
    return {
        "id": new_id("item"),
        "object": "item",
        "adjustable_quantity": None,
        "amount_discount": 0,
        "amount_subtotal": amount,
        "amount_tax": 0,
        "amount_total": amount,
        "currency": price["currency"],
        "description": name,
        "metadata": {},
        "price": None,
        "quantity": quantity,
        "_price": price["id"],
    }


def invoice_lines(world: World, session: Obj) -> list[Obj]:
    """The invoice lines that a session in payment mode sells."""
    now = world.now()
    found = []
    for key in session["_line_items"]:
        item = world.need("item", key)
        found.append(
            invoices.line(
                amount=item["amount_subtotal"],
                currency=item["currency"],
                description=item["description"],
                price=world.need("price", item["_price"]),
                quantity=item["quantity"],
                start=now,
                end=now,
                metadata={},
            )
        )
    return found


def recalculate(world: World, session: Obj) -> None:
    """Set the session's amounts from its line items, discounts and trial."""
    lines = invoice_lines(world, session)
    pairs = pairs_of(world, session)
    # The discounts only serve to compute: real ones come into being when the customer pays.
    trial_runs = [{"id": f"di_{n}", "source": {"coupon": coupon["id"]}} for n, (coupon, _) in enumerate(pairs)]
    discounts.apply(world, lines, trial_runs)
    free = session["_trial"]
    for line, key in zip(lines, session["_line_items"], strict=True):
        item = world.need("item", key)
        off = 0 if free else line["amount"] - discounts.remaining(line)
        gross = 0 if free else line["amount"]
        world.store.update(item, amount_discount=off, amount_subtotal=line["amount"], amount_total=gross - off)
    items = [world.need("item", key) for key in session["_line_items"]]
    subtotal = 0 if free else sum(item["amount_subtotal"] for item in items)
    off = sum(item["amount_discount"] for item in items)
    world.store.update(
        session,
        amount_subtotal=subtotal,
        amount_total=subtotal - off,
        total_details={"amount_discount": off, "amount_shipping": 0, "amount_tax": 0},
    )


def pairs_of(world: World, session: Obj) -> list[tuple[Obj, Obj | None]]:
    """The (coupon, promotion code) pairs a session has been given; they stay good when the coupon is deleted."""
    found = []
    for entry in session["discounts"] or []:
        code = world.store.get("promotion_code", entry["promotion_code"] or "")
        coupon = world.store.get("coupon", entry["coupon"])
        assert coupon is not None
        found.append((coupon, code))
    return found


def enter_code(world: World, session: Obj, text: str) -> None:
    """The customer types a promotion code. Raises 400 when the session takes none or the code is no good."""
    if not session["allow_promotion_codes"]:
        raise invalid("This session takes no promotion codes.", param="promotion_code")
    codes = [c for c in world.store.all("promotion_code") if c["code"].lower() == text.strip().lower()]
    usable = [code for code in codes if code["active"]]
    if not usable:
        raise invalid(f"This promotion code is invalid: {text}", param="promotion_code")
    code = usable[-1]
    discounts.require_usable(world, code, "promotion_code", session["customer"])
    pairs = discounts.resolve(world, [{"promotion_code": code["id"]}], "discounts")
    least: Any = code["restrictions"]["minimum_amount"]
    if least is not None and session["amount_subtotal"] < least:
        raise invalid("This promotion code needs a larger purchase.", param="promotion_code")
    entries = [{"coupon": coupon["id"], "promotion_code": code["id"]} for coupon, _ in pairs]
    world.store.update(session, discounts=entries)
    recalculate(world, session)
