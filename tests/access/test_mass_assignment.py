"""Nobody sets by a field what the page or call has no field for: price, credits, customer, role (R15)."""

from __future__ import annotations

import json

import pytest
from flask import Flask
from sqlalchemy import select

from billing import api_keys, staff_accounts, subscriptions
from billing.api_keys import SCOPES
from billing.db import db
from billing.ledger import history
from billing.models import Customer
from billing.money import MICRO
from tests.access.test_sweep import each
from tests.access.world import PASSWORD, Person, World

pytestmark = pytest.mark.parametrize("engine", ["sqlite"], indirect=True)

WISHED = {
    "id": "1",
    "account_id": "1",
    "public_id": "bea",
    "customer": "bea",
    "login_email": "bea@example.com",
    "password_hash": "x",
    "session_epoch": "99",
    "created_at": "1970-01-01T00:00:00Z",
    "role": "admin",
    "is_admin": "1",
    "plan": "premium",
    "credits": "1000000",
    "balance": "1000000",
    "amount_minor": "1",
    "unit_amount": "1",
    "price": "price_1",
    "price_data[unit_amount]": "1",
    "trial_days": "730",
    "discount": "100",
    "actor": "operator",
    "source": "x",
    "metadata[saldo_customer]": "bea",
}
"""Fields that somebody might try; none is of the form that it is sent with."""


def _row(email: str) -> dict[str, object]:
    db.session.rollback()
    row = db.session.execute(select(Customer.__table__).where(Customer.email == email)).one()
    return dict(row._mapping)


def test_registering_makes_a_customer_and_nothing_more(world: World) -> None:
    asked = {"email": "eve@example.com", "password": PASSWORD, "name": "Eve"}
    assert world.nobody.send("POST", "/register", data={**WISHED, **asked}).status_code == 303
    row = _row("eve@example.com")
    assert str(row["public_id"]).startswith("web_")
    assert row["session_epoch"] == 0
    assert str(row["password_hash"]).startswith("$argon2id$")
    assert history.list_entries(int(str(row["account_id"]))).entries == []
    assert staff_accounts.find("eve@example.com") is None
    assert subscriptions.list_subscriptions(int(str(row["account_id"]))) == []


def test_settings_change_name_and_language_only(world: World) -> None:
    before = _row("ana@example.com")
    fields = {**WISHED, "email": "bea@example.com", "name": "Ana B.", "locale": "es"}
    assert world.ana.send("POST", "/settings/profile", data=fields).status_code == 303
    changed = {name: value for name, value in _row("ana@example.com").items() if value != before[name]}
    assert changed == {"name": "Ana B.", "locale": "es"}


@pytest.mark.parametrize("path", ["/packs/small/checkout", "/influencers/nico/basic/checkout", "/plans/basic/checkout"])
def test_what_is_paid_is_decided_here(world: World, path: str) -> None:
    """R15: Stripe is asked for our price, for this customer, whatever else the form says."""
    fields = {**WISHED, "interval": "month", "quantity": "1", "tier": "gold"}
    answer = world.ana.send("POST", path, data=fields)
    assert answer.status_code == 303, answer.text
    call = world.shop.sandbox.calls("POST", "/v1/checkout/sessions")[-1]
    sent = json.dumps(call["params"])
    assert str(_row("ana@example.com")["public_id"]) in sent
    assert world.theirs["public_id"] not in sent
    for word in ("price_data", "unit_amount", "trial", "discounts", '"price_1"'):
        assert word not in sent, sent


def test_grant_goes_to_the_customer_in_the_address_by_who_is_signed_in(world: World) -> None:
    public_id = world.theirs["public_id"]
    fields = {"description": "Sorry", "last_day": "", "form_token": "t" * 32, "amount": "5"}
    answer = world.staff["support"].send("POST", f"/staff/customers/{public_id}/grant", data={**WISHED, **fields})
    assert answer.status_code == 303
    account_id = int(str(_row("bea@example.com")["account_id"]))
    (entry, *_) = history.list_entries(account_id).entries
    assert (entry.amount, entry.reason) == (5 * MICRO, "staff")
    assert entry.actor.startswith("staff:")


def test_api_refuses_every_field_that_a_call_does_not_have(app: Flask, world: World) -> None:
    caller, secret = Person(app.test_client()), api_keys.create_key("studio", SCOPES).secret
    wrong, tried = [], 0
    for method, rule, way in each(app, "key"):
        if method not in ("POST", "PATCH"):
            continue
        tried += 1
        headers = {"Authorization": f"Bearer {secret}", "Idempotency-Key": f"try-{tried}"}
        answer = caller.send(method, world.address(rule, way, world.theirs), json={"is_admin": True}, headers=headers)
        told = answer.get_json()
        if answer.status_code != 422 or "is_admin" not in [each["field"] for each in told.get("errors", ())]:
            wrong.append(f"{method} {rule.rule}: {answer.status_code} {told}")
    assert tried > 4
    assert not wrong, wrong
