"""The browser looks at every page, which `tests/browser/walk.py` names, and sends all else: `stories.py` says where."""

from __future__ import annotations

import re

from flask import Flask

from config import ROOT
from tests.access.world import rules
from tests.browser import stories, walk

STANDS_FOR = {
    "{portal}": "/portal/x",
    "{embed}": "/embed/balance?token=x",
    "{returned}": "/checkout/return?session_id=x",
    "{setup}": "/staff/setup/x",
    "{customer}": "x",
    "{entry}": "x",
    "{payment}": "x",
    "{refund}": "x",
    "{event}": "x",
    "{job}": "x",
}


def _path(page: str) -> str:
    for name, address in STANDS_FOR.items():
        page = page.replace(name, address)
    return page.split("?")[0].split("&")[0]


def _walked(app: Flask) -> set[str]:
    """The calls of the pages that are walked, without those that are refused on purpose."""
    addresses = app.url_map.bind("127.0.0.1")
    pages = {*walk.STRANGERS_PAGES, *walk.CUSTOMERS_PAGES, *walk.STAFF_PAGES, *walk.STAFF_STRANGERS_PAGES}
    assert pages >= walk.REFUSED
    return {f"GET {addresses.match(_path(page), return_rule=True)[0].rule}" for page in pages - walk.REFUSED}


def test_every_call_of_the_pages_is_made_in_the_browser(app: Flask) -> None:
    there = {call for call in rules(app) if "/api/" not in call}
    walked, told = _walked(app), set(stories.STORIES)
    assert there <= walked | told | stories.MACHINES, "say in tests/browser/stories.py which story sends these"
    assert told <= there, "take the lines of these out of tests/browser/stories.py"
    assert there - walked - told == stories.MACHINES


def test_every_story_is_told() -> None:
    files = (ROOT / "tests" / "browser").glob("test_*.py")
    told = {name for file in files for name in re.findall(r"^def (test_\w+)", file.read_text(), re.MULTILINE)}
    assert set(stories.STORIES.values()) <= told


def test_story_has_not_sent_what_was_refused_or_only_looked_at() -> None:
    address = "http://127.0.0.1:8000/staff/customers/web_1/limits?from=1"
    for other in (("POST", address, 422), ("GET", address, 200), ("POST", "http://127.0.0.1:8000/elsewhere", 200)):
        assert stories.broken_words(stories.LIMITS, [other]) == {"POST /staff/customers/<public_id>/limits"}
    assert stories.broken_words(stories.LIMITS, [("POST", address, 422), ("POST", address, 303)]) == set()
    assert stories.broken_words("test_of_something_else", []) == set()
