"""`/influencers` and one influencer's page."""

from __future__ import annotations

from tests.stripe_world import Shop, environ  # noqa: F401
from tests.web.conftest import Visitor, text_of


def subscribe(visitor: Visitor, shop: Shop, influencer: str = "luna", tier: str = "basic") -> None:
    answer = visitor.send(f"/influencers/{influencer}/{tier}/checkout")
    assert answer.status_code == 303
    shop.sandbox.pay(answer.location.rpartition("/")[2])


def test_influencers_are_listed_with_their_lowest_price(visitor: Visitor) -> None:
    page = text_of(visitor.see("/influencers"))
    assert "Luna from $9.99 a month" in page
    assert "Gone" not in page, "who takes no new subscriptions is not offered"


def test_influencer_shows_tiers_and_what_they_bring(visitor: Visitor) -> None:
    page = text_of(visitor.see("/influencers/luna"))
    assert "Gold $19.99 a month" in page
    assert "150 credits to spend with Luna each time it renews" in page


def test_subscribing_shows_on_the_page_and_a_second_is_refused_f117(ana: Visitor, shop: Shop) -> None:
    subscribe(ana, shop)
    page = text_of(ana.see("/influencers/luna"))
    assert "You are subscribed (Basic)." in page
    assert "Subscribe: Gold" not in page
    before = len(shop.sandbox.calls())
    answer = ana.send("/influencers/luna/gold/checkout")
    assert answer.status_code == 409
    assert len(shop.sandbox.calls()) == before
    subscribe(ana, shop, "nico")
    assert "You are subscribed" in text_of(ana.see("/influencers/nico"))


def test_suspended_influencer_takes_nobody_new_f120(ana: Visitor, shop: Shop) -> None:
    assert "No new subscriptions are taken" in text_of(ana.see("/influencers/gone"))
    before = len(shop.sandbox.calls())
    answer = ana.send("/influencers/gone/basic/checkout")
    assert answer.status_code == 409
    assert "takes no new subscriptions" in text_of(answer)
    assert len(shop.sandbox.calls()) == before


def test_unknown_influencer_or_tier_is_404(ana: Visitor) -> None:
    assert ana.see("/influencers/nobody").status_code == 404
    assert ana.send("/influencers/luna/diamond/checkout").status_code == 404
