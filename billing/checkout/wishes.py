"""What a customer may wish to buy: looked up in the catalog, never taken from the browser (R15)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from billing import catalog, influencers, prices
from billing.catalog import Sellable
from billing.errors import InfluencerUnavailable, InvalidAmount, NotFound, PriceNotSynced
from billing.money import MAX_MOVE
from billing.stripe_gateway import check_return_path

MAX_CHARGE_MINOR = 99_999_999
"""Stripe's limit for one charge, in minor units."""


@dataclass(frozen=True, slots=True)
class Wish:
    """Something for sale, for one account; `price_id` is Stripe's and its amount the catalog's."""

    account_id: int
    sellable: Sellable
    price_id: str
    quantity: int
    cancel_path: str
    return_path: str | None

    @property
    def mode(self) -> Literal["payment", "subscription"]:
        """Stripe's word for how it is paid."""
        return "payment" if self.sellable.kind == "pack" else "subscription"

    @property
    def unit_credits(self) -> int:
        """Micro-credits that one of it brings at this moment, bonus included."""
        return self.sellable.credits + self.sellable.bonus

    def metadata(self, public_id: str) -> dict[str, str]:
        """What the session carries, and what Stripe makes of it, so that anyone can find it there."""
        sold = self.sellable
        words = {"saldo_customer": public_id, f"saldo_{sold.kind}": sold.item}
        if sold.kind == "plan" and sold.interval:
            words["saldo_interval"] = sold.interval
        if sold.kind == "influencer" and sold.tier:
            words["saldo_tier"] = sold.tier
        return words


def wish_plan(account_id: int, plan: str, interval: str, return_path: str | None) -> Wish:
    """A plan by month or year; raises `NotFound`, `PriceNotSynced`, `InvalidReturnPath`."""
    sold_by = next((each for each in catalog.current().plan(plan).prices if each == interval), None)
    if sold_by is None:
        raise NotFound()
    return _wish(account_id, catalog.plan_lookup_key(plan, sold_by), 1, "/plans", return_path)


def wish_pack(account_id: int, pack: str, quantity: int, return_path: str | None) -> Wish:
    """Some of a pack; raises like `wish_plan`, and `InvalidAmount` for a quantity that cannot be sold."""
    catalog.current().pack(pack)
    wish = _wish(account_id, catalog.pack_lookup_key(pack), quantity, "/packs", return_path)
    if (
        quantity < 1
        or wish.unit_credits * quantity > MAX_MOVE
        or wish.sellable.amount_minor * quantity > MAX_CHARGE_MINOR
    ):
        raise InvalidAmount("The quantity is not allowed.")
    return wish


def wish_influencer(account_id: int, influencer: str, tier: str, return_path: str | None) -> Wish:
    """A tier of an influencer who takes subscribers; raises like `wish_plan`, and `InfluencerUnavailable`."""
    found = influencers.find(influencer)
    if tier not in found.tiers:
        raise NotFound()
    if found.status != "active":
        raise InfluencerUnavailable()
    key = catalog.tier_lookup_key(influencer, tier)
    return _wish(account_id, key, 1, f"/influencers/{influencer}", return_path)


def _wish(account_id: int, lookup_key: str, quantity: int, cancel_path: str, return_path: str | None) -> Wish:
    if return_path is not None:
        check_return_path(return_path)
    on_sale = (each for each in catalog.sellables(influencers.known()) if each.lookup_key == lookup_key)
    sellable = next(on_sale, None)
    if sellable is None:
        raise NotFound()
    price = prices.active_price(lookup_key)
    if (price.amount_minor, price.currency) != (sellable.amount_minor, sellable.currency):
        # The pages show the catalog's price: nobody is charged another one.
        raise PriceNotSynced()
    return Wish(account_id, sellable, price.stripe_id, quantity, cancel_path, return_path)
