"""For tests of the books: a database of their own, on both engines, and a catalog that gives nothing away."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.billing.conftest import Calendar
from tests.factories import make_customer, use_catalog


@pytest.fixture
def account(calendar: Calendar, database: None, tmp_path: Path) -> int:
    """A customer with empty books, on a day on which time stands still."""
    use_catalog(tmp_path)
    return make_customer("ana")
