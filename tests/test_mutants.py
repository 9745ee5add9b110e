"""The planted mistakes fit the code as it is: each has its one place, and tests that are there to see it."""

from __future__ import annotations

import pytest

from config import ROOT
from mutants.planted import PLANTED, Mutant

AT_LEAST = 25


def test_there_are_enough_and_each_has_its_name() -> None:
    names = [mutant.name for mutant in PLANTED]
    assert len(names) >= AT_LEAST
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("mutant", PLANTED, ids=lambda mutant: mutant.name)
def test_mutant_fits(mutant: Mutant) -> None:
    text = (ROOT / mutant.file).read_text(encoding="utf-8")
    assert text.count(mutant.old) == 1
    assert mutant.new != mutant.old
    compile(text.replace(mutant.old, mutant.new), mutant.file, "exec")
    assert mutant.tests
    assert all((ROOT / test).exists() for test in mutant.tests)
