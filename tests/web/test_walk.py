"""The browser looks at every page: `tests/browser/walk.py` names each address that answers with one."""

from __future__ import annotations

from flask import Flask

from tests.browser import walk

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


def test_every_page_is_walked(app: Flask) -> None:
    addresses = app.url_map.bind("127.0.0.1")
    pages = (
        *walk.STRANGERS_PAGES,
        *walk.CUSTOMERS_PAGES,
        *walk.STAFF_PAGES,
        *walk.STAFF_STRANGERS_PAGES,
    )
    walked = {addresses.match(_path(page), return_rule=True)[0].rule for page in pages if page != "/nowhere"}
    there = {
        rule.rule
        for rule in app.url_map.iter_rules()
        if "GET" in (rule.methods or ()) and not rule.rule.startswith("/api/")
    }
    assert there - walk.NO_PAGES == walked
    assert there >= walk.NO_PAGES
