"""Every address with everybody who should not get in: nobody, another customer, each role, keys without the scope.

Each test walks all routes there are and tells of all that are wrong. What the sweep asks is asked in the name of
another host and origin, which no answer may ever repeat or let in; every answer has its policy, every session cookie
its attributes (`Person.send` looks at each, F128).
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from flask import Flask
from sqlalchemy import func, select
from werkzeug.exceptions import HTTPException
from werkzeug.routing import Rule
from werkzeug.test import TestResponse

from billing import api_keys
from billing.api_keys import SCOPES
from billing.db import db
from billing.models import AuditRecord, Entry
from tests.access.ways import ROLES, WAYS, Way
from tests.access.world import METHODS, Person, World, bare, rules

one_engine = pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
"""For what no database decides."""

OWNED = {"subscription", "payment_id", "refund_id", "hold_id", "entry_id", "checkout", "job_id", "reference"}
"""What one customer has and another may not see."""


def each(app: Flask, who: str) -> Iterator[tuple[str, Rule, Way]]:
    """Every call of the table that these may make: method, rule and line."""
    found = rules(app)
    for call, way in WAYS.items():
        if way.who == who:
            yield call.split()[0], found[call], way


def asks(method: str, rule: Rule, way: Way, world: World) -> str:
    return f"{method} {world.address(rule, way, world.theirs)}"


@one_engine
def test_sweep_knows_every_route_and_no_other(app: Flask) -> None:
    """A route without its line in `ways.py` is one that nobody has thought about."""
    there = set(rules(app))
    untold, gone = sorted(there - set(WAYS)), sorted(set(WAYS) - there)
    assert not untold, "say in tests/access/ways.py who may call these"
    assert not gone, "take the lines of these out of tests/access/ways.py"


def test_nobody_gets_in_anywhere__F125_F128(app: Flask, world: World) -> None:
    wrong = []
    for who in ("customer", "staff", "key"):
        for method, rule, way in each(app, who):
            for named in (world.theirs, world.missing):
                path = world.address(rule, way, named)
                answer = world.nobody.send(method, path)
                if not _turned_away(answer, who, method):
                    wrong.append(f"{method} {path}: {answer.status_code}")
    assert not wrong, wrong


def _turned_away(answer: TestResponse, who: str, method: str) -> bool:
    if who == "key":
        return answer.status_code == 401
    login = "/staff/login" if who == "staff" else "/login"
    led_to_login = answer.status_code == 303 and answer.headers["Location"].startswith(login)
    return led_to_login or (who == "staff" and method != "GET" and answer.status_code == 404)


def test_customer_finds_nothing_of_another__F125(app: Flask, world: World) -> None:
    """R14: Bea's things look to Ana exactly like things that do not exist, and Bea sees that they are there."""
    wrong, seen = [], 0
    for method, rule, way in each(app, "customer"):
        if not OWNED & {*rule.arguments, *way.query.values()}:
            continue
        seen += 1
        theirs, missing = (world.address(rule, way, named) for named in (world.theirs, world.missing))
        foreign, none = (world.ana.send(method, path) for path in (theirs, missing))
        ids = (*world.theirs.values(), *world.missing.values())
        if foreign.status_code != 404 or bare(foreign, *ids) != bare(none, *ids):
            wrong.append(f"{method} {theirs}: {foreign.status_code}, where {none.status_code} is for what is missing")
        if world.bea.send(method, theirs).status_code == 404:
            wrong.append(f"{method} {theirs}: is not even there for its owner, so that this proves nothing")
    assert seen >= 3
    assert not wrong, wrong


def test_customer_is_nobody_to_staff_pages_and_api__F125_F133(app: Flask, world: World) -> None:
    wrong = []
    for who, status in (("staff", 404), ("key", 401)):
        for method, rule, way in each(app, who):
            theirs, missing = (world.address(rule, way, named) for named in (world.theirs, world.missing))
            foreign, none = (world.ana.send(method, path) for path in (theirs, missing))
            expected = 303 if (method, rule.rule) == ("GET", "/staff") else status
            ids = (*world.theirs.values(), *world.missing.values())
            if foreign.status_code != expected or bare(foreign, *ids) != bare(none, *ids):
                wrong.append(f"{method} {theirs}: {foreign.status_code} and {none.status_code}")
    assert not wrong, wrong
    assert world.shop.sandbox.calls("POST", "/v1/refunds") == world.refund_calls


def test_customer_gets_own_pages(app: Flask, world: World) -> None:
    """The table would be worth nothing if everybody were turned away everywhere."""
    wrong = []
    for method, rule, way in each(app, "customer"):
        path = world.address(rule, way, world.theirs)
        answer = world.bea.send(method, path)
        if answer.headers["Cache-Control"] != "no-store":
            wrong.append(f"{method} {path} may be kept by a cache")
        if answer.status_code in (401, 403, 405) or "/login" in answer.headers.get("Location", ""):
            wrong.append(f"{method} {path}: {answer.status_code}") if not way.ends else None
        if way.ends:
            world.bea.sign_in()
    assert not wrong, wrong


def test_staff_may_do_what_their_role_may__F133(app: Flask, world: World) -> None:
    wrong = []
    entries = _count(Entry)
    for method, rule, way in each(app, "staff"):
        for role in ROLES:
            person, refused = world.staff[role], _refusals()
            path = world.address(rule, way, world.theirs)
            answer = person.send(method, path, data=dict(way.form)) if way.form else person.send(method, path)
            if role not in way.roles:
                if answer.status_code != 403:
                    wrong.append(f"{role} {method} {path}: {answer.status_code}, not 403")
                elif _refusals() != refused + 1:
                    wrong.append(f"{role} {method} {path}: the attempt is not in the audit log")
            elif answer.status_code in (401, 403, 404, 405):
                wrong.append(f"{role} {method} {path}: {answer.status_code}")
            if way.ends:
                person.sign_in()
    assert not wrong, wrong
    assert _count(Entry) == entries, "a form without its fields moves nothing"


def test_staff_are_nobody_to_the_customers_pages(app: Flask, world: World) -> None:
    wrong = []
    for method, rule, way in each(app, "customer"):
        answer = world.staff["admin"].send(method, world.address(rule, way, world.theirs))
        if not _turned_away(answer, "customer", method):
            wrong.append(f"{asks(method, rule, way, world)}: {answer.status_code}")
    assert not wrong, wrong


def test_key_needs_the_scope_and_learns_nothing_without__F125(app: Flask, world: World) -> None:
    wrong = []
    for method, rule, way in each(app, "key"):
        lacking = _caller(app, *(scope for scope in SCOPES if scope != way.scope))
        having = _caller(app, way.scope)
        theirs, missing = (world.address(rule, way, named) for named in (world.theirs, world.missing))
        foreign, none = (lacking(method, path) for path in (theirs, missing))
        ids = (*world.theirs.values(), *world.missing.values())
        if foreign.status_code != 403 or bare(foreign, *ids) != bare(none, *ids):
            wrong.append(f"{method} {theirs} without {way.scope}: {foreign.status_code} and {none.status_code}")
        if having(method, theirs).status_code in (401, 403, 405):
            wrong.append(f"{method} {theirs} with {way.scope}: {having(method, theirs).status_code}")
        gone = having(method, missing)
        if {"public_id", *OWNED} & set(rule.arguments) and method == "GET" and gone.status_code != 404:
            wrong.append(f"{method} {missing}: {gone.status_code}, not 404")
    assert not wrong, wrong


@one_engine
def test_form_without_its_token_does_nothing__F127(app: Flask, world: World) -> None:
    wrong = []
    people = {"anyone": world.nobody, "customer": world.bea, "staff": world.staff["admin"]}
    for who, person in people.items():
        for method, rule, way in each(app, who):
            if method == "GET":
                continue
            answer = person.send(method, world.address(rule, way, world.theirs), token=False)
            if answer.status_code != 400:
                wrong.append(f"{asks(method, rule, way, world)}: {answer.status_code}")
    assert not wrong, wrong


@one_engine
def test_methods_that_are_not_meant_are_refused_everywhere__F159(app: Flask, world: World) -> None:
    wrong = []
    for rule in {rule.rule: rule for rule in rules(app).values()}.values():
        path = world.address(rule, Way("anyone"), world.theirs)
        for method in METHODS:
            if _is_meant(app, path, method):
                continue
            answer = world.nobody.send(method, path, token=False)
            if answer.status_code not in (404, 405):
                wrong.append(f"{method} {path}: {answer.status_code}")
    assert not wrong, wrong


@one_engine
def test_no_address_is_put_right_by_a_redirect__F138(world: World) -> None:
    """To redirect to the right address, the router would repeat the host that it was asked for."""
    for path in ("//evil.test/", "/balance//now", "/staff//evil.test", "/\\evil.test", "/balance/", "/staff/"):
        for person in (world.nobody, world.bea, world.staff["admin"]):
            answer = person.send("GET", "/", environ_overrides={"PATH_INFO": path})
            assert answer.status_code == 404, path


@one_engine
def test_everybodys_pages_are_there(app: Flask, world: World) -> None:
    wrong = []
    for method, rule, way in each(app, "anyone"):
        if (
            method != "GET"
            or "token" in rule.arguments
            or rule.rule.endswith(("/embed/balance", "/picture", "<path:filename>"))
        ):
            continue
        answer = world.nobody.send(method, world.address(rule, way, world.theirs))
        if answer.status_code != 200:
            wrong.append(f"{asks(method, rule, way, world)}: {answer.status_code}")
    assert not wrong, wrong


class _caller:
    """An app with a key of these scopes."""

    def __init__(self, app: Flask, *scopes: str) -> None:
        self._person = Person(app.test_client())
        self._headers = {"Authorization": f"Bearer {api_keys.create_key('studio', scopes).secret}"}

    def __call__(self, method: str, path: str) -> TestResponse:
        body = {} if method == "GET" else {"json": {}}
        return self._person.send(method, path, headers=self._headers, **body)


def _is_meant(app: Flask, path: str, method: str) -> bool:
    """Whether some rule takes this; `/refunds/preview` is an id to the one beside it."""
    try:
        app.url_map.bind("localhost").match(path, method)
    except HTTPException:
        return False
    return True


def _refusals() -> int:
    return _count(AuditRecord, AuditRecord.allowed.is_(False))


def _count(table: type, *where: object) -> int:
    db.session.rollback()
    return db.session.scalar(select(func.count()).select_from(table).where(*where)) or 0  # type: ignore[arg-type]
