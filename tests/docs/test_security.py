"""`docs/security.md`, in both languages, says of rights, scopes, headers and times what the code does."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import get_args

import pytest
from flask import Flask

from app import create_app
from billing import api_keys, credentials
from billing.staff_accounts import RIGHTS, ROLES, Right
from config import load_settings
from tests.docs.markdown import blocks, code, read, tables
from web.staff.session import SESSION_SECONDS

NAMES = ("docs/security.md", "docs/es/security.md")
both_languages = pytest.mark.parametrize("text", [read(name) for name in NAMES], ids=NAMES)
only_sqlite = pytest.mark.parametrize("engine", ["sqlite"], indirect=True)


def _table(text: str, first: str) -> dict[str, list[str]]:
    """The table that has a row for `first`, by what its rows begin with."""
    found = [{code(row[0])[0]: row for row in table if code(row[0])} for table in tables(text)]
    return next(table for table in found if first in table)


@both_languages
def test_rights_are_those_of_the_roles(text: str) -> None:
    told = _table(text, "refund")
    assert told.keys() == set(get_args(Right))
    for right, row in told.items():
        for role, cell in zip(ROLES, row[-3:], strict=True):
            assert (cell in ("yes", "sí")) == (right in RIGHTS[role]), (right, role)


@both_languages
def test_scopes_are_all_of_them(text: str) -> None:
    assert list(_table(text, "credits:read")) == list(api_keys.SCOPES)


@only_sqlite
@both_languages
def test_headers_are_those_of_a_live_server(environ: dict[str, str], text: str) -> None:
    live = environ | {"STRIPE_SECRET_KEY": "sk_live_saldo", "PUBLIC_URL": "https://saldo.example.com"}
    del live["STRIPE_API_BASE"], live["TEST_CLOCK_FILE"]
    headers = create_app(load_settings(live)).test_client().get("/login").headers
    told = dict(line.split(": ", 1) for line in blocks(text)[0].splitlines())
    assert len(told) == 7
    assert {name: headers[name] for name in told} == told


@only_sqlite
@both_languages
def test_figures_are_those_of_the_code(app: Flask, text: str) -> None:
    assert timedelta(seconds=SESSION_SECONDS) == timedelta(hours=12)
    assert app.config["PERMANENT_SESSION_LIFETIME"] == timedelta(days=14)
    assert timedelta(hours=24) == api_keys.ROTATION_GRACE
    for figure in (r"14\s(days|días)", r"12\s(hours|horas)", r"24\s(hours|horas)"):
        assert re.search(figure, text), figure
    assert (credentials.MIN_PASSWORD_CHARACTERS, credentials.MAX_PASSWORD_CHARACTERS) == (8, 200)
    assert re.search(r"8 (to|a) 200", text)
    assert app.config["SETTINGS"].api_rate_limit == "500/second"
    assert "500" in text


@only_sqlite
@both_languages
def test_addresses_exist(app: Flask, text: str) -> None:
    paths = {rule.rule for rule in app.url_map.iter_rules()}
    named = {word for word in code(text) if word.startswith("/")} - {"/api/v1"}
    assert len(named) >= 6
    assert named <= paths
