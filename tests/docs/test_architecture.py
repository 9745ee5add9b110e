"""`docs/architecture.md` names rooms that exist, the layers as they are checked, and a home for every rule."""

from __future__ import annotations

import re

import pytest

from config import ROOT
from tests.docs.markdown import code, read, resolve, section, tables
from tests.test_imports import LAYERS

TEXT = read("docs/architecture.md")
HOMES, FACTS = tables(section(TEXT, "One home per rule"))


def test_homes_exist() -> None:
    homes = [name for row in HOMES + FACTS for name in code(row[1])]
    assert len(homes) > 30
    for home in homes:
        if "/" in home:
            assert (ROOT / home).is_file(), home
        else:
            resolve(home)


@pytest.mark.parametrize("rule", [f"R{number}" for number in range(1, 14)])
def test_every_rule_has_a_home(rule: str) -> None:
    assert any(rule in row[2].split() for row in HOMES)


def test_homes_speak_of_rules_that_exist() -> None:
    told = {rule for row in HOMES for rule in row[2].split()}
    assert told <= {f"R{number}" for number in range(1, 17)}


def test_layers_are_those_that_imports_are_checked_by() -> None:
    (table,) = tables(section(TEXT, "Who may call whom"))
    assert [row[0] for row in table] == list(LAYERS)
    for layer, rooms in table:
        named = [name for name in code(rooms) if re.fullmatch(r"[a-z_.]+", name)]
        if layer in ("shared", "verbs"):
            assert set(named) <= set(LAYERS[layer]), layer
        else:
            assert set(named) == set(LAYERS[layer]), layer


def test_drawing_shows_modules_that_exist() -> None:
    drawing = TEXT.split("```")[1]
    rooms = re.findall(r"\b((?:webhooks|api|web|commands|worker|sandbox)/(?:staff/)?|billing/[a-z_]+/?)", drawing)
    assert len(rooms) > 12
    for room in rooms:
        assert (ROOT / room).is_dir() or (ROOT / f"{room}.py").is_file(), room
