"""Keys of apps at the desk: made and shown once, exchanged, revoked, by who may, and written down."""

from __future__ import annotations

import re

import pytest
import time_machine
from flask import Flask
from sqlalchemy import text
from werkzeug.test import TestResponse

from billing import api_keys, clock
from billing.db import connection
from tests.staff.conftest import Desk, audit_rows, hire, text_of


@pytest.fixture
def manager(app: Flask) -> Desk:
    return hire(app, "mel@example.com", "manager")


def make(desk: Desk, app: str = "studio", *scopes: str) -> TestResponse:
    """What the form for a new key sends; several boxes have one name."""
    fields = {"app": app, "scopes": list(scopes or ("credits:read",))}
    return desk.send("/staff/keys", **fields)  # type: ignore[arg-type]


def secret_in(page: TestResponse) -> str:
    found = re.search(r'value="(sk_saldo_[^"]+)"', page.text)
    assert found
    return found[1]


def test_shows_a_new_key_once_and_keeps_its_hash__F137(admin: Desk) -> None:
    page = make(admin, "studio", "credits:read", "credits:spend")
    assert page.status_code == 201
    secret = secret_in(page)
    key = api_keys.authenticate(secret)
    assert key is not None
    assert (key.app, key.scopes) == ("studio", ("credits:read", "credits:spend"))
    assert page.headers["Cache-Control"] == "no-store"
    listed = admin.see("/staff/keys").text
    assert key.id in listed
    assert secret not in listed
    assert secret not in str(connection().execute(text("SELECT * FROM api_keys")).all())


def test_shows_when_a_key_was_last_used(admin: Desk) -> None:
    secret = secret_in(make(admin))
    assert 'data-label="Last used">never<' in admin.see("/staff/keys").text
    api_keys.authenticate(secret)
    assert 'data-label="Last used">never<' not in admin.see("/staff/keys").text


def test_revokes_at_once_and_writes_down_who(manager: Desk, app: Flask) -> None:
    issued = api_keys.create_key("studio", ["credits:read"])
    answer = manager.send(f"/staff/keys/{issued.key.id}/revoke")
    assert answer.headers["Location"] == "/staff/keys"
    assert api_keys.authenticate(issued.secret) is None
    assert manager.send(f"/staff/keys/{issued.key.id}/revoke").status_code == 303, "again is no mistake"
    assert audit_rows() == [(manager.staff.actor, "key.revoke", True)]
    page = text_of(manager.see("/staff/keys"))
    assert "Ended" in page
    assert "Revoke" not in page


def test_exchanges_an_apps_keys_and_lets_the_old_ones_run_out(admin: Desk) -> None:
    old = secret_in(make(admin, "studio", "billing:write"))
    page = admin.send("/staff/keys/rotate", app="studio")
    new = secret_in(page)
    assert page.status_code == 201
    assert "Works until" in text_of(admin.see("/staff/keys"))
    with time_machine.travel(clock.wall_now() + api_keys.ROTATION_GRACE):
        assert api_keys.authenticate(old) is None
        key = api_keys.authenticate(new)
    assert key is not None
    assert key.scopes == ("billing:write",)
    assert [row[1] for row in audit_rows()] == ["key.create", "key.rotate"]


@pytest.mark.parametrize("name", ["", "My App", "a" * 65, "<script>", "a\nb", "ünder"])
def test_refuses_a_name_that_is_none(admin: Desk, name: str) -> None:
    answer = make(admin, name)
    assert answer.status_code == 422
    assert "<script>" not in answer.text
    assert api_keys.list_keys() == []


@pytest.mark.parametrize("scopes", [["all"], ["credits:read", "admin"], [""]])
def test_refuses_a_scope_that_is_none(admin: Desk, scopes: list[str]) -> None:
    assert make(admin, "studio", *scopes).status_code == 422
    assert admin.send("/staff/keys", app="studio").status_code == 422
    assert api_keys.list_keys() == []


def test_finds_no_app_and_no_key_that_is_not_there(admin: Desk) -> None:
    assert admin.send("/staff/keys/rotate", app="nobody").status_code == 404
    assert admin.send("/staff/keys/rotate").status_code == 404
    assert admin.send("/staff/keys/key_1/revoke").status_code == 404


def test_keeps_keys_from_support_and_making_them_from_managers(desk: Desk, manager: Desk) -> None:
    issued = api_keys.create_key("studio", ["credits:read"])
    revoking = f"/staff/keys/{issued.key.id}/revoke"
    assert desk.see("/staff/keys").status_code == 403
    assert "API keys" not in text_of(desk.see("/staff"))
    assert manager.see("/staff/keys").status_code == 200
    for who in (desk, manager):
        assert make(who).status_code == 403
        assert who.send("/staff/keys/rotate", app="studio").status_code == 403
    assert desk.send(revoking).status_code == 403
    assert [key.id for key in api_keys.list_keys()] == [issued.key.id]
    assert api_keys.authenticate(issued.secret)
    assert {(action, allowed) for _, action, allowed in audit_rows()} == {
        ("read_keys", False),
        ("create_key", False),
        ("revoke_key", False),
    }
