"""The world of the sweep."""

from __future__ import annotations

import pytest

from tests.access.world import World, build
from tests.stripe_world import Shop, environ, sandbox, shop

__all__ = ["environ", "sandbox", "shop"]


@pytest.fixture
def world(shop: Shop) -> World:
    return build(shop)
