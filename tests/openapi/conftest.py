"""An app with a key for everything, in front of a shop that sells one thing of each kind."""

from __future__ import annotations

from pathlib import Path

import pytest
from flask import Flask

from billing import api_keys
from config import ROOT, Settings, load_settings
from tests.api.conftest import Caller
from tests.stripe_world import environ, sandbox, shop

__all__ = ["environ", "sandbox", "shop"]

QUOTAS = """
[quotas.searches]
name = "Searches"
period = "month"

[actions.chat]
name = "Chat"
cost = "0.003"
quotas = ["searches"]
requires_influencer = true
"""


@pytest.fixture
def settings(environ: dict[str, str], tmp_path: Path) -> Settings:
    """The catalog that comes with Saldo, which the examples speak of; no limit on calls, as many are the point."""
    own = (ROOT / "catalog.toml").read_text(encoding="utf-8")
    catalog = tmp_path / "with-quotas.toml"
    text = own.replace("[free_plan]\n", "[free_plan]\nquotas = { searches = 100000 }\n") + QUOTAS
    catalog.write_text(text, encoding="utf-8")
    return load_settings(environ | {"API_RATE_LIMIT": "1000000/minute", "CATALOG": str(catalog)})


@pytest.fixture
def caller(app: Flask) -> Caller:
    return Caller(app.test_client(), api_keys.create_key("studio", api_keys.SCOPES).secret)
