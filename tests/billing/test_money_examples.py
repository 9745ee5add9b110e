"""Every example of `docs/money.md`, done to a real account on both engines."""

from __future__ import annotations

import re

import pytest

from config import ROOT
from tests.billing.conftest import Calendar
from tests.billing.money_language import Story
from tests.billing.shop import Shop

BLOCK = re.compile(r"^```money\n(.*?)^```$", re.M | re.S)


def _examples() -> list[object]:
    found = []
    text = (ROOT / "docs" / "money.md").read_text(encoding="utf-8")
    for section in re.split(r"^#+ ", text, flags=re.M)[1:]:
        title = re.sub(r"\W+", "-", section.splitlines()[0].lower()).strip("-")
        blocks = BLOCK.findall(section)
        found += [pytest.param(block, id=f"{title}-{n}") for n, block in enumerate(blocks, 1)]
    return found


EXAMPLES = _examples()


@pytest.mark.parametrize("example", EXAMPLES)
def test_example_of_the_money_page_is_true(shop: Shop, calendar: Calendar, example: str) -> None:
    Story(shop, calendar).tell(example)


def test_money_page_is_made_of_examples() -> None:
    assert len(EXAMPLES) > 30


@pytest.mark.parametrize(
    ("example", "message"),
    [
        ("give 5 credits\n=> balance 6", "balance 6: really 5"),
        ("spend 1", "refused, and nothing says so"),
        ("give 5 credits\n=> refused: invalid", "refused: invalid: really not at all"),
        ("burn 5 credits", "not in the language"),
        ("give 5 credits\n=> about 5", "not in the language"),
    ],
)
def test_example_that_is_not_true_fails(shop: Shop, calendar: Calendar, example: str, message: str) -> None:
    with pytest.raises(AssertionError, match=message):
        Story(shop, calendar).tell(example)
