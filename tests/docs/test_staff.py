"""`docs/staff.md`, in both languages, says of limits and pages what the code does."""

from __future__ import annotations

import re

import pytest
from babel.messages import pofile
from flask import Flask

from billing.limits import RefundLimits
from billing.money import MICRO
from billing.staff_accounts import DAYS_WORTH, GRANT_LIMITS, RIGHTS
from config import ROOT
from tests.docs.commands import all_commands, named_commands
from tests.docs.markdown import code, prose, read, tables
from web.staff.session import SESSION_SECONDS

NAMES = ("docs/staff.md", "docs/es/staff.md")
both_languages = pytest.mark.parametrize("text", [read(name) for name in NAMES], ids=NAMES)


def _number(text: str) -> int:
    return int(re.sub(r"\D", "", text.split("(")[0]))


@both_languages
def test_limits_by_hand_are_those_of_the_roles(text: str) -> None:
    told = next(table for table in tables(text) if code(table[0][0]) == ["support"])
    assert [code(row[0])[0] for row in told] == list(GRANT_LIMITS)
    for row, limit in zip(told, GRANT_LIMITS.values(), strict=True):
        assert _number(row[1]) == limit // MICRO
        assert _number(row[2]) == limit // MICRO * DAYS_WORTH
    assert not {"take", "forgive"} & RIGHTS["support"], "“grants only” is no longer so"


@both_languages
def test_limits_of_refunds_are_those_of_a_new_installation(text: str) -> None:
    limits = RefundLimits()
    found = [int(re.sub(r"\D", "", amount)) for amount in re.findall(r"\b[\d.,]+[.,]00\b", text)]
    assert found == [limits.typed_above, limits.alone, limits.alone_per_day]
    assert f" {limits.times_per_day} " in text


def test_buttons_and_states_are_called_as_on_the_pages() -> None:
    """What stands in italics is on the page in just these words, in the language of the reader."""
    with (ROOT / "translations/es/LC_MESSAGES/messages.po").open("rb") as file:
        spanish = {each.id: each.string for each in pofile.read_po(file, locale="es")}
    english, told = (re.findall(r"(?<!\*)\*([^*\n]+)\*(?!\*)", prose(read(name))) for name in NAMES)
    assert len(english) > 8
    assert set(english) <= set(spanish)
    assert told == [spanish[word] for word in english]


@both_languages
def test_session_lasts_as_long_as_told(text: str) -> None:
    assert SESSION_SECONDS == 12 * 3600
    assert re.search("twelve hours|doce horas", text)


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
@both_languages
def test_commands_and_addresses_exist(app: Flask, text: str) -> None:
    known = all_commands(app)
    assert named_commands(prose(text))
    assert all(words in known for words in named_commands(prose(text)))
    paths = {rule.rule for rule in app.url_map.iter_rules()}
    assert {word for word in code(text) if word.startswith("/")} <= paths
