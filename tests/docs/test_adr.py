"""Decisions keep their form, stand in the list, and their examples are true on both engines."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from config import ROOT
from tests.billing.conftest import Calendar
from tests.billing.money_language import Story
from tests.billing.shop import Shop
from tests.docs.markdown import blocks, links, read

FOLDER = ROOT / "docs" / "adr"
DECISIONS = sorted(FOLDER.glob("[0-9]*.md"))
EXAMPLES = [
    pytest.param(block, id=f"{path.name[:4]}-{number}")
    for path in DECISIONS
    for number, block in enumerate(blocks(path.read_text(encoding="utf-8"), "money"), 1)
]


@pytest.mark.parametrize("path", DECISIONS, ids=lambda path: path.stem)
def test_decision_keeps_its_form(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert text.startswith(f"# {path.name[:4]}. ")
    assert re.search(r"^[A-Z]\w+ \d{4} · (proposed|accepted|replaced by \[\d{4}\])", text, re.MULTILINE)
    assert re.findall(r"^## (.+)$", text, re.MULTILINE) == ["Context", "Decision", "Consequences"]


def test_decisions_are_numbered_without_a_gap() -> None:
    assert [int(path.name[:4]) for path in DECISIONS] == list(range(1, len(DECISIONS) + 1))


def test_list_names_every_decision_by_its_title() -> None:
    text = read("docs/adr/README.md")
    assert links(text) == [path.name for path in DECISIONS]
    for path in DECISIONS:
        title = path.read_text(encoding="utf-8").splitlines()[0].partition(". ")[2]
        assert f"| [{path.name[:4]}]({path.name}) | {title} |" in text


@pytest.mark.parametrize("example", EXAMPLES)
def test_example_of_a_decision_is_true(shop: Shop, calendar: Calendar, example: str) -> None:
    Story(shop, calendar).tell(example)
