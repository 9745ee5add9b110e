"""`/docs`: all of the description, for people, with nothing that needs a script or another site."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest
from flask import Flask

from api.openapi import CALLS
from api.openapi.document import SHAPES
from api.openapi.page import described, rows


class Page(HTMLParser):
    """What a page shows and loads."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.links: list[str] = []
        self.loaded: list[str] = []
        self.inline: list[str] = []
        self.words: list[str] = []
        self.goes_on = False
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.goes_on = tag == "wbr"
        self.ids += [given["id"] or ""] if "id" in given else []
        self.links += [given["href"] or ""] if tag == "a" else []
        self.loaded += [given.get("src") or given.get("href") or ""] if tag in ("script", "link", "img") else []
        if (tag == "script" and "src" not in given) or tag == "style" or "style" in given:
            self.inline.append(tag)
        self.inline += [name for name in given if name.startswith("on")]

    def handle_data(self, data: str) -> None:
        """A word that may be broken is still one."""
        if self.goes_on:
            data = self.words.pop() + data
        self.goes_on = False
        self.words.append(data)


@pytest.fixture
def page(app: Flask) -> Page:
    answer = app.test_client().get("/docs")
    assert answer.status_code == 200
    assert "script-src 'self'" in answer.headers["Content-Security-Policy"]
    return Page(answer.text)


def test_shows_every_call_with_its_fields_answers_and_errors(page: Page) -> None:
    words = set(page.words)
    for call in CALLS:
        assert f"{call.method} {call.path}" in words
        assert call.operation_id in page.ids
        assert {*call.path_fields, *call.query, *(row.name for row in rows(call.body or {}))} <= words
        assert {str(status) for status in call.answers} <= words
        assert set(call.problems) <= words
    assert set(SHAPES) <= set(page.ids)


def test_leads_from_fields_to_the_objects_that_they_are(page: Page) -> None:
    inside = {link.removeprefix("#") for link in page.links if link.startswith("#")}
    assert inside <= set(page.ids)
    assert len(page.ids) == len(set(page.ids))
    assert {"Entry", "Balance", "InsufficientCredits"} <= inside


def test_works_offline_and_without_scripts(page: Page) -> None:
    assert page.inline == []
    assert page.loaded
    assert all(address.startswith("/static/") or address.startswith("/bootstrap/") for address in page.loaded)


def test_is_reachable_in_every_language(app: Flask) -> None:
    client = app.test_client()
    client.set_cookie("locale", "es")
    answer = client.get("/docs")
    assert '<html lang="es"' in answer.text
    assert '<div lang="en"' in answer.text


def test_shows_calls_as_they_are_typed() -> None:
    told = {call.operation_id: described(call, "https://credits.example.com").curl for call in CALLS}
    assert told["get_plans"] == "curl https://credits.example.com/api/v1/plans"
    hold = told["post_holds"]
    assert hold.startswith("curl -X POST https://credits.example.com/api/v1/holds")
    assert all(part in hold for part in ("Authorization: Bearer", "Idempotency-Key: ", '"action": "audio"'))
    assert not any(re.search(r"[^\x20-\x7e\n]", curl) for curl in told.values())
