"""Answers as CONTRACT 3 documents them."""

from __future__ import annotations

from typing import Any

from tests.client.playback import Answer

TIME = "2026-11-24T18:00:00Z"

BALANCE = {"balance": 95, "held": 0, "available": 95}


def entry(**changes: Any) -> dict[str, Any]:
    return {
        "id": "ent_1",
        "seq": 2,
        "kind": "DEBIT",
        "reason": "action",
        "amount": -5,
        "balance_after": 95,
        "action": "image.generate",
        "description": None,
        "reference": "job-1",
        "reverses": None,
        "grants": [{"grant": "gr_1", "amount": 5}],
        "metadata": {},
        "actor": {"type": "app", "id": "studio"},
        "created_at": TIME,
    } | changes


def charge(**changes: Any) -> Answer:
    body = {"debit": entry(), "amount": 5, "would_refuse": None, "balance": BALANCE, "quotas": []}
    return Answer(201, body | changes)


def hold(**changes: Any) -> dict[str, Any]:
    return {
        "id": "hold_1",
        "customer": "ada",
        "amount": 5,
        "captured": 0,
        "status": "active",
        "expires_at": TIME,
        "reference": None,
        "balance": {"balance": 100, "held": 5, "available": 95},
    } | changes


def placed(**changes: Any) -> Answer:
    return Answer(201, hold(**changes))


def captured() -> Answer:
    return Answer(200, {"hold": hold(status="captured", captured=5), "debit": entry(), "balance": BALANCE})


def ended(status: str = "voided") -> Answer:
    return Answer(200, {"hold": hold(status=status), "balance": BALANCE})


def results(*statuses: tuple[str, str]) -> Answer:
    return Answer(200, {"results": [{"id": who, "status": what, "amount": 5} for who, what in statuses]})
