"""What a thief of the whole database can't do: sign in, call the API, or follow a link (F137)."""

from __future__ import annotations

import re

from flask import Flask
from sqlalchemy import text

from billing import api_keys, staff_accounts
from billing.db import connection, db
from tests.access.world import PASSWORD, SECRET_KEY, World
from tests.mailbox import last_link


def test_dump_holds_no_key_password_or_token__F137(app: Flask, world: World) -> None:
    key = api_keys.create_key("studio", ["billing:write"]).secret
    headers = {"Authorization": f"Bearer {key}"}
    body = {"customer": world.theirs["public_id"]}
    portal = world.nobody.send("POST", "/api/v1/portal-sessions", json=body, headers=headers)
    assert portal.status_code == 201, portal.text
    world.nobody.send("POST", "/forgot-password", data={"email": "ana@example.com"})
    colleague = staff_accounts.add_staff("new@example.com", "support")
    secrets = {
        "API key": key,
        "password": PASSWORD,
        "customer's session": _cookie(world.ana.client, "session", "/"),
        "staff session": _cookie(world.staff["admin"].client, "staff_session", "/staff"),
        "link that signs in": portal.get_json()["url"].rpartition("/")[2],
        "link that sets a password": last_link(app, "/reset-password/").rpartition("/")[2],
        "link for a new colleague": staff_accounts.make_setup_token(colleague.id, SECRET_KEY),
        "webhook secret": "whsec_saldo",
        "Stripe key": "sk_test_saldo",
        "secret key": SECRET_KEY,
    }
    assert all(len(secret) >= 10 for secret in secrets.values())
    dump = _dump()
    assert "bea@example.com" in dump, "it is a dump of everything"
    assert [name for name, secret in secrets.items() if secret in dump] == []
    assert not re.search(r"sk_saldo_|[sr]k_(test|live)_|whsec_", dump)


def _dump() -> str:
    """Every row of every table, as text."""
    db.session.rollback()
    tables = [table.name for table in db.metadata.sorted_tables]
    assert len(tables) > 15
    return "\n".join(str(row) for name in tables for row in connection().execute(text(f'SELECT * FROM "{name}"')))


def _cookie(client: object, name: str, path: str) -> str:
    cookie = client.get_cookie(name, domain="evil.test", path=path)  # type: ignore[attr-defined]
    assert cookie is not None
    return str(cookie.value)
