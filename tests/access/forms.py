"""The forms of a page, as a browser would send them."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser

from werkzeug.test import TestResponse


@dataclass
class Form:
    """Where a form goes, and what it sends when nobody changes anything; `typed` are fields that people fill in."""

    method: str
    action: str
    fields: dict[str, str] = field(default_factory=dict)
    typed: set[str] = field(default_factory=set)
    takes_files: bool = False


def forms_of(page: TestResponse, path: str) -> list[Form]:
    """Every form of the page at `path`."""
    reader = _Reader(path.partition("?")[0])
    reader.feed(page.text)
    return reader.forms


class _Reader(HTMLParser):
    def __init__(self, path: str) -> None:
        super().__init__()
        self.path = path
        self.forms: list[Form] = []
        self._open: Form | None = None
        self._select = ""

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attributes}
        if tag == "form":
            self._open = Form(given.get("method", "get").upper(), given.get("action") or self.path)
            self.forms.append(self._open)
        form, name = self._open, given.get("name", "")
        if form is None:
            return
        if tag == "option" and "selected" in given:
            form.fields[self._select] = given.get("value", "")
        if tag not in ("input", "select", "textarea", "button") or not name:
            return
        kind = given.get("type", "text")
        if kind == "file":
            form.takes_files = True
            return
        self._select = name if tag == "select" else self._select
        form.typed.add(name)
        if kind not in ("radio", "checkbox") or "checked" in given:
            form.fields.setdefault(name, given.get("value", ""))

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._open = None
