"""`docs/faults.md` says which tests hold which fault, and which faults are left."""

from __future__ import annotations

import re

from config import ROOT
from tests.docs.markdown import code, read, section, tables
from tests.docs.numbered import numbered_tests

TEXT = read("docs/faults.md")
LEFT = {row[0] for row in tables(section(TEXT, "Left"))[0]}
HELD = {row[0]: code(row[2]) for table in tables(TEXT) for row in table if len(row) == 3}


def test_each_fault_is_held_or_left() -> None:
    numbers = re.findall(r"^\| (F\d{3}) \|", TEXT, flags=re.MULTILINE)
    assert len(numbers) == len(set(numbers)) == len(LEFT) + len(HELD) == 136
    assert not LEFT & set(HELD)


def test_each_number_that_a_test_carries_is_told() -> None:
    assert set(numbered_tests()) <= set(HELD)


def test_each_file_named_has_a_test_of_that_number() -> None:
    carried = numbered_tests()
    for number, tests in HELD.items():
        assert tests, f"{number} is held by nothing"
        for name in tests:
            path, _, function = name.partition("::")
            if function:
                assert f"def {function}(" in (ROOT / path).read_text(encoding="utf-8"), f"{number}: {name}"
            else:
                assert path in carried.get(number, set()), f"{number}: no test in {path}"


def test_reasons_are_given_for_what_is_left() -> None:
    for number, why in tables(section(TEXT, "Left"))[0]:
        assert len(why) > 20, number
