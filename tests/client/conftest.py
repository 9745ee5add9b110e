"""`saldo` in front of a server that plays back, and its waits noted instead of waited."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from saldo import Saldo

from tests.client.playback import Playback, playing


@pytest.fixture
def server() -> Iterator[Playback]:
    with playing() as playback:
        yield playback


@pytest.fixture
def waits() -> list[float]:
    """The seconds that the client would have waited, in order."""
    return []


@pytest.fixture
def credits(server: Playback, waits: list[float]) -> Saldo:
    return Saldo(server.url, "sk_app", timeout=2, sleep=waits.append)


@pytest.fixture
def patient(server: Playback, waits: list[float], tmp_path: Path) -> Saldo:
    """A client whose stories pass while Saldo is away."""
    return Saldo(
        server.url,
        "sk_app",
        timeout=2,
        sleep=waits.append,
        fail_open={"story.generate"},
        kept_in=tmp_path / "kept.sqlite3",
        settle_every=None,
    )
