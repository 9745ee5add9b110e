"""Whatever the order in which Stripe's events arrive, and however often each: the same end (R6, I24)."""

from __future__ import annotations

import json
import random
import re
from typing import Any

import pytest

from billing import checkout, payments
from billing.db import db
from tests.stripe_world import Shop, environ, sandbox, shop

__all__ = ["environ", "sandbox", "shop"]

_OWN_ID = re.compile(r'"((?:cus|sub|in|inpay|pi|ch|re|cs_test|py)_[A-Za-z0-9]+)"')


def live(shop: Shop, name: str) -> int:
    """Sign up for a plan and buy a pack, with Saldo hearing nothing of it."""
    account_id = shop.customer(name)
    for started in (
        checkout.start_plan_checkout(account_id, "basic", "month"),
        checkout.start_pack_checkout(account_id, "small"),
    ):
        shop.sandbox.pay(started.id)
    return account_id


def give_money_back(shop: Shop, name: str) -> None:
    """Part of the first invoice, then of the pack, in Stripe's Dashboard; then the rest of the pack."""
    client = shop.sandbox.client.v1
    (customer,) = [
        each.id for each in client.customers.list().auto_paging_iter() if each.email == f"{name}@example.com"
    ]
    paid = [
        each.id
        for each in client.payment_intents.list({"customer": customer}).auto_paging_iter()
        if each.status == "succeeded"
    ]
    for payment_intent, amount in ((paid[-1], 500), (paid[-2], 200), (paid[-2], 299)):
        shop.sandbox.control("refunds", {"payment_intent": payment_intent, "amount": amount})


def events_of(shop: Shop, names: list[str]) -> dict[str, list[dict[str, Any]]]:
    """Each customer's events: those that name something of theirs, found by what they have in common."""
    events = shop.events()
    ids_in = {event["id"]: set(_OWN_ID.findall(json.dumps(event))) for event in events}
    own: dict[str, set[str]] = {}
    for event in events:
        thing = event["data"]["object"]
        if thing["object"] == "customer":
            own.setdefault(thing["email"].partition("@")[0], set()).add(thing["id"])
    found: dict[str, list[dict[str, Any]]] = {}
    for name in names:
        ids, before = own[name], -1
        while len(ids) != before:
            before = len(ids)
            for mentioned in ids_in.values():
                if mentioned & ids:
                    ids |= mentioned
        found[name] = [event for event in events if ids_in[event["id"]] & ids]
    return found


def state(shop: Shop, account_id: int) -> Any:
    """What must not depend on the order: balance, subscriptions, and what became of each payment."""
    subscriptions = sorted(view.status for view in shop.subscriptions(account_id).values())
    paid = sorted(
        (view.kind, view.amount_minor, view.refunded_minor, view.granted, view.taken_back)
        for view in payments.list_payments(account_id)
    )
    return shop.balance(account_id), subscriptions, paid


@pytest.mark.parametrize("orders", [6, pytest.param(60, marks=pytest.mark.slow)])
def test_ends_alike_in_any_order__F020_F027(shop: Shop, orders: int) -> None:
    shop.online = False
    names = [f"c{number}" for number in range(orders)]
    accounts = {name: live(shop, name) for name in names}
    shop.sandbox.advance(days=31)
    for name in names:
        give_money_back(shop, name)
    shop.online = True
    db.session.rollback()
    ends = {}
    for number, (name, events) in enumerate(events_of(shop, names).items()):
        assert {"invoice.paid", "checkout.session.completed", "refund.created"} <= {event["type"] for event in events}
        order = random.Random(number)
        told = [event for event in events for _ in range(order.choice((1, 1, 2, 3)))]
        order.shuffle(told)
        waiting = told if number else events  # the first one's come as they happened
        while waiting:
            refused = [event for event in waiting if shop.post(event).status_code == 503]
            assert len(refused) < len(waiting), "what is sent again must get somewhere"
            waiting = refused
        ends[name] = state(shop, accounts[name])
    balance, subscriptions, paid = ends[names[0]]
    # The new cycle's 500, and of the old one, heard of so late that it lives seven days on, what 10 of 15 leave.
    assert (balance, subscriptions) == (833, ["active"])
    assert [kind for kind, *_ in paid] == ["pack", "plan", "plan"]
    assert {name: end for name, end in ends.items() if end != ends[names[0]]} == {}
