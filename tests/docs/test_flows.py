"""Every function that `docs/flows.md` names exists, and what it says of times is what the code does."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest

from billing.grace import GRACE
from billing.ledger.posting import REASONS
from billing.reconcile import DEFAULT_REACH
from billing.refunds import KEY_LIFETIME
from tests.docs.markdown import code, read, resolve
from webhooks.registry import HANDLERS

TEXT = read("docs/flows.md")
NAMES = sorted({name for name in code(TEXT) if re.fullmatch(r"[a-z_]+(\.\w+)+", name)} - set(HANDLERS))


def full_name(name: str) -> str:
    """The dotted name as Python knows it."""
    room, _, rest = name.partition(".")
    if room == "gateway":
        return f"billing.stripe_gateway.StripeGateway.{rest}"
    return name if room in ("web", "webhooks", "worker") else f"billing.{name}"


def test_flows_name_functions() -> None:
    assert len(NAMES) > 60


@pytest.mark.parametrize("name", NAMES)
def test_names_exist(name: str) -> None:
    assert resolve(full_name(name)) is not None


def test_entries_named_are_of_a_kind_and_reason() -> None:
    pairs = re.findall(r"`(PURCHASE|CREDIT|DEBIT|REFUND)` `(\w+)`", TEXT)
    assert len(pairs) >= 5
    for kind, reason in pairs:
        assert reason in REASONS[kind], (kind, reason)


def test_times_are_those_of_the_code() -> None:
    assert timedelta(days=7) == GRACE
    assert "at most seven days" in TEXT
    assert f"After {KEY_LIFETIME // timedelta(hours=1)} hours" in TEXT
    assert f"default {DEFAULT_REACH.days} days ago" in TEXT
