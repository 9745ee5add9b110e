"""An app with a key for everything, in front of a shop that sells one thing of each kind."""

from __future__ import annotations

from pathlib import Path

import pytest
from flask import Flask

from billing import api_keys
from config import Settings, load_settings
from tests.api.conftest import Caller
from tests.stripe_world import CATALOG, environ, sandbox, shop

__all__ = ["environ", "sandbox", "shop"]

FREE_PLAN = """
[free_plan]
name = "Free"
quotas = { searches = 100000 }
"""

ACTIONS = """
[quotas.searches]
name = "Searches"
period = "month"

[actions.audio]
name = "Audio"
kind = "per_unit"
cost = 1
unit = "second"
per = 15

[actions.chat]
name = "Chat"
cost = "0.003"
requires_influencer = true
"""


@pytest.fixture
def settings(environ: dict[str, str], tmp_path: Path) -> Settings:
    """Without a limit on calls, as many requests are the point here; with actions of several kinds."""
    catalog = tmp_path / "catalog-with-actions.toml"
    text = CATALOG.replace('[free_plan]\nname = "Free"\n', FREE_PLAN) + ACTIONS
    catalog.write_text(text, encoding="utf-8")
    return load_settings(environ | {"API_RATE_LIMIT": "1000000/minute", "CATALOG": str(catalog)})


@pytest.fixture
def caller(app: Flask) -> Caller:
    return Caller(app.test_client(), api_keys.create_key("studio", api_keys.SCOPES).secret)
