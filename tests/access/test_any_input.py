"""Any text in any field of any form, in any address and any question: kept as it is, refused, never obeyed (R16).

The forms are those that the pages show, so that a new one is tried without being named here. PostgreSQL is the
stricter of the two databases (NUL, numbers beyond 64 bits), so it answers for both.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import quote

import pytest
from flask import Flask
from structlog.testing import capture_logs

from tests.access.forms import Form, forms_of
from tests.access.test_sweep import each
from tests.access.ways import Way
from tests.access.world import Person, World

strict_engine = pytest.mark.parametrize("engine", ["postgresql"], indirect=True)

TEXTS = (
    "",
    "x" * 10_000,
    "\u202eאבג\u200f 👩‍👩‍👧‍👦 e\u0301\u0323",
    "a\r\nSet-Cookie: evil=1\r\n\r\n<b>",
    "{{1234*4321}}${1234*4321}<script>alert(1)</script>'; DROP TABLE customers; --",
    "\x00%00\ud7ff\ufffe",
    "9" * 40,
    "-1e400",
    "2025-02-30",
)

IDS = ("%20", "x" * 300, "..%2f", "%2e%2e", "%25", "_", "%00", "%F0%9F%92%A9", "%ff", "0", "-1", "9" * 40, "*", "%27")

QUESTIONS = ("before", "cursor", "from", "to", "kind", "q", "next", "status", "session_id", "look", "format")


def pages(app: Flask, world: World) -> Iterator[tuple[Person, str, Way]]:
    """Everybody's, the customer's and the staff's pages, each with who may see it."""
    people = {"anyone": world.nobody, "customer": world.bea, "staff": world.staff["admin"]}
    for who, person in people.items():
        for method, rule, way in each(app, who):
            if method == "GET" and "filename" not in rule.arguments:
                yield person, world.address(rule, way, world.theirs), way


@strict_engine
def test_form_takes_any_text__F151(app: Flask, world: World) -> None:
    tried: set[tuple[str, str]] = set()
    for person, path, _ in pages(app, world):
        for form in forms_of(person.send("GET", path), path):
            for name in form.typed - {"csrf_token"}:
                address = re.sub(r"_\w{20,}", "", form.action)
                if form.method == "POST" and (address, name) not in tried:
                    tried.add((address, name))
                    _fill_in(person, form, name)
    assert len(tried) > 20, "the pages have more fields than that"


def _fill_in(person: Person, form: Form, name: str) -> None:
    for text in TEXTS:
        with capture_logs() as logs:
            answer = person.send("POST", form.action, data={**form.fields, name: text})
        assert "<script>alert" not in answer.text, f"{form.action} {name}"
        assert "5332114" not in answer.text, f"{form.action} {name} is computed"
        assert "evil" not in answer.headers.get("Set-Cookie", ""), f"{form.action} {name}"
        assert not [log for log in logs if log["log_level"] == "error"], f"{form.action} {name}: {logs}"
        if answer.status_code == 303 and "/login" in answer.headers["Location"]:
            person.sign_in()


@strict_engine
def test_page_takes_any_question__F151_F157(app: Flask, world: World) -> None:
    for person, path, _ in pages(app, world):
        for text in TEXTS:
            question = "&".join(f"{name}={quote(text[:2000], errors='surrogatepass')}" for name in QUESTIONS)
            answer = person.send("GET", f"{path.partition('?')[0]}?{question}")
            assert "<script>alert" not in answer.text, path
            assert "5332114" not in answer.text, path
            assert "evil" not in str(answer.headers.get("Set-Cookie")), path


@strict_engine
def test_address_takes_any_id__F152(app: Flask, world: World) -> None:
    """Whatever stands where an id belongs: it is not there, and leads nowhere else."""
    wrong = []
    people = {"anyone": world.nobody, "customer": world.bea, "staff": world.staff["admin"]}
    for who, person in people.items():
        for method, rule, way in each(app, who):
            if not rule.arguments:
                continue
            for value in IDS:
                path = world.address(rule, way, world.theirs | dict.fromkeys(rule.arguments, value))
                answer = person.send(method, path)
                if answer.status_code not in (400, 404, 422):
                    wrong.append(f"{method} {path}: {answer.status_code}")
    assert not wrong, wrong


HOSTS = ("", "a b", "evil.test:abc", "[::1", "\xff", "x" * 10_000, "evil.test/x?y", 'a"><script>', "..", "a..b", ":80")


@strict_engine
def test_host_is_not_even_read(app: Flask) -> None:
    """Links and redirects know PUBLIC_URL only, so that no name a request is sent to can break or mislead them."""
    client = app.test_client()
    for path, status in (
        ("/plans", 200),
        ("/balance", 303),
        ("/nowhere", 404),
        ("/api/v1/plans", 200),
        ("/livez", 200),
    ):
        expected = client.get(path)
        assert expected.status_code == status
        for host in HOSTS:
            answer = client.get(path, environ_overrides={"HTTP_HOST": host})
            assert (answer.status_code, answer.headers.get("Location")) == (status, expected.headers.get("Location"))
            assert "evil" not in answer.text
