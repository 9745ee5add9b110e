"""Credit notes: the sandbox makes none, so its list is empty."""

from __future__ import annotations

from typing import Any

import stripe.params as sdk

from sandbox.protocol.lists import Page, page
from sandbox.protocol.routes import Route
from sandbox.world import World


def list_(world: World, params: dict[str, Any]) -> Page:
    """GET /v1/credit_notes, of an invoice or a customer."""
    wanted = {name: params[name] for name in ("invoice", "customer") if name in params}
    return page(world, "credit_note", params, lambda note: all(note[name] == value for name, value in wanted.items()))


ROUTES = [Route("GET", "/v1/credit_notes", sdk.CreditNoteListParams, list_)]
