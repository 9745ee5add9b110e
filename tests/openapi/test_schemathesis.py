"""schemathesis, which knows nothing but the document: no 5xx, and no answer that the document does not tell of.

It sends the examples, each boundary of each field on either side of it, and requests drawn at random from a fixed seed;
`test_requests.py` sends less and looks closer: at codes, at fields that nobody told of, at ids inside of bodies.
"""

from __future__ import annotations

from typing import Any

import pytest
import schemathesis
from flask import Flask
from schemathesis.config import SchemathesisConfig
from schemathesis.engine import events, from_schema
from schemathesis.engine.recorder import ScenarioRecorder

from api.openapi import CALLS
from billing import audit
from tests.api.conftest import Caller

LEFT_OUT = {
    "positive_data_acceptance": "rules refuse what the document allows: an unknown cursor, a day that is over",
    "allow_header_conformance": "/refunds/preview also has the shape of /refunds/{refund}",
    "ignored_auth": "cannot be asked in-process; `test_needs_the_keys_and_scopes_that_are_told` does",
}
"""Checks of schemathesis that are not made, and why."""

pytestmark = pytest.mark.force

NAMED_IN_ADDRESSES = ("customer", "debit", "hold", "influencer", "payment", "refund", "resource", "subscription")


def settings(caller: Caller, known: dict[str, list[Any]]) -> SchemathesisConfig:
    """What is sent: as this app, and about things that are there."""
    return SchemathesisConfig.from_dict(
        {
            "seed": 1,
            "cache": {"enabled": False},
            "headers": {"Authorization": f"Bearer {caller.secret}"},
            "parameters": {name: known[name][0] for name in NAMED_IN_ADDRESSES},
            "continue-on-failure": True,
            "checks": {name: {"enabled": False} for name in LEFT_OUT},
            "generation": {"max-examples": 3, "deterministic": True, "no-shrink": True, "database": "none"},
            "phases": {"stateful": {"enabled": False}},
        }
    )


def told(recorder: ScenarioRecorder) -> list[str]:
    """What some requests have found wrong, each with how to send it again."""
    return [
        f"{recorder.label}: {node.name}: {node.failure_info.failure.message}\n{node.failure_info.code_sample}"
        for nodes in recorder.checks.values()
        for node in nodes
        if node.failure_info is not None
    ]


def test_answers_whatever_schemathesis_sends_as_the_document_says(
    app: Flask, caller: Caller, known: dict[str, list[Any]]
) -> None:
    described = schemathesis.openapi.from_wsgi("/api/v1/openapi.json", app, config=settings(caller, known))
    wrong, asked, sent = [], set(), 0
    for event in from_schema(described).execute():
        if isinstance(event, events.FatalError):
            raise event.exception
        if isinstance(event, events.NonFatalError):
            wrong.append(f"{event.label}: {event.info.format()}")
        if isinstance(event, events.ScenarioFinished):
            wrong += told(event.recorder)
            asked |= {event.recorder.label} if event.recorder.interactions else set()
            sent += len(event.recorder.interactions)
    assert not wrong, "\n\n".join(wrong[:20])
    assert {f"{call.method} {call.path}" for call in CALLS} - {"GET /openapi.json"} <= asked
    assert sent > 1000
    assert list(audit.audit()) == []
