"""Apps add influencers while the server runs, change them, and take them along as a file."""

from __future__ import annotations

from typing import Any

import pytest

from billing import catalog_sync, checkout, influencers
from billing.db import db
from billing.errors import InfluencerUnavailable
from tests.api.conftest import Caller, exact, problem
from tests.stripe_world import Shop
from worker.tasks import TASKS

TIER = {"id": "gold", "name": "Gold", "amount_minor": 1500, "currency": "usd", "interval": "month", "credits": 70}
VERA = {
    "id": "vera",
    "name": "Vera Vale",
    "handle": "@vera.example",
    "platform": "Web",
    "niche": "Travel",
    "description": "Trains,\nmostly.",
    "tiers": [TIER],
}


def listed(caller: Caller) -> dict[str, Any]:
    """All of them, page by page."""
    found, query = {}, {"limit": 100}
    while query:
        page = exact(caller.get("/influencers", **query))
        found |= {each["id"]: each for each in page["data"]}
        query = {"limit": 100, "cursor": page["next_cursor"]} if page["next_cursor"] else {}
    return found


def put_to_stripe() -> int:
    """What the worker does when it finds tiers that are not on sale; how many such there were."""
    (task,) = (task for task in TASKS if task.name == "put new tiers to Stripe")
    found = catalog_sync.unsynced_tiers()
    assert list(task.find()) == (["stripe"] if found else [])
    assert task.do("stripe")
    return len(found)


def test_influencer_that_is_added_is_listed_and_sold(biller: Caller, shop: Shop) -> None:
    answer = biller.post("/influencers", VERA)
    assert answer.status_code == 201
    added = exact(answer)
    assert added == listed(biller)["vera"]
    assert added["tiers"] == [{name: TIER[name] for name in ("id", "amount_minor", "currency", "interval", "credits")}]
    assert (added["status"], added["description"]) == ("active", "Trains,\nmostly.")
    ada = shop.customer("ada")
    wish = {"customer": "ada", "influencer": "vera", "tier": "gold"}
    assert problem(biller.post("/influencer-subscriptions", wish)) == (503, "price_not_synced")
    assert put_to_stripe() == 1
    assert put_to_stripe() == 0
    shop.sandbox.pay(exact(biller.post("/influencer-subscriptions", wish))["id"])
    assert shop.entries(ada) == [70]
    access = exact(biller.get("/customers/ada/access/vera"))
    assert (access["access"], access["tier"]) == (True, "gold")


def test_sync_of_the_whole_catalog_leaves_added_tiers_on_sale(biller: Caller, shop: Shop) -> None:
    biller.post("/influencers", VERA)
    put_to_stripe()
    assert catalog_sync.sync_catalog().archived == []


def test_new_price_is_for_new_subscribers(biller: Caller, shop: Shop) -> None:
    biller.post("/influencers", VERA)
    put_to_stripe()
    ada = shop.customer("ada")
    shop.sandbox.pay(checkout.start_influencer_checkout(ada, "vera", "gold").id)
    dearer = {"tiers": [{**TIER, "amount_minor": 1900, "credits": 100}]}
    assert biller.call("PATCH", "/influencers/vera", json=dearer).status_code == 200
    assert put_to_stripe() == 1
    shop.sandbox.advance(days=32)
    assert shop.entries(ada, "cycle") == [70, 70]


def test_suspended_influencer_takes_nobody_new_and_comes_back(biller: Caller, shop: Shop) -> None:
    """Also one of the catalog's file."""
    ada = shop.customer("ada")
    changed = exact(biller.call("PATCH", "/influencers/luna", json={"status": "suspended", "niche": "Space"}))
    assert (changed["status"], changed["niche"], changed["name"]) == ("suspended", "Space", "Luna")
    with pytest.raises(InfluencerUnavailable):
        checkout.start_influencer_checkout(ada, "luna", "basic")
    biller.call("PATCH", "/influencers/luna", json={"status": "active"})
    db.session.rollback()
    assert checkout.start_influencer_checkout(ada, "luna", "basic").url


def test_name_and_status_are_taken_away_only_where_the_file_has_others(biller: Caller, shop: Shop) -> None:
    biller.post("/influencers", {"id": "vera", "name": "Vera"})
    for field in ("name", "status"):
        refused = biller.call("PATCH", "/influencers/vera", json={field: None})
        assert problem(refused) == (422, "invalid")
        assert refused.json
        assert [each["field"] for each in refused.json["errors"]] == [field]
    biller.call("PATCH", "/influencers/luna", json={"name": "Selene"})
    assert exact(biller.call("PATCH", "/influencers/luna", json={"name": None}))["name"] == "Luna"


def test_hundred_are_added_together_or_not_at_all(biller: Caller, shop: Shop) -> None:
    many = [{"id": f"one-{number}", "name": f"One {number}"} for number in range(100)]
    assert problem(biller.post("/influencers", {"influencers": [*many[:-1], {"id": "luna", "name": "x"}]})) == (
        *(409, "conflict"),
    )
    assert len(listed(biller)) == 3
    answer = biller.post("/influencers", {"influencers": many})
    assert answer.status_code == 201
    assert [each["id"] for each in exact(answer)["data"]] == [each["id"] for each in many]
    assert len(listed(biller)) == 103


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"name": "x"}, "id"),
        ({"id": "x"}, "name"),
        ({"id": "X", "name": "x"}, "id"),
        ({"id": "x", "name": "a\nb\x07"}, "name"),
        ({"id": "x", "name": "x", "handle": "a b"}, "handle"),
        ({"id": "x", "name": "x", "status": "active"}, "status"),
        ({"id": "x", "name": "x", "tiers": []}, "tiers"),
        ({"id": "x", "name": "x", "tiers": [5]}, "tiers[0]"),
        ({"id": "x", "name": "x", "tiers": [TIER, TIER]}, "tiers"),
        ({"id": "x", "name": "x", "tiers": [{**TIER, "amount_minor": 0}]}, "tiers[0].amount_minor"),
        ({"id": "x", "name": "x", "tiers": [{**TIER, "amount_minor": 9.99}]}, "tiers[0].amount_minor"),
        ({"id": "x", "name": "x", "tiers": [{**TIER, "currency": "eur"}]}, "tiers[0].currency"),
        ({"id": "x", "name": "x", "tiers": [{**TIER, "credits": 0.5}]}, "tiers[0].credits"),
        ({"id": "x", "name": "x", "tiers": [{**TIER, "interval": "week"}]}, "tiers[0].interval"),
        ({"id": "x", "name": "x", "tiers": [{**TIER, "price": 5}]}, "tiers[0].price"),
        ({"influencers": []}, "influencers"),
        ({"influencers": [{"id": "x", "name": "x"}] * 101}, "influencers"),
        ({"influencers": [{"id": "x", "name": "x"}] * 2}, "influencers"),
        ({"influencers": [{"id": "x", "name": "x"}], "id": "y"}, "id"),
        ({"influencers": [{"id": "y", "name": "y"}, {"id": "x", "name": ""}]}, "influencers[1].name"),
    ],
)
def test_wrong_value_is_refused_at_its_place(biller: Caller, shop: Shop, body: dict[str, Any], field: str) -> None:
    answer = biller.post("/influencers", body)
    assert problem(answer) == (422, "invalid"), answer.text
    assert answer.json
    assert field in {each["field"] for each in answer.json["errors"]}
    assert len(listed(biller)) == 3


def test_influencers_come_in_pages(biller: Caller, shop: Shop) -> None:
    first = exact(biller.get("/influencers", limit=2))
    second = exact(biller.get("/influencers", limit=2, cursor=first["next_cursor"]))
    assert [each["id"] for each in [*first["data"], *second["data"]]] == ["luna", "nico", "gone"]
    assert second["next_cursor"] is None
    for wrong in ({"limit": 0}, {"limit": 101}, {"cursor": "x"}):
        assert problem(biller.get("/influencers", **wrong)) == (422, "invalid")


def test_influencer_that_is_not_there_is_404(biller: Caller, shop: Shop) -> None:
    for influencer_id in ("nobody", "%00", "x" * 300, "LUNA"):
        assert problem(biller.call("PATCH", f"/influencers/{influencer_id}", json={"status": "active"})) == (
            *(404, "not_found"),
        )


def test_export_is_a_file_that_no_spreadsheet_runs__F141(biller: Caller, shop: Shop) -> None:
    influencers.add_influencers({"eve": {"name": "=1+1"}}, actor="app:studio")
    answer = biller.get("/influencers/export", format="csv")
    assert answer.content_type.startswith("text/csv")
    lines = answer.get_data(as_text=True).removeprefix("\ufeff").splitlines()
    assert lines[0] == "id,name,handle,platform,niche,description,status,tier,amount_minor,currency,interval,credits"
    assert lines[1] == "luna,Luna,,,,,active,basic,999,usd,month,50"
    assert lines[-1] == "eve,'=1+1,,,,,active,,,,,"
    data = exact(biller.get("/influencers/export", format="json"))["data"]
    assert {each["id"]: each for each in data} == listed(biller)
    assert problem(biller.get("/influencers/export", format="xml")) == (422, "invalid")
