"""Languages and colours of the pages, and that no words are left untranslated."""

from __future__ import annotations

import io
import re
from pathlib import Path

import pytest
from babel.messages import mofile, pofile
from babel.messages.extract import extract_from_dir

from config import ROOT
from tests.web.conftest import Visitor, text_of

PO = ROOT / "translations" / "es" / "LC_MESSAGES" / "messages.po"


def _title(visitor: Visitor, **headers: str) -> str:
    match = re.search(r'<html lang="([^"]+)"', visitor.see("/plans", **headers).text)
    assert match
    return match[1]


@pytest.mark.parametrize(
    ("wish", "locale"),
    [
        ("es-ES,es;q=0.9", "es"),
        ("es", "es"),
        ("es-MX", "es-MX"),
        ("es-AR,en;q=0.5", "es-MX"),
        ("de,en-GB;q=0.8,es;q=0.5", "en"),
        ("de", "en"),
        ("*", "en"),
        (";;q=x", "en"),
    ],
)
def test_page_follows_the_browsers_language(visitor: Visitor, wish: str, locale: str) -> None:
    assert _title(visitor, **{"Accept-Language": wish}) == locale


def test_language_switch_beats_the_browser_and_leads_back(visitor: Visitor) -> None:
    answer = visitor.send("/preferences", locale="es", next="/packs?return_path=/x")
    assert (answer.status_code, answer.location) == (303, "/packs?return_path=/x")
    assert _title(visitor, **{"Accept-Language": "en"}) == "es"
    visitor.send("/preferences", locale="xx")
    assert _title(visitor) == "es", "what we do not offer changes nothing"


def test_language_of_the_account_is_used_where_nothing_was_chosen(ana: Visitor, another: Visitor) -> None:
    ana.send("/settings/profile", name="Ana", locale="es_MX")
    another.sign_in("ana@example.com")
    assert _title(another, **{"Accept-Language": "en"}) == "es-MX"


def test_colour_switch_is_kept(visitor: Visitor) -> None:
    assert "data-theme" not in visitor.see("/plans").text
    visitor.send("/preferences", theme="dark")
    assert 'data-theme="dark"' in visitor.see("/plans").text
    visitor.send("/preferences", theme="auto")
    assert "data-theme" not in visitor.see("/plans").text


def test_spanish_and_mexican_pages_share_words_and_differ_in_numbers(visitor: Visitor) -> None:
    pages = {}
    for locale in ("es", "es_MX"):
        visitor.client.set_cookie("locale", locale)
        pages[locale] = text_of(visitor.see("/packs"))
    assert all("Recargas" in page for page in pages.values())
    assert "4,99" in pages["es"]
    assert "4.99" in pages["es_MX"]


def _messages() -> set[str]:
    found = set()
    for folder, method in (("web", "python"), ("templates", "jinja2")):
        for _file, _line, message, _comments, _context in extract_from_dir(
            str(ROOT / folder),
            [("**.py" if method == "python" else "**.html", method)],
            keywords={"_": None, "gettext": None, "lazy_gettext": None, "ngettext": (1, 2)},
        ):
            found.add(message[0] if isinstance(message, tuple) else message)
    return found


def test_every_message_has_its_spanish_words_and_no_others_are_kept() -> None:
    with PO.open("rb") as file:
        catalog = pofile.read_po(file, locale="es")
    known = {each.id[0] if isinstance(each.id, tuple) else each.id: each for each in catalog if each.id}
    assert set(known) == _messages()
    for message in known.values():
        assert all(message.string if isinstance(message.string, tuple) else (message.string,)), message.id
        assert not message.fuzzy, message.id
        problems = [str(problem) for problem in message.check(catalog)]
        assert not problems, (message.id, problems)


def test_compiled_translations_are_up_to_date() -> None:
    with PO.open("rb") as file:
        catalog = pofile.read_po(file, locale="es")
    compiled = io.BytesIO()
    mofile.write_mo(compiled, catalog)
    assert Path(PO).with_suffix(".mo").read_bytes() == compiled.getvalue()
