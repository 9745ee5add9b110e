"""`flask keys`."""

from __future__ import annotations

from billing import api_keys
from tests.commands.conftest import Run, told


def test_shows_a_new_key_once_alone_on_the_last_line__F137(run: Run) -> None:
    result = run("keys", "create", "studio", "--scope", "credits:read", "--scope", "credits:spend")
    secret = result.stdout.splitlines()[-1]
    key = api_keys.authenticate(secret)
    assert key is not None
    assert (key.app, key.scopes) == ("studio", ("credits:read", "credits:spend"))
    assert secret not in run("keys", "list").output
    assert secret not in run("keys", "list", "--json").output


def test_knows_no_scope_but_the_four(run: Run) -> None:
    assert run("keys", "create", "studio", "--scope", "all").exit_code == 2
    assert run("keys", "create", "studio").exit_code == 2


def test_rotates_and_revokes(run: Run) -> None:
    first = told(run("keys", "create", "studio", "--scope", "billing:write", "--json"))
    second = told(run("keys", "rotate", "studio", "--json"))
    assert second["scopes"] == first["scopes"]
    assert api_keys.authenticate(first["key"])
    assert api_keys.authenticate(second["key"])
    revoked = told(run("keys", "revoke", first["id"], "--json"))
    assert revoked["revoked_at"]
    assert api_keys.authenticate(first["key"]) is None
    listed = told(run("keys", "list", "--json"))["data"]
    assert {key["id"] for key in listed} == {first["id"], second["id"]}


def test_lists_what_each_key_may_and_whether_it_works(run: Run) -> None:
    old = told(run("keys", "create", "studio", "--scope", "credits:read", "--json"))
    new = told(run("keys", "rotate", "studio", "--json"))
    gone = told(run("keys", "create", "web-app", "--scope", "billing:write", "--json"))
    run("keys", "revoke", gone["id"])
    assert api_keys.authenticate(new["key"])
    lines = {line.split()[0]: line for line in run("keys", "list").output.splitlines()}
    assert "credits:read  works, last used 20" in lines[new["id"]]
    assert "credits:read  works until 20" in lines[old["id"]]
    assert "billing:write  ended 20" in lines[gone["id"]]
    assert lines[gone["id"]].endswith("never used")
