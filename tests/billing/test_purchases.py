"""Packs: what a paid Checkout Session is worth, once."""

from __future__ import annotations

from billing.money import MICRO
from tests.billing.shop import Shop


def test_pack_is_granted_once_however_often_it_is_told__F018(shop: Shop) -> None:
    session = shop.buy(shop.price("small", 100, 1000, None))
    assert [shop.tell(session) for _ in range(20)] == ["granted"] + ["duplicate"] * 19
    assert shop.told() == [("PURCHASE", "pack", 100)]
    assert shop.balance().available == 100 * MICRO
