"""For tests of the books: a database of their own, on both engines, and a catalog that gives nothing away."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.factories import make_customer, use_catalog


@pytest.fixture
def account(database: None, tmp_path: Path) -> int:
    """A customer with empty books."""
    use_catalog(tmp_path)
    return make_customer("ana")
