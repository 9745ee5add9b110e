"""The account the key belongs to."""

from __future__ import annotations

from typing import Any

import stripe.params as sdk

from sandbox.protocol.routes import Route
from sandbox.settings import ACCOUNT_ID
from sandbox.world import World


def retrieve(world: World, params: dict[str, Any]) -> dict[str, Any]:
    """GET /v1/account."""
    return {
        "_wire": True,
        "id": ACCOUNT_ID,
        "object": "account",
        "business_type": "company",
        "charges_enabled": True,
        "country": "US",
        "created": 1_700_000_000,
        "default_currency": "usd",
        "details_submitted": True,
        "email": "sandbox@example.com",
        "metadata": {},
        "payouts_enabled": True,
        "type": "standard",
    }


ROUTES = [Route("GET", "/v1/account", sdk.AccountRetrieveCurrentParams, retrieve)]
