"""Coupons at work: who may use them, and what they take off invoice lines."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from typing import Any

from sandbox.events import emit_updated
from sandbox.money import share
from sandbox.periods import boundary
from sandbox.protocol.errors import invalid
from sandbox.shapes import catalog
from sandbox.store import Obj
from sandbox.world import World


def coupon_valid(world: World, coupon: Obj) -> bool:
    """Whether a coupon may still be redeemed now."""
    spent = coupon["max_redemptions"] is not None and coupon["times_redeemed"] >= coupon["max_redemptions"]
    late = coupon["redeem_by"] is not None and coupon["redeem_by"] < world.now()
    return not (spent or late or coupon.get("_deleted"))


def coupon_of(world: World, discount: Obj) -> Obj:
    """The coupon behind a discount, which goes on when the coupon is deleted."""
    coupon = world.store.get("coupon", discount["source"]["coupon"])
    assert coupon is not None
    return coupon


def resolve(world: World, wanted: Iterable[dict[str, Any]], param: str) -> list[tuple[Obj, Obj | None]]:
    """The (coupon, promotion code) pairs that a ``discounts`` parameter names.

    Raises 400 for one that does not exist or may not be redeemed any more.
    """
    found = []
    for index, entry in enumerate(wanted or []):
        at = f"{param}[{index}]"
        code = None
        if "promotion_code" in entry:
            code = world.need("promotion_code", entry["promotion_code"], f"{at}[promotion_code]")
            require_usable(world, code, f"{at}[promotion_code]")
            coupon = world.need("coupon", code["promotion"]["coupon"])
        elif "coupon" in entry:
            coupon = world.need("coupon", entry["coupon"], f"{at}[coupon]")
        else:
            raise invalid("The sandbox takes a coupon or a promotion code here.", param=at)
        if not coupon_valid(world, coupon):
            raise invalid(f"Coupon {coupon['id']} is used up or expired.", param=at, code="coupon_expired")
        found.append((coupon, code))
    return found


def require_usable(world: World, code: Obj, param: str, customer: str | None = None) -> None:
    """Raises 400 for a promotion code that is inactive, expired, used up, another's or for newcomers."""
    spent = code["max_redemptions"] is not None and code["times_redeemed"] >= code["max_redemptions"]
    late = code["expires_at"] is not None and code["expires_at"] < world.now()
    foreign = customer is not None and code["customer"] not in (None, customer)
    bought = code["restrictions"]["first_time_transaction"] and customer is not None and _has_paid(world, customer)
    if not code["active"] or spent or late or foreign or bought:
        raise invalid(f"This promotion code cannot be redeemed: {code['code']}", param=param)


def redeem(
    world: World,
    pairs: list[tuple[Obj, Obj | None]],
    *,
    customer: str | None,
    subscription: str | None = None,
    checkout_session: str | None = None,
) -> list[Obj]:
    """Turn coupons into discounts, and count them as redeemed."""
    made = []
    for coupon, code in pairs:
        end = None
        if coupon["duration"] == "repeating":
            end = boundary(world.now(), "month", 1, coupon["duration_in_months"])
        made.append(
            world.store.add(
                catalog.discount(
                    world.now(),
                    coupon["id"],
                    customer=customer,
                    end=end,
                    promotion_code=code["id"] if code else None,
                    subscription=subscription,
                    checkout_session=checkout_session,
                )
            )
        )
        world.store.update(coupon, times_redeemed=coupon["times_redeemed"] + 1)
        world.store.update(coupon, valid=coupon_valid(world, coupon))
        if code is not None:
            world.store.update(code, times_redeemed=code["times_redeemed"] + 1)
    return made


def running(world: World, keys: list[str]) -> list[Obj]:
    """Those of the discounts that have not ended."""
    found = [world.need("discount", key) for key in keys]
    return [discount for discount in found if discount["end"] is None or discount["end"] > world.now()]


def apply(world: World, lines: list[Obj], discounts: list[Obj]) -> list[dict[str, Any]]:
    """Write each discount's share onto the lines; returns the invoice's ``total_discount_amounts``.

    A percentage is rounded per line; an amount is spread over the lines by their weight and never exceeds them.
    """
    totals = []
    for discount in discounts:
        coupon = coupon_of(world, discount)
        open_lines = [line for line in lines if _eligible(coupon, line)]
        shares = [taken_off(coupon, remaining(line)) for line in open_lines]
        if coupon["amount_off"] is not None:
            shares = _spread(coupon["amount_off"], [remaining(line) for line in open_lines])
        for line, amount in zip(open_lines, shares, strict=True):
            line["discounts"] = [*line["discounts"], discount["id"]]
            line["discount_amounts"] = [*line["discount_amounts"], {"amount": amount, "discount": discount["id"]}]
        totals.append({"amount": sum(shares), "discount": discount["id"]})
    return totals


def drop_used(world: World, subscription: Obj) -> None:
    """Take ``once`` discounts and ended ones off a subscription, after an invoice has had them."""
    kept = [
        discount["id"]
        for discount in running(world, subscription["discounts"])
        if coupon_of(world, discount)["duration"] != "once"
    ]
    emit_updated(world, "customer.subscription.updated", subscription, discounts=kept)


def net(world: World, amount: int, discounts: list[Obj]) -> int:
    """An amount after the percentages of these discounts (proration lines carry net amounts)."""
    for discount in discounts:
        coupon = coupon_of(world, discount)
        if coupon["percent_off"] is not None:
            amount -= taken_off(coupon, amount)
    return amount


def remaining(line: Obj) -> int:
    """What discounts have left of a line."""
    amount: int = line["amount"] - sum(entry["amount"] for entry in line["discount_amounts"])
    return amount


def taken_off(coupon: Obj, amount: int) -> int:
    """What a percentage coupon takes off an amount; 0 for a coupon over an amount."""
    return share(amount, Fraction(str(coupon["percent_off"] or 0)), 100)


def _has_paid(world: World, customer: str) -> bool:
    return any(world.store.where("charge", customer=customer, status="succeeded"))


def _eligible(coupon: Obj, line: Obj) -> bool:
    products = coupon.get("_applies_to") or []
    fits = not products or line["pricing"]["price_details"]["product"] in products
    return line["discountable"] and line["amount"] > 0 and fits


def _spread(amount: int, weights: list[int]) -> list[int]:
    total = sum(weights)
    left, rest = min(amount, total), total
    shares = []
    for weight in weights:
        part = share(left, weight, rest) if rest else 0
        shares.append(part)
        left, rest = left - part, rest - weight
    return shares
