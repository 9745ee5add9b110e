"""`docs/go-live.md` asks for exactly the rights that the code uses and the events that it handles."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import stripe
from flask import Flask

from billing import api_keys
from billing.catalog.sellables import plan_lookup_key, product_id
from config import ROOT, Settings, secret_fields
from tests.docs.commands import all_commands, named_commands
from tests.docs.markdown import blocks, code, prose, read, section, tables
from webhooks.registry import HANDLERS

TEXT = read("docs/go-live.md")
(PERMISSIONS,) = tables(section(TEXT, "2. A key with no more rights than it needs"))
WRITES = {"create", "update", "cancel", "expire"}


def gateway_calls() -> dict[str, str]:
    """Method of the gateway → Stripe's method that it calls, such as `refunds.create`."""
    return {
        method.name: str(call.args[0].value)
        for path in (ROOT / "billing" / "stripe_gateway").glob("*.py")
        for method in ast.walk(ast.parse(path.read_text()))
        if isinstance(method, ast.FunctionDef)
        for call in ast.walk(method)
        if isinstance(call, ast.Call)
        and isinstance(call.func, ast.Attribute)
        and call.func.attr in ("_call", "_pages")
        and isinstance(call.args[0], ast.Constant)
    }


def methods_used() -> set[str]:
    """Methods of the gateway that anybody calls: `gateway.…`, `self.gateway.…`, `stripe_gateway.current().…`."""
    rooms = ("billing", "webhooks", "api", "web", "commands", "worker")
    return {
        node.attr
        for room in rooms
        for path in (ROOT / room).rglob("*.py")
        if "stripe_gateway" not in path.parts
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Attribute) and _is_gateway(node.value)
    }


def _is_gateway(node: ast.expr) -> bool:
    if isinstance(node, ast.Call):
        return isinstance(node.func, ast.Attribute) and node.func.attr == "current"
    return (isinstance(node, ast.Name) and node.id == "gateway") or (
        isinstance(node, ast.Attribute) and node.attr == "gateway"
    )


def test_permissions_are_those_that_the_calls_need() -> None:
    calls, used = gateway_calls(), methods_used()
    needed = {name for method, name in calls.items() if method in used}
    assert len(needed) > 25
    told = [name for row in PERMISSIONS for name in code(row[2])]
    assert len(told) == len(set(told))
    assert set(told) == needed


def test_permissions_are_no_wider_than_needed() -> None:
    for permission, level, calls in PERMISSIONS:
        writes = {name.rpartition(".")[2] for name in code(calls)} & WRITES
        assert level == ("Write" if writes else "Read"), permission


def test_endpoint_gets_the_events_that_are_handled() -> None:
    (call,) = blocks(TEXT, "sh")
    assert re.findall(r'"enabled_events\[\]=([\w.]+)"', call) == list(HANDLERS)


def test_readme_asks_for_the_same_rights_events_and_version() -> None:
    text = section(read("README.md"), "Going live, in short")
    words = " ".join(text.split())
    found = re.search(r"\*Write\* on ([\w ,]+), and \*Read\* on ([\w ,]+)\.", words)
    assert found
    for level, told in zip(("Write", "Read"), found.groups(), strict=True):
        assert told.split(", ") == [row[0] for row in PERMISSIONS if row[1] == level]
    (events,) = re.findall(r"```\n(.*?)```", text, flags=re.DOTALL)
    assert sorted(events.split()) == sorted(HANDLERS)
    assert re.findall(r"\d{4}-\d\d-\d\d\.[a-z]+", text) == [stripe.api_version]


def test_endpoint_has_the_version_that_the_sdk_speaks() -> None:
    for name in ("docs/go-live.md", "docs/webhooks.md"):
        assert set(re.findall(r"\d{4}-\d\d-\d\d\.[a-z]+", read(name))) == {stripe.api_version}


def test_endpoint_is_where_the_door_is(app: Flask) -> None:
    addresses = re.findall(r"https?://[\w.:]+(/webhooks/\S+?)(?=[`\s])", TEXT)
    assert len(addresses) == 2
    for address in addresses:
        assert any(rule.rule == address for rule in app.url_map.iter_rules())


def test_settings_shown_exist() -> None:
    names = {line.partition("=")[0] for line in blocks(section(TEXT, "3. Settings"))[0].splitlines()}
    files = {f"{name.upper()}_FILE" for name in secret_fields()}
    assert names <= files | {name.upper() for name in Settings.model_fields}
    secrets = {code(row[0])[0] for row in tables(TEXT)[-1] if code(row[0])}
    assert secrets <= {name.upper() for name in secret_fields()}


def test_commands_shown_exist(app: Flask) -> None:
    known = all_commands(app).keys()
    shown = named_commands(prose(TEXT)) + named_commands("\n".join(blocks(TEXT)))
    assert len(shown) > 6
    for words in shown:
        assert words in known or words.split()[0] in known, words


def test_scope_shown_exists() -> None:
    (scope,) = re.findall(r"--scope ([\w:]+)", TEXT)
    assert scope in api_keys.SCOPES


def test_names_at_stripe_are_those_of_the_catalog(app: Flask) -> None:
    assert product_id("plan", "basic") in TEXT
    assert plan_lookup_key("basic", "month") in TEXT
    assert Path(app.config["SETTINGS"].catalog).name in TEXT
