"""Who may call what: keys, scopes, and that another's things look like nothing at all."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
import time_machine
from sqlalchemy import text

from api.auth import scope_needed
from billing import api_keys, clock, customers
from billing.db import connection
from billing.errors import Invalid, NotFound
from tests.api.conftest import Caller, problem
from tests.stripe_world import Shop
from tests.web.conftest import PASSWORD, Visitor


def test_needs_a_key_with_the_scope__F125(
    shop: Shop, stranger: Caller, reader: Caller, caller_with: Callable[..., Caller]
) -> None:
    shop.customer("ada")
    path = "/customers/ada/balance"
    assert problem(stranger.get(path)) == (401, "unauthenticated")
    assert stranger.get(path).headers["WWW-Authenticate"] == "Bearer"
    assert problem(caller_with("billing:write").get(path)) == (403, "missing_scope")
    assert reader.get(path).status_code == 200


@pytest.mark.parametrize("page", ["/balance", "/history", "/payments", "/subscriptions", "/settings"])
def test_shows_a_customer_nothing_of_another__F125(shop: Shop, page: str) -> None:
    """The pages take no customer from the address, so naming one changes nothing."""
    bea = shop.customer("bea")
    shop_client = Visitor(shop.app.test_client())
    customers.register("ana@example.com", PASSWORD, "Ana", "en")
    shop_client.sign_in("ana@example.com")
    own, naming = shop_client.see(page), shop_client.see(f"{page}?customer=bea&account_id={bea}")
    assert own.status_code == naming.status_code == 200
    assert "bea@example.com" not in naming.text
    assert shop_client.see("/api/v1/customers/bea/balance").status_code == 401
    assert _bare(shop_client.see("/payments/bea")) == _bare(shop_client.see("/payments/nobody"))


def _bare(page: object) -> str:
    """A page without what differs each time."""
    return re.sub(r"req_\w+|name=\"csrf_token\" value=\"[^\"]+\"|bea|nobody", "", page.text)  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    "header", ["", "Bearer", "Bearer ", "Bearer x", "Basic eDp5", "bearer \x00", "Bearer sk_saldo_" + "a" * 5000]
)
def test_refuses_what_is_no_key(shop: Shop, stranger: Caller, header: str) -> None:
    shop.customer("ada")
    answer = stranger.call("GET", "/customers/ada/balance", headers={"Authorization": header})
    assert problem(answer) == (401, "unauthenticated")


def test_takes_no_key_from_the_address(shop: Shop, stranger: Caller, reader: Caller) -> None:
    shop.customer("ada")
    assert stranger.get("/customers/ada/balance", api_key=reader.secret).status_code == 401


def test_stops_a_revoked_key_at_once(shop: Shop, reader: Caller) -> None:
    shop.customer("ada")
    (key,) = api_keys.list_keys()
    api_keys.revoke_key(key.id)
    assert problem(reader.get("/customers/ada/balance")) == (401, "unauthenticated")
    assert api_keys.revoke_key(key.id).revoked_at is not None


def test_keeps_only_the_hash_of_a_key__F137(shop: Shop, reader: Caller) -> None:
    assert reader.secret
    assert reader.get("/customers/ada/balance").status_code == 404
    stored = str(connection().execute(text("SELECT * FROM api_keys")).all())
    assert reader.secret not in stored
    assert reader.secret.removeprefix("sk_saldo_") not in stored


def test_rotates_without_cutting_the_app_off(shop: Shop, reader: Caller) -> None:
    shop.customer("ada")
    new = Caller(reader.client, api_keys.rotate_key("studio").secret)
    for caller in (reader, new):
        assert caller.get("/customers/ada/balance").status_code == 200
    with time_machine.travel(clock.wall_now() + timedelta(hours=25)):
        assert new.get("/customers/ada/balance").status_code == 200
        assert reader.get("/customers/ada/balance").status_code == 401


def test_rotates_only_what_works(shop: Shop) -> None:
    with pytest.raises(NotFound):
        api_keys.rotate_key("nobody")


@pytest.mark.parametrize(
    ("name", "scopes"), [("", ["credits:read"]), ("A b", ["credits:read"]), ("a", []), ("a", ["all"])]
)
def test_refuses_a_key_for_nobody_or_nothing(shop: Shop, name: str, scopes: list[str]) -> None:
    with pytest.raises(Invalid):
        api_keys.create_key(name, scopes)


def test_notes_when_a_key_was_used(shop: Shop, reader: Caller) -> None:
    shop.customer("ada")
    assert api_keys.list_keys()[0].last_used_at is None
    reader.get("/customers/ada/balance")
    assert api_keys.list_keys()[0].last_used_at is not None


@pytest.mark.parametrize(
    ("method", "path", "scope"),
    [
        ("GET", "customers/ada/balance", "credits:read"),
        ("GET", "usage", "credits:read"),
        ("POST", "quotes", "credits:read"),
        ("POST", "debits", "credits:spend"),
        ("POST", "debits/en_1_1/refunds", "credits:spend"),
        ("POST", "holds/ho_1_1/capture", "credits:spend"),
        ("POST", "usage", "credits:spend"),
        ("POST", "refunds", "refunds:write"),
        ("POST", "refunds/preview", "refunds:write"),
        ("POST", "credits", "billing:write"),
        ("POST", "customers", "billing:write"),
        ("DELETE", "influencer-subscriptions/sn_1", "billing:write"),
    ],
)
def test_knows_which_scope_a_call_needs(method: str, path: str, scope: str) -> None:
    assert scope_needed(method, path) == scope


def test_needs_no_csrf_token_but_a_key__F127(shop: Shop, biller: Caller, stranger: Caller) -> None:
    assert biller.post("/customers", {"id": "bob"}).status_code == 201
    assert problem(stranger.post("/customers", {"id": "eve"})) == (401, "unauthenticated")


def test_needs_a_csrf_token_for_a_session__F127(shop: Shop) -> None:
    ana = Visitor(shop.app.test_client())
    customers.register("ana@example.com", PASSWORD, "Ana", "en")
    ana.sign_in("ana@example.com")
    answer = ana.ask("POST", "/settings/profile", data={"name": "Mallory", "locale": "en"})
    assert answer.status_code == 400
    assert "Mallory" not in ana.see("/settings").text
    assert ana.send("/settings/profile", name="Mallory", locale="en").status_code == 303
    assert "Mallory" in ana.see("/settings").text


def test_lets_no_other_origin_read__F128(shop: Shop, reader: Caller) -> None:
    shop.customer("ada")
    answer = reader.call("GET", "/customers/ada/balance", headers={"Origin": "https://evil.test"})
    assert "Access-Control-Allow-Origin" not in answer.headers
