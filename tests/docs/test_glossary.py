"""Every word that a table may hold, and every ledger word of the code, is explained in `docs/glossary.md`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import get_args

import pytest
from sqlalchemy import CheckConstraint

from billing import clawback, cycle_credits, models, purchases, refunds
from billing.cycle_credits import GRANT_REASONS
from billing.db import Base
from billing.events import STATUSES
from billing.ledger import giving_back, grants, holds, posting, taking_back
from billing.ledger.posting import REASONS
from billing.paid_periods import LOST_STATUSES, OPEN_STATUSES
from billing.staff_accounts import Role
from tests.docs.markdown import code, read, section, tables
from web.subscriptions import STATES

TEXT = read("docs/glossary.md")
EXPLAINED = set(code(TEXT))


def words_of_the_database() -> Iterator[tuple[str, str]]:
    """Column and word, for every word that a CHECK allows."""
    assert models.Entry.metadata is Base.metadata
    for table in Base.metadata.tables.values():
        for check in table.constraints:
            if isinstance(check, CheckConstraint):
                for column, words in re.findall(r"(\w+) IN \(([^)]*)\)", str(check.sqltext)):
                    for word in re.findall(r"'(\w+)'", words):
                        yield f"{table.name}.{column}", word


def test_database_allows_words() -> None:
    assert len(set(words_of_the_database())) > 40


@pytest.mark.parametrize(("column", "word"), sorted(set(words_of_the_database())))
def test_words_of_the_database_are_explained(column: str, word: str) -> None:
    assert word in EXPLAINED, column


def test_kinds_and_reasons_are_those_of_the_ledger() -> None:
    (table,) = tables(section(TEXT, "Kinds and reasons"))
    told = {code(kind)[0]: set(code(reasons)) - {"reverses"} for kind, _, reasons in table}
    assert told == {kind: set(reasons) for kind, reasons in REASONS.items()}


def test_states_are_those_of_the_code() -> None:
    table = dict(tables(section(TEXT, "States"))[0])
    told = {of: set(code(states)) for of, states in table.items()}
    assert told["event"] == set(STATUSES)
    assert told["refund, its credits"] == set(refunds.MODES)
    assert told["subscription"] == set(STATES)
    assert told["dispute"] == {*OPEN_STATUSES, *LOST_STATUSES}


def test_kinds_of_things_are_those_of_the_code() -> None:
    table = dict(tables(section(TEXT, "Kinds of things"))[0])
    assert set(code(table["invoice line"])) == set(GRANT_REASONS)
    assert set(get_args(Role)) <= set(code(table["staff"]))


def test_verbs_exist() -> None:
    """A verb that the glossary teaches is a function somewhere in the rules."""
    rooms = (clawback, cycle_credits, purchases, giving_back, grants, holds, posting, taking_back)
    taught = [word for word in code(section(TEXT, "Verbs")) if "_" in word]
    assert len(taught) > 8
    for verb in taught:
        assert any(hasattr(room, verb) for room in rooms), verb
